// Decides over which routes the machine finds Services of further ranges: through this node. Never touches the way to the cluster's own
// range (the launcher laid it), nor to a destination that the machine finds over another device.
import { blockOf, overlap, type Block } from '../../../lib/base/ipv4.ts';
import { blockText } from './addresses.ts';

/** By which our routes are known among the machine's: `ip route … proto`. */
export const PROTOCOL = '196';

/** As `ip -json route` tells it. */
export interface RouteRow {
  dst?: string;
  dev?: string;
  gateway?: string;
  protocol?: string;
}

export interface Way {
  /** The machine's device that leads to the nodes. */
  device: string;
  /** This node. */
  via: string;
}

/** Lines of `ip -batch`; none: the machine has what is wanted. */
export function routeChanges(wanted: readonly Block[], there: readonly RouteRow[], way: Way): string[] {
  const taken = there.filter(({ dev }) => dev !== way.device).flatMap(({ dst }) => destination(dst));
  const routes = new Set(wanted.filter((block) => !taken.some((other) => overlap(block, other))).map(blockText));
  const ours = there.filter(({ dev, protocol }) => dev === way.device && protocol === PROTOCOL);
  const laid = new Set(ours.filter(({ gateway }) => gateway === way.via).map(({ dst }) => dst));
  const tail = `dev ${way.device} proto ${PROTOCOL}`;
  return [
    ...ours.flatMap(({ dst }) => (dst === undefined || routes.has(dst) ? [] : [`route del ${dst} ${tail}`])),
    ...[...routes].filter((dst) => !laid.has(dst)).map((dst) => `route replace ${dst} via ${way.via} ${tail}`),
  ];
}

/** A default route, or half of one (VPNs add 0/1 and 128/1), covers everything and is in nobody's way. */
function destination(dst: string | undefined): Block[] {
  const block = blockOf(dst?.includes('/') === true ? dst : `${dst}/32`);
  return block === undefined || block.bits <= 1 ? [] : [block];
}
