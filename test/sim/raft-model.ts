// Decides what a small cluster can do at all: every order of deliveries, writes, elections, proposals, reads, one change of members
// and one crash, with the production step function, breadth first; every promise is checked in every state. Never draws anything.
import { createHash } from 'node:crypto';
import { entryOf } from './raft-invariants.ts';
import { RaftCluster } from './raft-cluster.ts';
import { RaftDisk } from './raft-disk.ts';
import { RaftMember } from './raft-member.ts';

/** What may happen at most; a message that is never delivered is lost. */
export interface ModelBounds {
  terms: number;
  proposals: number;
  changes: number;
  crashes: number;
  reads: number;
  /** Of RaftLimits: with it, leaders leave followers out, and look at ticks and at reviews for what they hold back. */
  spareEntries: number;
  /** Writes take time: they are events of their own. */
  slowDisks: boolean;
  depth: number;
  states: number;
}

export interface ModelResult {
  states: number;
  transitions: number;
  /** All orders of so many events were looked at. */
  depth: number;
  /** Nothing is left to happen within the bounds. */
  isComplete: boolean;
  checks: Record<string, number>;
}

interface Node {
  cluster: RaftCluster;
  proposals: number;
  changes: number;
  crashes: number;
  reads: number;
  path: readonly string[];
}

type Action = { name: string; run: (node: Node) => void };

const IDS = ['a', 'b', 'c'];

class ModelBroken extends Error {}

export function explore(bounds: ModelBounds): ModelResult {
  const cluster = new RaftCluster({ voters: IDS, seed: 1, limits: { spareEntries: bounds.spareEntries } });
  for (const { raft } of cluster.members.values()) raft.electionTimeout = raft.electionTicks.min;
  // Every way to a first leader is like another: it begins where there is one.
  stand(cluster, IDS[0]!);
  cluster.settle();
  const first: Node = { cluster, proposals: 0, changes: 0, crashes: 0, reads: 0, path: [] };
  const seen = new Set([fingerprint(first)]);
  let level = [first];
  const result: ModelResult = { states: 1, transitions: 0, depth: 0, isComplete: false, checks: {} };
  while (level.length > 0 && result.depth < bounds.depth) {
    const next: Node[] = [];
    for (const node of level) {
      for (const action of actionsOf(node, bounds)) {
        result.transitions++;
        const reached = take(node, action, bounds);
        const print = fingerprint(reached);
        if (seen.has(print)) continue;
        seen.add(print);
        next.push(reached);
      }
      if (seen.size >= bounds.states) return { ...result, states: seen.size, checks: sum(result.checks, node) };
    }
    result.depth++;
    result.states = seen.size;
    for (const node of next.slice(0, 200)) result.checks = sum(result.checks, node);
    level = next;
  }
  return { ...result, isComplete: level.length === 0 };
}

function sum(checks: Record<string, number>, { cluster }: Node): Record<string, number> {
  const all = { ...checks };
  for (const [name, times] of Object.entries(cluster.invariants.checks)) all[name] = Math.max(all[name] ?? 0, times);
  return all;
}

function take(node: Node, action: Action, { slowDisks }: ModelBounds): Node {
  const reached: Node = { ...node, cluster: copyOf(node.cluster), path: [...node.path, action.name] };
  try {
    action.run(reached);
    if (!slowDisks)
      for (const member of reached.cluster.members.values()) while (member.disk.queue.length > 0) member.write();
    agree(reached.cluster);
  } catch (error) {
    throw new ModelBroken(`${(error as Error).message}, after ${reached.path.join(', ')}`, { cause: error });
  }
  return reached;
}

/** Whoever has committed something has committed the same. */
function agree({ members, invariants }: RaftCluster): void {
  for (const member of members.values()) {
    for (const entry of invariants.committedEntries().slice(0, member.raft.commit)) {
      const own = entryOf(member, entry.index);
      if (own !== 'compacted' && own?.term !== entry.term)
        throw new Error(`${member.id} holds ${own?.term} at ${entry.index}, committed is ${entry.term}`);
    }
  }
}

