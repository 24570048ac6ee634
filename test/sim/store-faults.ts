// Decides what befalls a simulated cluster: every kind of trouble once, with how often it usually comes. A seed draws which
// kinds it has at all (swarm testing). Never decides what is right.
import type { StoreOperation } from '../../lib/bus/messages.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { Machine } from './machine.ts';
import type { Boundary } from './process.ts';
import { CALM, type SimBus, type SimNetwork } from './sim-bus.ts';
import type { World } from './world.ts';

export interface Stage {
  world: World;
  network: SimNetwork;
  cluster: string;
  machines: Machine[];
  /** Names on the bus that are no members. */
  clients: string[];
  operator: SimBus;
}

const up = (stage: Stage): Machine[] => stage.machines.filter((machine) => machine.isUp);
const anyUp = (stage: Stage): Machine | undefined => (up(stage).length === 0 ? undefined : stage.world.pick(up(stage)));
const leader = (stage: Stage): Machine | undefined =>
  up(stage)
    .filter((machine) => machine.member?.status.role === 'leader')
    .toSorted((a, b) => b.member!.status.term - a.member!.status.term)[0];
/** Trouble for the leader is the more interesting. */
const someone = (stage: Stage): Machine | undefined =>
  stage.world.odds(0.5) ? (leader(stage) ?? anyUp(stage)) : anyUp(stage);
const victim = (stage: Stage): Machine | undefined => stage.machines.find((machine) => machine.isVictim);

/** Does something, and undoes it after a while. */
function forAWhile(stage: Stage, range: [number, number], begin: () => void, end: () => void): void {
  begin();
  stage.world.after(stage.world.draw(...range), end);
}

function isolate(
  { world, network, machines, clients }: Stage,
  inside: readonly string[],
  oneWay: boolean,
  range: [number, number] = [100, 6_000],
): void {
  const outside = [...machines.map(({ name }) => name), ...(world.odds(0.3) ? clients : [])];
  const cuts: string[] = [];
  const direction = oneWay ? 1 + world.chance.int(2) : 3;
  for (const a of inside)
    for (const b of outside) {
      if (inside.includes(b)) continue;
      if ((direction & 1) !== 0) cuts.push(`${a}>${b}`);
      if ((direction & 2) !== 0) cuts.push(`${b}>${a}`);
    }
  for (const cut of cuts) network.cuts.add(cut);
  world.after(world.draw(...range), () => {
    for (const cut of cuts) network.cuts.delete(cut);
  });
}

/** As figure 8 of the Raft paper begins: a leader reaches fewer than it needs for as long as an election takes. */
function leaderCutOff(stage: Stage, withOther: boolean): boolean {
  const { world, machines } = stage;
  const first = leader(stage)?.name;
  if (first === undefined) return false;
  const others = machines.map(({ name }) => name).filter((name) => name !== first);
  const inside = withOther ? [first, world.pick(others)] : [first];
  if (inside.length * 2 > machines.length) return false;
  isolate(stage, inside, false, [300, 2_500]);
  return true;
}

/** Two halves that only one member sees both of. */
function bridge({ world, network, machines }: Stage): void {
  const names = machines.map(({ name }) => name);
  const middle = world.chance.int(names.length);
  const left = names.filter((_, i) => i !== middle && i % 2 === 0);
  const right = names.filter((_, i) => i !== middle && i % 2 === 1);
  const cuts = left.flatMap((a) => right.flatMap((b) => [`${a}>${b}`, `${b}>${a}`]));
  for (const cut of cuts) network.cuts.add(cut);
  world.after(world.draw(200, 6_000), () => {
    for (const cut of cuts) network.cuts.delete(cut);
  });
}

function operate(stage: Stage, operation: StoreOperation): void {
  const member = (leader(stage) ?? stage.machines[0]!).name;
  const { cluster, operator, world } = stage;
  const subject = subjectOf(cluster, 'storeOperate', { member, from: operator.instance });
  operator.request(subject, operation, { timeoutMs: 6_000 }).then(
    (reply) => world.count(`${operation.operation}-${(reply as { refused?: string }).refused ?? 'done'}`),
    () => world.count(`${operation.operation}-unanswered`),
  );
}

/** So young that a reader who missed something may find its place gone. */
const lately = (stage: Stage): number =>
  Math.max(0, (leader(stage)?.member?.state.revision ?? 400) - stage.world.chance.int(12));

function fuse(stage: Stage, at: Boundary): void {
  const machine = someone(stage);
  if (machine?.process !== undefined) machine.process.fuse = { touches: 1 + stage.world.chance.int(40), at };
}

function flipBit(stage: Stage, pattern: RegExp): boolean {
  const machine = victim(stage);
  // A new cluster begins when all directories are empty or whole: one that breaks before that has to be emptied by hand.
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const { chance } = stage.world;
  const paths = machine?.disk.memory.paths().filter((path) => pattern.test(path)) ?? [];
  if (paths.length === 0) return false;
  const path = stage.world.pick(paths);
  const length = machine!.disk.memory.contents(path)!.length;
  if (length === 0) return false;
  machine!.disk.memory.flipBit(path, chance.int(length), chance.int(8));
  return true;
}

