// Does: finds out what of the machine is still free for a new cluster, and claims it: address ranges, ports; and what it asks
// for names of the world. Never changes the machine. What is free is looked at after it is claimed: who had it claimed before
// may have put it to use since.
import { createServer } from 'node:net';
import { randomUUID } from 'node:crypto';
import type { RuntimeName } from '../../lib/actor/settings.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { DEFAULT_API_PORT, hasContainers, OptionError, SLOTS, type Found } from '../core/cluster.ts';
import { chooseIndex, planNetwork, takenBlocks, type Taken } from '../network/index.ts';
import type { Claims } from './claims.ts';
import { readIfThere } from './files.ts';

/** `preferredSlot`: clusters of different homes begin their search in different places, also while one of them is down. */
export async function findPlace(
  name: string,
  options: { runtime: RuntimeName; port?: number | undefined; apiservers?: number | undefined },
  preferredSlot: number,
  claims: Claims,
): Promise<Found> {
  const { runtime, port, apiservers = 1 } = options;
  const dnsPort = hasContainers(runtime) || process.getuid?.() === 0 ? 53 : 5353;
  const slot = hasContainers(runtime)
    ? await freeNetwork(name, preferredSlot, claims)
    : await freeLoopback(dnsPort, preferredSlot, claims);
  const first = port ?? (await firstFree(DEFAULT_API_PORT, 50, claims));
  const other = await takerOf(first, claims);
  if (other !== undefined) throw new OptionError(`--port ${first}: ${other}; choose another`);
  const apiPorts = [first, ...(await freePorts(first + 1, apiservers - 1, claims))];
  return { clusterId: randomUUID(), slot, apiPorts, natsPort: await firstFree(4222, 200, claims), dnsPort };
}

/** The next free ones. */
export async function freePorts(from: number, count: number, claims: Claims): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) found.push(await firstFree((found.at(-1) ?? from - 1) + 1, 200, claims));
  return found;
}

/** Who stands in the way of a program that would listen there, said in words; undefined: nobody, and it is claimed now. */
export async function takerOf(port: number, claims: Claims): Promise<string | undefined> {
  if (!(await claims.take(`port ${port}`))) return `another \`flotilla up\` is about to use port ${port}`;
  if (!(await isFree('127.0.0.1', port))) return `another program already listens on 127.0.0.1:${port}`;
  return undefined;
}

/** The machine's own resolvers: the DNS actor runs in the machine's network and may ask them. */
export function upstreamDns(): string[] {
  const text = readIfThere('/etc/resolv.conf') ?? '';
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!);
}

/** The first range that no route and no address of this machine meets. */
async function freeNetwork(name: string, preferred: number, claims: Claims): Promise<number> {
  const claimed: Taken[] = [];
  for (let own: number | undefined; ;) {
    const index = chooseIndex(name, [...(await takenBlocks(systemExec)), ...claimed], preferred);
    if (index === own) return index;
    if (await claims.take(`network ${index}`)) own = index;
    else claimed.push({ cidr: planNetwork({ cluster: name, index, nodes: [] }).fabric.cidr, device: 'a new cluster' });
  }
}

/** The first range whose DNS address nobody listens on. */
async function freeLoopback(dnsPort: number, preferred: number, claims: Claims): Promise<number> {
  for (let i = 0; i < SLOTS; i++) {
    const slot = (preferred + i) % SLOTS;
    if ((await claims.take(`loopback ${slot}`)) && (await isFree(`127.${96 + slot}.0.10`, dnsPort))) return slot;
  }
  throw new OptionError(`all ${SLOTS} address ranges of this machine are taken by other clusters: remove one`);
}

async function firstFree(from: number, tries: number, claims: Claims): Promise<number> {
  for (let port = from; port < from + tries; port++)
    if ((await takerOf(port, claims)) === undefined && (await isFree('0.0.0.0', port))) return port;
  throw new OptionError(`no free port between ${from} and ${from + tries}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
