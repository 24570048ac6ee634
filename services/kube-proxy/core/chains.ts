// Decides how one connection is spread over endpoints: a chain for each endpoint count and way of spreading, shared by
// all services of that shape. Never holds an address: those are in the maps, by index.

/** What a chain does; its name says it all, so that a name is enough to write its rules. */
export interface ChainShape {
  /** Looked up by the address that was called, or by the node port alone. */
  target: 'service' | 'nodeport';
  /** Endpoints with the indexes 0 to count - 1. */
  count: number;
  /** Traffic that may come from outside: its answers must come back through this node. */
  masquerade: boolean;
  /** Session affinity; 0: none. */
  stickySeconds: number;
  /** externalTrafficPolicy Local: only the first `local` endpoints, for traffic that is not of this node. */
  local?: number;
}

const NAME = /^(service|nodeport)-(\d+)(?:-local(\d+))?(-masquerade)?(?:-sticky(\d+))?$/;
/** kube-proxy's bit, as upstream's; other tools know it. */
export const MASQUERADE_MARK = '0x4000';

export function chainName(shape: ChainShape): string {
  const { target, count, local, masquerade, stickySeconds } = shape;
  return [
    `${target}-${count}`,
    local === undefined ? '' : `-local${local}`,
    masquerade ? '-masquerade' : '',
    stickySeconds === 0 ? '' : `-sticky${stickySeconds}`,
  ].join('');
}

export function chainShape(name: string): ChainShape | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, target, count, local, masquerade, sticky] = match;
  return {
    target: target as ChainShape['target'],
    count: Number(count),
    masquerade: masquerade !== undefined,
    stickySeconds: Number(sticky ?? 0),
    ...(local === undefined ? {} : { local: Number(local) }),
  };
}

/** Chains that this one goes to: they must exist as well. */
export function chainNeeds(shape: ChainShape): ChainShape[] {
  if (shape.local === undefined) return [];
  const { target, count, stickySeconds } = shape;
  return [
    { target, count, stickySeconds, masquerade: false },
    { target, count, stickySeconds, masquerade: true },
  ];
}

/** The rules of the chain, one a line. */
export function chainRules(name: string, nodePodCidr: string): string[] {
  const shape = chainShape(name);
  if (shape === undefined) throw new Error(`"${name}" is no chain of ours`);
  return [
    ...ownTraffic(shape, nodePodCidr),
    ...masquerade(shape),
    ...(shape.stickySeconds > 0 ? sticky(shape) : spread(shape)),
  ];
}

/**
 * Local policy is for callers outside: this node's own pods and processes may use every endpoint. Pods of other nodes
 * count as outside, because an answer to them would not pass here again.
 */
function ownTraffic(shape: ChainShape, nodePodCidr: string): string[] {
  const [plain, masqueraded] = chainNeeds(shape);
  if (plain === undefined || masqueraded === undefined) return [];
  return [`ip saddr ${nodePodCidr} goto ${chainName(plain)}`, `fib saddr type local goto ${chainName(masqueraded)}`];
}

function masquerade(shape: ChainShape): string[] {
  return shape.masquerade ? [`meta mark set meta mark | ${MASQUERADE_MARK}`] : [];
}

function picks(shape: ChainShape): number {
  return shape.local ?? shape.count;
}

/**
 * The index travels in the connection's mark: nft 1.0.6 cannot use numgen inside a typed concatenation. A packet that
 * drew the last index while a transaction was taking that endpoint away finds nothing: it gets the first one instead.
 */
function spread(shape: ChainShape): string[] {
  if (picks(shape) === 0) return [];
  const prefix = shape.target === 'nodeport' ? 'nodeport-' : '';
  const forward = `dnat ip to ${keyOf(shape)} . ct mark map @${prefix}endpoints`;
  const draw = [`ct mark set numgen random mod ${picks(shape)}`, forward];
  return picks(shape) === 1 ? draw : [...draw, 'ct mark set 0', forward];
}

/**
 * A known client goes to its endpoint, by an id that outlives changes of the indexes. When that endpoint is gone the
 * old entry has to be deleted first: `update` does not change the data of an entry that exists.
 */
function sticky(shape: ChainShape): string[] {
  if (picks(shape) === 0) return [];
  const key = keyOf(shape);
  const client = 'ip saddr . ip daddr . meta l4proto . th dport';
  const prefix = shape.target === 'nodeport' ? 'nodeport-' : '';
  const remember = `update @affinity { ${client} timeout ${shape.stickySeconds}s : ct mark }`;
  const forward = `dnat ip to ${key} . ct mark map @${prefix}affinity-endpoints`;
  return [
    `ct mark set ${client} map @affinity`,
    `ct mark != 0 ${remember}`,
    forward,
    `delete @affinity { ${client} : ct mark }`,
    `ct mark set numgen random mod ${picks(shape)}`,
    `ct mark set ${key} . ct mark map @${prefix}affinity-ids`,
    remember,
    forward,
  ];
}

function keyOf(shape: ChainShape): string {
  return shape.target === 'service' ? 'ip daddr . meta l4proto . th dport' : 'meta l4proto . th dport';
}
