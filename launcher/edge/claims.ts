// Does: lets only one living process of this machine hold a word (a port, an address range) while nothing in the kernel shows
// yet that it is taken. Never waits, and leaves nothing behind: what is held are abstract sockets, which end with their
// holder, however that ends, and are seen by every user of the same network namespace, as ports are.
import { createServer, type Server } from 'node:net';

export class Claims {
  readonly #held = new Map<string, Server>();

  /** false: another process has it. What is held already is held on. */
  async take(word: string): Promise<boolean> {
    if (this.#held.has(word)) return true;
    const server = await listen(`\0flotilla claim: ${word}`);
    if (server === undefined) return false;
    this.#held.set(word, server);
    return true;
  }

  /** When all that was claimed is in use, or will not be. */
  release(): void {
    for (const server of this.#held.values()) server.close();
    this.#held.clear();
  }
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => resolve(server));
  });
}
