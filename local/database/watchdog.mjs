// A separate thread, because the main thread receives no events while a statement runs, however long that takes.
import { Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';

const GRACE_MS = 2_000;

const input = new Socket({ fd: 0 });
input.on('close', () => {
  parentPort.postMessage('parent has gone');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS);
});
input.on('error', () => {});
input.resume();