function actionsOf(node: Node, bounds: ModelBounds): Action[] {
  const { cluster } = node;
  const actions: Action[] = [];
  const known = new Set<string>();
  for (const [position, message] of cluster.network.entries()) {
    const name = `${message.from}→${message.to} ${message.type} ${message.term}`;
    const text = JSON.stringify(message);
    // The same message twice is delivered once; what it does when it comes again is the random schedules' part.
    if (!known.has(text)) actions.push({ name, run: (at) => at.cluster.deliver(position) });
    known.add(text);
  }
  const highest = Math.max(...[...cluster.members.values()].map(({ raft }) => raft.term));
  for (const { id, raft, disk } of cluster.members.values()) {
    if (disk.queue.length > 0) actions.push({ name: `write ${id}`, run: (at) => at.cluster.get(id).write() });
    if (raft.role === 'follower' && highest < bounds.terms)
      actions.push({ name: `stand ${id}`, run: (at) => stand(at.cluster, id) });
    if (raft.role === 'leader' && node.proposals < bounds.proposals)
      actions.push({ name: `propose ${id}`, run: (at) => propose(at, id) });
    if (raft.role === 'leader' && node.changes < bounds.changes)
      actions.push({ name: `change ${id}`, run: (at) => change(at, id) });
    if (raft.role === 'leader' && node.reads < bounds.reads)
      actions.push({ name: `read ${id}`, run: (at) => read(at, id) });
    if (raft.leading?.awaited !== undefined)
      actions.push({ name: `review ${id}`, run: (at) => at.cluster.get(id).input({ type: 'reviewSpares' }) });
    // A tick of a leader that holds nothing back changes nothing here: what it says again is a message that was not lost.
    if (raft.leading?.holds === true)
      actions.push({ name: `tick ${id}`, run: (at) => at.cluster.get(id).input({ type: 'tick' }) });
    if (node.crashes < bounds.crashes) actions.push({ name: `crash ${id}`, run: (at) => crash(at, id) });
  }
  return actions;
}

/** Nobody has heard a leader for an election timeout, and this one is the first to say so. */
function stand(cluster: RaftCluster, id: string): void {
  for (const { raft } of cluster.members.values())
    raft.electionElapsed = Math.max(raft.electionElapsed, raft.electionTicks.min);
  const member = cluster.get(id);
  member.raft.electionElapsed = member.raft.electionTimeout;
  member.input({ type: 'tick' });
}

function propose(node: Node, id: string): void {
  const proposalId = ++node.proposals;
  node.cluster.get(id).input({ type: 'propose', proposalId, data: [new Uint8Array([proposalId])] });
}

function read(node: Node, id: string): void {
  node.cluster.get(id).input({ type: 'readIndex', readId: ++node.reads });
}

/** Two members go on without the third. */
function change(node: Node, id: string): void {
  const voters = IDS.filter((each) => each === id || each !== IDS.at(-1));
  node.changes++;
  node.cluster.get(id).input({ type: 'changeConfiguration', changeId: 1, voters: voters.slice(0, 2), learners: [] });
}

/** Its unfinished writes are lost; it starts again at once. */
function crash(node: Node, id: string): void {
  node.crashes++;
  const member = node.cluster.get(id);
  member.crash(0);
  member.restart();
  member.raft.electionTimeout = member.raft.electionTicks.min;
}

// ---- copies and names of states -------------------------------------------------------------------------------------

type Fields = Record<string, unknown>;

/** Functions and bytes are shared: neither changes. What a function closes over is put right by `copyOf`. */
function copy<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((each: unknown) => copy(each)) as T;
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key as unknown, copy<unknown>(each)])) as T;
  if (value instanceof Set) return new Set(value) as T;
  const out = Object.create(Object.getPrototypeOf(value) as object) as Fields;
  for (const key of Object.keys(value)) out[key] = copy((value as Fields)[key]);
  return out as T;
}

function copyOf(from: RaftCluster): RaftCluster {
  const to = new RaftCluster({ voters: [], seed: 1 });
  to.network = [...from.network];
  for (const [key, value] of Object.entries(from.invariants))
    if (key !== 'members') (to.invariants as unknown as Fields)[key] = copy(value);
  for (const [id, member] of from.members) {
    const disk = new RaftDisk(member.disk.snapshot.description);
    for (const [key, value] of Object.entries(member.disk))
      if (key !== 'reader') (disk as unknown as Fields)[key] = copy(value);
    const twin = Object.create(RaftMember.prototype) as RaftMember;
    for (const [key, value] of Object.entries(member))
      (twin as unknown as Fields)[key] = key === 'disk' ? disk : key === 'options' ? value : copy<unknown>(value);
    twin.raft.log.reader = disk.reader;
    (twin as unknown as Fields)['watcher'] = (to as unknown as Fields)['watcher'];
    to.members.set(id, twin);
  }
  return to;
}

/** What has no part in what can happen next: counters of what was looked at, chance, and the ticks in which something was. */
const IDLE = new Set(
  'chance checks nextAppendId appendId reader watcher options members emitted states ticks electionTimeout votesInVain heardTick movedTick leaseTick startedTick tick roundTicks'.split(
    ' ',
  ),
);
/** Of the election clock only this counts: whether a leader is still protected. */
const PROTECTED_TICKS = 10;

function fingerprint({ cluster, proposals, changes, crashes, reads }: Node): string {
  const { members, network, invariants } = cluster;
  const messages = [...new Set(network.map((message) => JSON.stringify(message)))].toSorted();
  const text = JSON.stringify(
    [...members.values(), messages, invariants, proposals, changes, crashes, reads],
    (key, value) => {
      if (IDLE.has(key)) return undefined;
      if (key === 'electionElapsed') return (value as number) >= PROTECTED_TICKS;
      return value instanceof Map ? [...value] : value instanceof Set ? [...value] : (value as unknown);
    },
  );
  return createHash('sha1').update(text).digest('base64');
}
