// node server.mjs DIRECTORY [IDLE_MS]: serves the database in the directory to local clients.
//
// It prints one JSON object per line to standard output; the last one is {"event": "ready", "port": …}. It ends when
// its standard input closes, so that it never outlives its parent, or on SIGTERM. All connections share one session,
// so settings and session-level locks apply to all, and a connection in a transaction makes the others wait.

import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';

import { Connection } from './connection.mjs';
import { openDatabase } from './database.mjs';
import { query, startupMessage, SYNC } from './messages.mjs';
import { Turns } from './turns.mjs';

const [directory, idleLimit = '30000'] = process.argv.slice(2);

const report = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

function acceptConnections(database, greeting) {
  const turns = new Turns(database, { idleLimit: Number(idleLimit) });
  const connections = new Set();
  let id = 0;
  const server = createServer((socket) => {
    id += 1;
    const connection = new Connection(socket, { id, turns, greeting });
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  const stop = () => {
    turns.stop();
    server.close();
    for (const connection of connections) connection.close();
  };
  return { server, stop };
}

report({ event: 'starting' });

let database = null;
let stopAccepting = () => {};
let stopping = false;

async function end() {
  if (stopping) return;
  stopping = true;
  stopAccepting();
  if (database) {
    await database.runExclusive(() => database.execProtocolRaw(Buffer.concat([SYNC, query('ROLLBACK')])));
    await database.close();
  }
  process.exit(0);
}

new Worker(new URL('./watchdog.mjs', import.meta.url)).on('message', end);
process.on('SIGTERM', end);

database = await openDatabase(directory);
const greeting = Buffer.from(await database.execProtocolRaw(startupMessage()));
const { server, stop } = acceptConnections(database, greeting);
stopAccepting = stop;
server.listen(0, '127.0.0.1', () => report({ event: 'ready', port: server.address().port }));
