// Decides, from a seed alone, what happens to a cluster next, and checks at the end that it comes back to life. Never
// looks at the clock; a failing seed fails again.
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import type { Effect, MemberId } from '../../raft/core/index.ts';
import { RaftCluster } from './raft-cluster.ts';
import type { DiskCopy } from './raft-disk.ts';
import { InvariantBroken, isWhole } from './raft-invariants.ts';
import type { RaftMember } from './raft-member.ts';

export interface Schedule {
  members: number;
  steps: number;
  seed: number;
  leaseReads?: boolean;
}

/** How often what happened: of one run, or summed up. */
export type Counts = Record<string, number>;

interface Run {
  cluster: RaftCluster;
  chance: Chance;
  counts: Counts;
  nextId: number;
  hanging: Set<MemberId>;
  backups: Map<MemberId, DiskCopy>;
  /** How fast the clock of a member goes. */
  rates: Map<MemberId, number>;
  /** Drawn once for a run: how likely each kind of trouble is (swarm testing). */
  weights: Record<keyof typeof HAPPENINGS, number>;
}

const count = (run: Run, what: string): void => {
  run.counts[what] = (run.counts[what] ?? 0) + 1;
};
const pick = <T>(run: Run, from: readonly T[]): T => from[run.chance.int(from.length)]!;
const anyMember = (run: Run): RaftMember => pick(run, [...run.cluster.members.values()]);
const aliveMember = (run: Run): RaftMember =>
  pick(
    run,
    [...run.cluster.members.values()].filter(({ alive }) => alive),
  );

/** Everything that can happen, with its usual weight. */
const HAPPENINGS = {
  tick: [30, tick],
  tickOne: [4, (run: Run) => aliveMember(run).input({ type: 'tick' })],
  deliver: [120, deliverSome],
  write: [60, write],
  propose: [14, propose],
  read: [8, read],
  lose: [3, lose],
  double: [2, double],
  cut: [0.6, cut],
  heal: [1, (run: Run) => run.cluster.heal()],
  crash: [0.8, crash],
  restart: [2, restart],
  snapshot: [2, (run: Run) => aliveMember(run).takeSnapshot(run.chance.int(3000) + 40)],
  transfer: [0.5, transfer],
  change: [0.6, change],
  disconnect: [0.6, disconnect],
  unreadable: [0.5, unreadable],
  slowApply: [0.5, slowApply],
  silence: [0.4, silence],
  stand: [4, stand],
  hang: [0.5, hang],
  backUp: [0.5, backUp],
  review: [10, (run: Run) => run.cluster.leader()?.input({ type: 'reviewSpares' })],
} satisfies Record<string, [number, (run: Run) => void]>;

/** Time passes for all, though not equally fast. */
function tick(run: Run): void {
  for (const member of run.cluster.members.values()) {
    if (run.chance.float() < run.rates.get(member.id)!) member.input({ type: 'tick' });
  }
}

function deliverSome(run: Run): void {
  const { network } = run.cluster;
  if (network.length === 0) return;
  // Mostly in order, as the bus does; sometimes not.
  const position = run.chance.float() < 0.8 ? 0 : run.chance.int(network.length);
  run.cluster.deliver(position);
}

function propose(run: Run): void {
  const proposalId = run.nextId++;
  const size = 1 + run.chance.int(3);
  const data = Array.from({ length: size }, (_, i) =>
    new TextEncoder().encode(`${proposalId}.${i}${'-'.repeat(run.chance.int(40))}`),
  );
  someLeader(run).input({ type: 'propose', proposalId, data });
}

function read(run: Run): void {
  someLeader(run).input({ type: 'readIndex', readId: run.nextId++ });
}

function lose(run: Run): void {
  const { network } = run.cluster;
  if (network.length === 0) return;
  network.splice(run.chance.int(network.length), 1 + run.chance.int(3));
  count(run, 'lost');
}

function double(run: Run): void {
  const { network } = run.cluster;
  if (network.length === 0) return;
  network.splice(run.chance.int(network.length), 0, pick(run, network));
  count(run, 'doubled');
}

function cut(run: Run): void {
  const ids = [...run.cluster.members.keys()];
  const draw = run.chance.float();
  if (draw < 0.5) run.cluster.isolate([run.chance.float() < 0.6 ? someLeader(run).id : pick(run, ids)]);
  else if (draw < 0.75) run.cluster.isolate(ids.filter(() => run.chance.float() < 0.5));
  else run.cluster.cuts.add(`${pick(run, ids)}>${pick(run, ids)}`);
  count(run, 'cut');
}

