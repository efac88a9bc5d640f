// node create.mjs DIRECTORY: creates a database in the directory and exits.
import { openDatabase } from './database.mjs';

const database = await openDatabase(process.argv[2]);
await database.close();
process.exit(0);
