// Does: runs the bare server beside the API actor, with the same certificates. Never outlives the benchmark.
import { fork, type ChildProcess } from 'node:child_process';
import type { ApiProcesses } from '../../kit/api-processes.ts';
import type { Server } from './connections.ts';

export class Peer {
  readonly #child: ChildProcess;
  readonly server: Server;

  private constructor(child: ChildProcess, server: Server) {
    this.#child = child;
    this.server = server;
  }

  static async start(apis: ApiProcesses): Promise<Peer> {
    const child = fork(new URL('peer-server.ts', import.meta.url).pathname, apis.serverFiles);
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(message as number));
      child.once('exit', (code) => reject(new Error(`the peer ended with ${code}`)));
    });
    return new Peer(child, { url: `https://127.0.0.1:${port}`, credentials: apis.credentials });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
