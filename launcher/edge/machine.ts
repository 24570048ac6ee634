// Does: finds out what of the machine is still free for a new cluster: address ranges, ports; and what it asks for names
// of the world. Never changes it.
import { createServer } from 'node:net';
import { randomUUID } from 'node:crypto';
import type { RuntimeName } from '../../lib/actor/settings.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { DEFAULT_API_PORT, hasContainers, OptionError, SLOTS, type Found } from '../core/cluster.ts';
import { chooseIndex, takenBlocks } from '../network/index.ts';
import { readIfThere } from './files.ts';

/** `preferredSlot`: clusters of different homes begin their search in different places, also while one of them is down. */
export async function findPlace(
  name: string,
  options: { runtime: RuntimeName; port?: number | undefined; apiservers?: number | undefined },
  preferredSlot: number,
): Promise<Found> {
  const { runtime, port, apiservers = 1 } = options;
  const dnsPort = hasContainers(runtime) || process.getuid?.() === 0 ? 53 : 5353;
  const slot = await freeSlot(name, runtime, dnsPort, preferredSlot);
  const first = port ?? (await firstFree(DEFAULT_API_PORT, 50));
  if (!(await isFree('127.0.0.1', first)))
    throw new OptionError(`--port ${first}: another program already listens on 127.0.0.1:${first}; choose another`);
  const apiPorts = [first, ...(await freePorts(first + 1, apiservers - 1))];
  return { clusterId: randomUUID(), slot, apiPorts, natsPort: await firstFree(4222, 200), dnsPort };
}

/** The next free ones. */
export async function freePorts(from: number, count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) found.push(await firstFree((found.at(-1) ?? from - 1) + 1, 200));
  return found;
}

/** The machine's own resolvers: the DNS actor runs in the machine's network and may ask them. */
export function upstreamDns(): string[] {
  const text = readIfThere('/etc/resolv.conf') ?? '';
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!);
}

/** The first range that nothing of this machine uses. */
async function freeSlot(name: string, runtime: RuntimeName, dnsPort: number, preferred: number): Promise<number> {
  if (hasContainers(runtime)) return chooseIndex(name, await takenBlocks(systemExec), preferred);
  for (let i = 0; i < SLOTS; i++) {
    const slot = (preferred + i) % SLOTS;
    if (await isFree(`127.${96 + slot}.0.10`, dnsPort)) return slot;
  }
  throw new OptionError(`all ${SLOTS} address ranges of this machine are taken by other clusters: remove one`);
}

/** Whether a program of this machine could listen there. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return isFree(host, port);
}

async function firstFree(from: number, tries: number): Promise<number> {
  for (let port = from; port < from + tries; port++)
    if ((await isFree('127.0.0.1', port)) && (await isFree('0.0.0.0', port))) return port;
  throw new OptionError(`no free port between ${from} and ${from + tries}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