function crash(run: Run): void {
  const member = run.chance.float() < 0.5 ? (run.cluster.leader() ?? aliveMember(run)) : aliveMember(run);
  const alive = [...run.cluster.members.values()].filter((each) => each.alive);
  if (alive.length === 1) return;
  member.crash(run.chance.int(member.disk.queue.length + 1));
  count(run, 'crashed');
}

function restart(run: Run): void {
  const dead = [...run.cluster.members.values()].filter(({ alive }) => !alive);
  if (dead.length === 0) return;
  const member = pick(run, dead);
  // One damaged disk at a time, and three voters or more: beyond a minority there is nobody to repair it.
  const others = [...run.cluster.members.values()].some((each) => each !== member && !isWhole(each.disk));
  if (run.weights.change === 0 && !others && run.chance.float() < 0.5) ruin(run, member);
  member.restart();
}

/** What may be wrong with a disk when its member starts. */
function ruin(run: Run, { id, disk }: RaftMember): void {
  const copy = run.backups.get(id);
  const draw = run.chance.float();
  if (draw < 0.25) {
    disk.wipe();
    run.cluster.invariants.forget(id);
    count(run, 'wiped');
  } else if (draw < 0.5 && copy !== undefined) {
    disk.putBack(copy);
    run.cluster.invariants.forget(id);
    count(run, 'putBack');
  } else if (disk.entries.length > 0) {
    disk.damage(disk.firstIndex + run.chance.int(disk.entries.length));
    disk.hardState = { ...disk.hardState, commit: Math.min(disk.hardState.commit, disk.lastIndex) };
    count(run, 'damaged');
  }
}

function backUp(run: Run): void {
  const { id, disk } = anyMember(run);
  run.backups.set(id, disk.copy());
}

function transfer(run: Run): void {
  const to = run.chance.float() < 0.3 ? '' : anyMember(run).id;
  aliveMember(run).input({ type: 'transferLeadership', transferId: run.nextId++, to });
}

function change(run: Run): void {
  const ids = [...run.cluster.members.keys()];
  const voters: MemberId[] = [];
  const learners: MemberId[] = [];
  for (const id of ids) {
    const draw = run.chance.float();
    if (draw < 0.75) voters.push(id);
    else if (draw < 0.85) learners.push(id);
  }
  if (voters.length < 2) return;
  run.cluster.leader()?.input({ type: 'changeConfiguration', changeId: run.nextId++, voters, learners });
}

function disconnect(run: Run): void {
  aliveMember(run).input({ type: 'peerDisconnected', id: anyMember(run).id });
}

function unreadable(run: Run): void {
  const { disk } = anyMember(run);
  disk.unreadable = !disk.unreadable && run.chance.float() < 0.5;
}

function slowApply(run: Run): void {
  const member = aliveMember(run);
  member.slowApply = !member.slowApply;
  if (!member.slowApply) member.input({ type: 'applied', index: member.applied });
}

/** Time passes and nothing arrives. */
function silence(run: Run): void {
  const ticks = run.chance.int(25);
  for (let i = 0; i < ticks; i++) tick(run);
}

/** A member loses its patience, and others with it: elections while leaders live. */
function stand(run: Run): void {
  for (const { raft } of run.cluster.members.values()) {
    if (run.chance.float() < 0.7) raft.electionElapsed = Math.max(raft.electionElapsed, raft.electionTicks.min);
  }
  const member = aliveMember(run);
  member.raft.electionElapsed = member.raft.electionTimeout;
  member.input({ type: 'tick' });
}

/** A disk hangs, or works again. */
function hang(run: Run): void {
  const { id } = anyMember(run);
  if (run.hanging.has(id) || run.chance.float() < 0.5) run.hanging.clear();
  else run.hanging.add(id);
}

function write(run: Run): void {
  const member = anyMember(run);
  if (!run.hanging.has(member.id)) member.write();
}

/** Any leader, also one that was replaced and does not know it. */
function someLeader(run: Run): RaftMember {
  const leaders = [...run.cluster.members.values()].filter(({ alive, raft }) => alive && raft.role === 'leader');
  return leaders.length === 0 || run.chance.float() < 0.1 ? aliveMember(run) : pick(run, leaders);
}

/** What the core itself did, seen from outside. */
function watch(run: Run): void {
  run.cluster.onStep = (_member, _input, effects) => {
    for (const effect of effects) countEffect(run, effect);
  };
}

function countEffect(run: Run, effect: Effect): void {
  if (effect.type === 'append' && effect.truncateFrom !== undefined) count(run, 'truncated');
  if (effect.type === 'installSnapshot') count(run, 'installed');
  if (effect.type === 'sparesLeftOut') count(run, 'leftOut');
  if (effect.type === 'compact') count(run, 'compacted');
  if (effect.type === 'configurationAccepted') count(run, 'reconfigured');
  if (effect.type === 'transferEnded' && effect.done) count(run, 'transferred');
  if (effect.type === 'readFailed' && effect.reason === 'leadershipLost') count(run, 'readsAbandoned');
}

