import { PGlite } from '@electric-sql/pglite';
import { age } from '@electric-sql/pglite-age';

// Where WebAssembly's stack ends before PostgreSQL's own limit, a deep expression breaks the session without an answer:
// the limit fits the --stack-size that this is run with.
const START_PARAMETERS = [...PGlite.defaultStartParams, '-c', 'max_stack_depth=320kB'];

/**
 * Open the database in a directory, making it first where there is none.
 *
 * PGlite writes each commit to the operating system before it answers and never calls fsync: what was acknowledged
 * outlives a killed process, but not a power cut.
 */
export async function openDatabase(directory) {
  const database = await PGlite.create({ dataDir: directory, extensions: { age }, startParams: START_PARAMETERS });
  await database.exec("CREATE EXTENSION IF NOT EXISTS age; LOAD 'age';");
  return database;
}
