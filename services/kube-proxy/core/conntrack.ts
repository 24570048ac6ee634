// Decides which remembered UDP flows have to be forgotten after a change: UDP has no end, so the kernel would send a
// client to a removed endpoint for as long as it keeps asking. Never forgets a flow whose endpoint is still in use.
import { type Change } from './elements.ts';

/** Flows that went to `ip`:`port` (node ports: any address) and were answered by `endpoint`. */
export interface StaleFlow {
  ip: string | undefined;
  port: number;
  endpoint: string;
}

export function staleFlows(changes: readonly Change[]): StaleFlow[] {
  const flows = new Map<string, StaleFlow>();
  const kept = new Set<string>();
  for (const change of changes) {
    const split = splitKey(change);
    if (split === undefined) continue;
    const idOf = (value: string): string => `${split.ip ?? ''} ${split.port} ${addressOf(value)}`;
    if (change.after !== undefined) kept.add(idOf(change.after));
    if (change.before !== undefined) flows.set(idOf(change.before), { ...split, endpoint: addressOf(change.before) });
  }
  // An endpoint that only moved to another index is removed there and added here.
  return [...flows].filter(([id]) => !kept.has(id)).map(([, flow]) => flow);
}

function splitKey({ map, key }: Change): { ip: string | undefined; port: number } | undefined {
  const parts = key.split(' . ');
  if (map === 'endpoints' || map === 'affinity-endpoints')
    return parts[1] === 'udp' ? { ip: parts[0], port: Number(parts[2]) } : undefined;
  if (map === 'nodeport-endpoints' || map === 'nodeport-affinity-endpoints')
    return parts[0] === 'udp' ? { ip: undefined, port: Number(parts[1]) } : undefined;
  return undefined;
}

function addressOf(value: string): string {
  return value.split(' . ')[0]!;
}
