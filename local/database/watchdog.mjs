// A thread of its own: the main one is deaf while a statement runs, and a statement may run for ever.
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
