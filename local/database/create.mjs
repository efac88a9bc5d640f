// node create.mjs DIRECTORY: makes a database and ends.
import { openDatabase } from './database.mjs';

const database = await openDatabase(process.argv[2]);
await database.close();
process.exit(0);
