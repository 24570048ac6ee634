// Does: asks once whether a process shows that it is ready. Never waits for it.
import { connect, type Socket } from 'node:net';
import type { Readiness } from '../core/unit.ts';
import { readIfThere } from './files.ts';

const ANSWER_MS = 1000;

/** `pid`: a ready file counts only when this life of the process wrote it. */
export async function isReady(ready: Readiness, pid: number): Promise<boolean> {
  switch (ready.type) {
    case 'file':
      return readIfThere(ready.path)?.trim() === String(pid);
    case 'socket':
      return ask(connect(ready.path), (socket, yes) => socket.once('connect', yes));
    case 'nats':
      return ask(connect(ready.port, ready.host), (socket, yes) =>
        socket.once('data', (data) => {
          if (data.toString('latin1').startsWith('INFO ')) yes();
        }),
      );
  }
}

function ask(socket: Socket, listen: (socket: Socket, yes: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS, () => end(false));
    socket.once('error', () => end(false));
    listen(socket, () => end(true));
  });
}