/** Runs `steps` happenings, then lets all faults end and expects everybody to agree and to accept a proposal. */
export function runRandomSchedule(schedule: Schedule): Counts {
  const chance = seededChance(schedule.seed);
  const voters = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, schedule.members);
  const limits = {
    appendBytes: 20 + chance.int(200),
    inflightMessages: 1 + chance.int(8),
    inflightBytes: 400,
    uncommittedBytes: 1_000,
    applyBytes: 100,
    applyOutstandingBytes: 200,
    cachedBytes: chance.int(3) * 500,
    snapshotChunkBytes: 400,
    snapshotWindowBytes: 1_200,
    retainedEntries: chance.int(10),
    heldEntries: chance.int(40),
    spareEntries: chance.int(2) * chance.int(12),
  };
  const cluster = new RaftCluster({ voters, seed: schedule.seed, limits, leaseReads: schedule.leaseReads ?? false });
  const weights = {} as Run['weights'];
  for (const [name, [usual]] of Object.entries(HAPPENINGS)) {
    const calm = usual >= 10 ? 0.5 + chance.float() : chance.float() < 0.3 ? 0 : chance.float() * 2;
    weights[name as keyof typeof HAPPENINGS] = usual * calm;
  }
  // More members have more to say.
  weights.deliver *= (schedule.members - 1) / 2;
  weights.write *= schedule.members / 3;
  const rates = new Map(
    voters.map((id) => [id, schedule.leaseReads || chance.float() < 0.6 ? 1 : 0.2 + 0.6 * chance.float()]),
  );
  // A lease trusts that all clocks run equally fast.
  if (schedule.leaseReads) weights.tickOne = weights.stand = 0;
  const run: Run = { cluster, chance, counts: {}, nextId: 1, hanging: new Set(), backups: new Map(), rates, weights };
  watch(run);
  if (chance.float() < 0.3) beginNewborn(run);
  try {
    for (let i = 0; i < schedule.steps; i++) happen(run);
    recover(run);
  } catch (error) {
    throw new Error(`seed ${schedule.seed}: ${(error as Error).message}`, { cause: error });
  }
  return { ...run.counts, ...cluster.invariants.checks };
}

/** As a new cluster begins: every directory is empty. */
function beginNewborn({ cluster }: Run): void {
  for (const member of cluster.members.values()) {
    member.crash();
    member.disk.wipe();
    member.restart();
  }
}

function happen(run: Run): void {
  const names = Object.keys(HAPPENINGS) as (keyof typeof HAPPENINGS)[];
  let left = run.chance.float() * names.reduce((sum, name) => sum + run.weights[name], 0);
  for (const name of names) {
    left -= run.weights[name];
    if (left < 0) return HAPPENINGS[name][1](run);
  }
}

/** Faults end: within a few election timeouts one leads, commits, and everybody alive in the configuration follows. */
function recover(run: Run): void {
  const { cluster } = run;
  cluster.heal();
  for (const member of cluster.members.values()) {
    member.disk.unreadable = false;
    if (!member.alive) member.restart();
    if (member.slowApply) {
      member.slowApply = false;
      member.input({ type: 'applied', index: member.applied });
    }
  }
  for (let tick = 0; tick < 400; tick++) {
    cluster.tick();
    cluster.settle();
    if (tick % 20 === 19 && hasRecovered(run)) return;
  }
  throw new InvariantBroken(`the members did not recover: ${describeAll(cluster)}`);
}

function hasRecovered(run: Run): boolean {
  const { cluster } = run;
  const leader = cluster.leader();
  if (leader === undefined) return false;
  leader.input({ type: 'propose', proposalId: run.nextId++, data: [new Uint8Array([1])] });
  cluster.settle();
  cluster.tick();
  cluster.tick();
  cluster.settle();
  const { commit, log } = leader.raft;
  const { voters, learners, outgoing } = leader.raft.configurations.at(-1)!.configuration;
  const everybody = [...voters, ...learners].map((id) => cluster.get(id));
  return (
    commit === log.lastIndex &&
    outgoing.length === 0 &&
    everybody.every((each) => each.applied === commit && each.state === leader.state)
  );
}

const describeAll = (cluster: RaftCluster): string =>
  [...cluster.members.values()]
    .map(({ id, raft }) => `${id} ${raft.role} term ${raft.term} commit ${raft.commit} last ${raft.log.lastIndex}`)
    .join('; ');
