// Does: finds TCP ports of this machine that nobody listens on. Never holds one: whoever asked must take it soon.
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below the ports that the kernel gives to outgoing connections. Of those, one may be a client's before the server is there, or
 * while it is down between two lives; and a client that tries again and again may even be connected with itself.
 */
const [FIRST, LAST] = [20_000, 29_999];

/** All are held at once before any is given back, or the same port might be found twice. */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = randomInt(FIRST, LAST + 1);
    if (held.has(port)) continue;
    const server = await hold(port);
    if (server !== undefined) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  return [...held.keys()];
}

/** undefined: it is somebody's. */
function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
