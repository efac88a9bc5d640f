import { PGlite } from '@electric-sql/pglite';
import { age } from '@electric-sql/pglite-age';

// If WebAssembly's stack ended before PostgreSQL's own limit, a deeply nested expression would break the session
// without an error message. This limit fits the --stack-size of the process.
const START_PARAMETERS = [...PGlite.defaultStartParams, '-c', 'max_stack_depth=320kB'];

/**
 * Open the database in a directory, or create it if there is none.
 *
 * PGlite writes each commit to the operating system before it responds, and never calls fsync. Committed data survive a
 * killed process, but not a power failure.
 */
export async function openDatabase(directory) {
  const database = await PGlite.create({ dataDir: directory, extensions: { age }, startParams: START_PARAMETERS });
  await database.exec("CREATE EXTENSION IF NOT EXISTS age; LOAD 'age';");
  return database;
}
