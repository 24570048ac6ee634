// Does: asks the machine which IPv4 blocks it already uses and whether it forwards. Never changes anything.
import { readFile } from 'node:fs/promises';
import { describeFailure, type Exec } from '../../lib/exec/exec.ts';
import type { Taken } from './choose.ts';
import { IP } from './steps.ts';

export const FORWARDING = '/proc/sys/net/ipv4/ip_forward';

interface RouteRow {
  dst?: string;
  dev?: string;
}

interface AddressRow {
  ifname?: string;
  addr_info?: Array<{ local?: string; prefixlen?: number }>;
}

/** Every IPv4 route and address of the machine's own namespace. */
export async function takenBlocks(exec: Exec): Promise<Taken[]> {
  const routes = await rows<RouteRow>(exec, [IP, '-4', '-j', 'route', 'show', 'table', 'all']);
  const addresses = await rows<AddressRow>(exec, [IP, '-4', '-j', 'address']);
  return [
    ...routes.map(({ dst, dev }) => ({ cidr: dst ?? '', device: dev ?? '' })),
    ...addresses.flatMap(({ ifname, addr_info }) =>
      (addr_info ?? []).map(({ local, prefixlen }) => ({ cidr: `${local}/${prefixlen}`, device: ifname ?? '' })),
    ),
  ];
}

/** Whether the machine forwards IPv4 now: bringing a network up turns that on. */
export async function forwardsIpv4(): Promise<boolean> {
  return (await readFile(FORWARDING, 'utf8')).trim() === '1';
}

async function rows<T>(exec: Exec, argv: readonly string[]): Promise<T[]> {
  const result = await exec.run(argv);
  if (result.exitCode !== 0) throw new Error(`cannot tell which addresses are in use: ${describeFailure(result)}`);
  return result.stdout.trim() === '' ? [] : (JSON.parse(result.stdout) as T[]);
}