/** What can happen, with its usual number of times in ten seconds. False: it could not, just then. */
type Fault = [perTenSeconds: number, (stage: Stage) => boolean | void];

export const FAULTS = {
  // ---- the network ----
  'weather-loss': [2, (s) => weather(s, { loss: s.world.draw(0.01, 0.4) })],
  'weather-doubles': [2, (s) => weather(s, { doubled: s.world.draw(0.02, 0.5) })],
  'weather-slow': [2, (s) => weather(s, { slow: s.world.draw(0.02, 0.5), slowMs: s.world.draw(20, 2_000) })],
  'weather-reorders': [2, (s) => weather(s, { reorders: true, latencyMs: { min: 0.1, max: s.world.draw(2, 60) } })],
  'cut-off-one': [2, (s) => isolate(s, [(someone(s) ?? s.machines[0]!).name], false)],
  'cut-off-one-way': [2, (s) => isolate(s, [(someone(s) ?? s.machines[0]!).name], true)],
  'cut-off-some': [
    1.5,
    (s) =>
      isolate(
        s,
        s.machines.filter(() => s.world.odds(0.4)).map(({ name }) => name),
        false,
      ),
  ],
  'leader-cut-off': [4, (s) => leaderCutOff(s, false)],
  'leader-with-few': [4, (s) => leaderCutOff(s, true)],
  'cut-bridge': [1, bridge],
  'cut-pair': [2, (s) => cutPair(s)],
  'link-clogged': [2, (s) => clog(s)],
  'bus-restart': [1, (s) => s.network.restart(s.world.draw(20, 3_000))],
  'connection-lost': [3, (s) => s.world.pick([...s.machines]).bus?.lose(s.world.draw(20, 3_000))],
  'client-connection-lost': [4, (s) => s.network.of(s.world.pick(s.clients))?.lose(s.world.draw(20, 2_000))],
  'slow-consumer-limit': [1, (s) => void (s.network.pendingLimit = 2 + s.world.chance.int(20))],
  // ---- processes ----
  killed: [2, (s) => crashes(s, true)],
  'power-cut': [2, (s) => crashes(s, false)],
  'all-killed': [0.5, (s) => all(s, true)],
  'all-power-cut': [0.7, (s) => all(s, false)],
  'majority-power-cut': [0.7, (s) => majority(s)],
  'fuse-bus': [1.5, (s) => fuse(s, 'bus')],
  'fuse-disk': [1.5, (s) => fuse(s, 'disk')],
  'fuse-disk-done': [1.5, (s) => fuse(s, 'disk-done')],
  'fuse-timer': [0.7, (s) => fuse(s, 'timer')],
  'killed-at-start': [1, (s) => dieAtStart(s)],
  terminated: [1.5, (s) => void someone(s)?.terminate()],
  paused: [2.5, (s) => pause(s, [20, 5_000])],
  'all-paused': [0.3, (s) => up(s).forEach((machine) => pauseOne(s, machine, [50, 3_000]))],
  'clock-jump': [2, (s) => void (s.world.pick(s.machines).time.wallOffsetMs += (s.world.chance.float() - 0.5) * 7.2e6)],
  'clock-drift': [1, (s) => void (s.world.pick(s.machines).time.rate = s.world.draw(0.5, 2))],
  // ---- disks ----
  'disk-slow': [2, (s) => slowDisk(s)],
  'disk-stalled': [1, (s) => stallDisk(s)],
  'disk-full': [1, (s) => fullDisk(s)],
  'disk-fails-writes': [0.7, (s) => failDisk(s, 'write')],
  'disk-fails-fsync': [0.7, (s) => failDisk(s, 'datasync')],
  'disk-fails-names': [
    0.7,
    (s) => failDisk(s, s.world.pick(['open', 'rename', 'remove', 'list', 'sync-dir'] as const)),
  ],
  'disk-fails-reads': [0.5, (s) => failDisk(s, 'read')],
  'bit-flip-log': [0.7, (s) => flipBit(s, /segment$/)],
  'bit-flip-snapshot': [1.5, (s) => flipBit(s, /snapshot/)],
  'name-lost': [0.8, (s) => loseName(s)],
  'write-elsewhere': [1.2, (s) => misdirect(s)],
  wiped: [0.7, (s) => wipe(s)],
  'old-directory-put-back': [1.5, (s) => putBack(s)],
  'state-wrong-in-memory': [0.7, (s) => spoil(s)],
  // ---- the protocol ----
  transfer: [
    2,
    (s) => operate(s, { operation: 'transfer', to: s.world.odds(0.5) ? '' : s.world.pick(s.machines).name }),
  ],
  compact: [4, (s) => operate(s, { operation: 'compact', revision: lately(s) })],
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

function weather({ world, network }: Stage, change: Partial<SimNetwork['weather']>): void {
  Object.assign(network.weather, change);
  world.after(world.draw(200, 5_000), () => {
    const keys = Object.keys(change) as (keyof typeof CALM)[];
    for (const key of keys) Object.assign(network.weather, { [key]: CALM[key] });
  });
}

function cutPair(stage: Stage): void {
  const { world, network, machines } = stage;
  const [a, b] = [world.pick(machines).name, world.pick(machines).name];
  if (a === b) return;
  const cuts = world.odds(0.5) ? [`${a}>${b}`, `${b}>${a}`] : [`${a}>${b}`];
  forAWhile(
    stage,
    [100, 8_000],
    () => cuts.forEach((cut) => network.cuts.add(cut)),
    () => cuts.forEach((cut) => network.cuts.delete(cut)),
  );
}

function clog(stage: Stage): void {
  const { world, network, machines } = stage;
  const link = `${world.pick(machines).name}>${world.pick(machines).name}`;
  forAWhile(
    stage,
    [200, 4_000],
    () => network.clogs.set(link, world.draw(20, 1_500)),
    () => network.clogs.delete(link),
  );
}

function crashes(stage: Stage, keepsCache: boolean): boolean {
  const machine = someone(stage);
  machine?.crash({ keepsCache });
  return machine !== undefined;
}

function all(stage: Stage, keepsCache: boolean): void {
  for (const machine of up(stage)) machine.crash({ keepsCache });
}

function majority(stage: Stage): void {
  const machines = up(stage);
  for (let left = (stage.machines.length >> 1) + 1; left > 0 && machines.length > 0; left--)
    machines.splice(stage.world.chance.int(machines.length), 1)[0]!.crash({ keepsCache: false });
}

function dieAtStart(stage: Stage): boolean {
  const machine = anyUp(stage);
  if (machine === undefined) return false;
  machine.crash({ keepsCache: stage.world.odds(0.5) });
  machine.start();
  machine.process!.fuse = { touches: 1 + stage.world.chance.int(20), at: undefined };
  return true;
}

function pause(stage: Stage, range: [number, number]): boolean {
  const machine = someone(stage);
  if (machine !== undefined) pauseOne(stage, machine, range);
  return machine !== undefined;
}

function pauseOne(stage: Stage, machine: Machine, range: [number, number]): void {
  const process = machine.process!;
  forAWhile(
    stage,
    range,
    () => process.pause(),
    () => process.resume(),
  );
}

function slowDisk(stage: Stage): void {
  const { disk } = someone(stage) ?? stage.machines[0]!;
  const max = stage.world.draw(2, 400);
  forAWhile(
    stage,
    [200, 5_000],
    () => (disk.latencyMs = { min: 0.5, max }),
    () => disk.quicken(),
  );
}

function stallDisk(stage: Stage): void {
  const { disk } = someone(stage) ?? stage.machines[0]!;
  forAWhile(
    stage,
    [500, 6_000],
    () => (disk.stalled = true),
    () => disk.unstall(),
  );
}

function fullDisk(stage: Stage): void {
  const { disk } = someone(stage) ?? stage.machines[0]!;
  forAWhile(
    stage,
    [200, 4_000],
    () => (disk.isFull = true),
    () => (disk.isFull = false),
  );
}

type FailingCall = keyof Machine['disk']['failing'];

function failDisk(stage: Stage, call: FailingCall): void {
  const machine = someone(stage) ?? stage.machines[0]!;
  const { disk } = machine;
  forAWhile(
    stage,
    [100, 3_000],
    () => {
      disk.failing[call] = stage.world.draw(0.01, 0.5);
      disk.mayLie = machine.isVictim;
    },
    () => (disk.failing[call] = 0),
  );
}

function loseName(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const paths = machine.disk.memory.paths();
  if (paths.length === 0) return false;
  machine!.disk.memory.lose(stage.world.pick(paths));
  machine!.crash({ keepsCache: false });
  return true;
}

/** All others have begun: as long as one has not, the disk of another is the only one that holds anything. */
const othersKnow = (stage: Stage, machine: Machine): boolean =>
  stage.machines.every((other) => other === machine || other.member?.repairs === '');

function misdirect(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  machine.disk.misdirectsNext = true;
  return true;
}

function wipe(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  machine.crash({ keepsCache: true });
  machine.disk.memory.replace(new Map());
  return true;
}

/** A copy is made; later it is put back; and the next one may be of before or after. */
function putBack(stage: Stage): boolean {
  const machine = victim(stage);
  if (machine === undefined || !othersKnow(stage, machine)) return false;
  const { memory } = machine.disk;
  if (machine.backup === undefined) {
    machine.backup = memory.backup();
    return false;
  }
  machine.crash({ keepsCache: true });
  memory.replace(machine.backup);
  if (stage.world.odds(0.5)) machine.backup = undefined;
  return true;
}

/** As a bit that flips in memory, or an entry that one member applies in another way. */
function spoil(stage: Stage): boolean {
  const machine = victim(stage);
  const state = machine?.member?.state;
  if (state === undefined || machine?.member?.repairs !== '' || !othersKnow(stage, machine)) return false;
  if (machine.isWrong) return false;
  machine.isWrong = true;
  state.versions.hash.low ^= 1 << stage.world.chance.int(31);
  return true;
}
