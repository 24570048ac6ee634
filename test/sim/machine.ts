// Decides how one simulated machine runs a member of the store: starts it from its disk, notices that it died, starts it
// again after a while, as a supervisor does. Never keeps it alive by anything that production does not have.
import type { ActorContext } from '../../lib/actor/context.ts';
import type { StoreSettings } from '../../lib/actor/settings.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { Input } from '../../raft/core/index.ts';
import type { Log } from '../../lib/base/log.ts';
import type { Exec } from '../../lib/exec/exec.ts';
import { DamagedError } from '../../raft/storage/disk.ts';
import { isBlank } from '../../raft/storage/segment-file.ts';
import { WrongStateError } from '../../services/store/core/snapshot.ts';
import type { StateMachine } from '../../services/store/core/state-machine.ts';
import type { MemberOptions } from '../../services/store/edge/member-options.ts';
import type { StoreMember } from '../../services/store/edge/member.ts';
import { startMember, type RunningMember } from '../../services/store/edge/start-member.ts';
import { Process, type MachineTime } from './process.ts';
import type { SimBus, SimNetwork } from './sim-bus.ts';
import { DiskTrouble, MachineDisk } from './sim-disk.ts';
import { PromiseBroken, type StoreInvariants } from './store-invariants.ts';
import type { World } from './world.ts';

export interface Fleet {
  world: World;
  network: SimNetwork;
  /** Undefined: nobody looks at each step. */
  invariants: StoreInvariants | undefined;
  cluster: string;
  /** The members that the cluster begins with. */
  names: readonly string[];
  diskLatencyMs: { min: number; max: number };
  /** The state of some member was made wrong in memory, once. */
  mayBeWrong?: boolean;
  /** States are saved meanwhile: what nobody is there to contradict is saved as it is. */
  savesStates: boolean;
  member: Omit<MemberOptions, 'disk' | 'die' | 'nextTurn' | 'observe'>;
}

const noExec: Exec = {
  run: () => Promise.reject(new Error('the store runs no programs')),
  spawn: () => {
    throw new Error('the store runs no programs');
  },
};

/** Behind all that clients ask for. */
const NOBODYS_KEY = '~';
/** So many that nobody is forgotten because of one more. */
const MANY_SESSIONS = 100;

/** Something is there that nobody asks for: a key, a session, a lease. What is told of it and what it is agree. */
function misapply(state: StateMachine, world: World): void {
  const ways = [
    () => state.versions.set(NOBODYS_KEY, 1, 1, new Uint8Array(1)),
    () => state.leases.restore(NOBODYS_KEY, 1_000, NEVER_MS),
    () => state.sessions.restore(NOBODYS_KEY, { acknowledged: 1, results: new Map([[2, 1]]), openedAt: 1 }),
  ];
  const way = world.chance.int(state.limits.sessions < MANY_SESSIONS ? ways.length - 1 : ways.length);
  world.count(`misapplied-${['key', 'lease', 'session'][way]}`);
  ways[way]!();
}

const NEVER_MS = 1e15;

export class Machine {
  readonly name: string;
  readonly disk: MachineDisk;
  readonly time: MachineTime = { rate: 1, wallOffsetMs: 0 };
  process: Process | undefined;
  bus: SimBus | undefined;
  running: RunningMember | undefined;
  /** Its disk may be broken beyond what it can repair by itself: then it may refuse to start. */
  isVictim = false;
  /** Its state was made wrong in memory: what it says of it is no fault of the code, until it ends. */
  isWrong = false;
  private wrongFrom = 0;
  /** It comes to a cluster that is there already: a leader must add it. */
  joins = false;
  /** It was in a committed configuration. */
  wasMember = false;
  /** Taken out of service: its disk is empty, and nobody starts it. */
  isRetired = false;
  /** What is installed on it: its next process runs the version after ours. */
  isNewer = false;
  /** Its directory at an earlier time. */
  backup: ReadonlyMap<string, Uint8Array> | undefined;
  /** Why it will not be started again. */
  refused: string | undefined;
  private readonly fleet: Fleet;
  private lives = 0;
  private restartSoon = false;

  constructor(fleet: Fleet, name: string) {
    this.fleet = fleet;
    this.name = name;
    this.disk = new MachineDisk(fleet.world, fleet.diskLatencyMs);
  }

  get member(): StoreMember | undefined {
    return this.process?.alive === true ? this.running?.member : undefined;
  }

  get isUp(): boolean {
    return this.process?.alive === true;
  }

  start(): void {
    if (this.isUp || this.isRetired || this.refused !== undefined) return;
    const { world, network } = this.fleet;
    this.lives++;
    const process = new Process(world, this.name, this.time, (why) => this.died(process, why));
    this.process = process;
    process.isNewer = this.isNewer;
    const bus = network.connect(process);
    this.bus = bus;
    this.running = undefined;
    this.isWrong = false;
    world.note(`start ${this.name}`);
    if (this.hasBlankSegment()) world.count('segment-lay-ready');
    startMember(this.context(process, bus), this.options(process)).then(
      (running) => {
        if (process.alive) this.running = running;
      },
      (error: unknown) => this.end(process, error),
    );
  }

  /** `keepsCache`: only the process ends; otherwise the machine loses its power. */
  crash(options: { keepsCache: boolean }): void {
    if (!this.isUp) return;
    this.process!.die(options.keepsCache ? 'killed' : 'power cut');
    this.disk.memory.restart(this.fleet.world.chance, { keepAll: options.keepsCache });
  }

  /** Switched off and emptied, as an operator does with who is no member any more. */
  retire(): void {
    this.isRetired = true;
    this.wasMember = false;
    this.crash({ keepsCache: true });
    this.disk.memory.replace(new Map());
    this.backup = undefined;
    this.fleet.world.count('member-retired');
  }

  /** Another machine of the same name: nothing on its disk. */
  begin(): void {
    this.isRetired = false;
    this.joins = true;
    this.start();
  }

  /** As a bit that flips in memory: the state contradicts itself. Or, `plausibly`, as an entry that is applied in another way. */
  spoil(plausibly: boolean): boolean {
    const state = this.member?.state;
    if (state === undefined || this.isWrong) return false;
    const { world } = this.fleet;
    this.isWrong = this.fleet.mayBeWrong = true;
    this.wrongFrom = state.appliedIndex;
    if (plausibly) misapply(state, world);
    else world.pick([state.versions, state.sessions, state.leases]).hash.low ^= 1 << world.chance.int(31);
    return true;
  }

  /** SIGTERM. */
  async terminate(): Promise<void> {
    const { process, running } = this;
    if (process?.alive !== true || running === undefined) return;
    await running.stop();
    process.die('stopped');
  }

  private died(process: Process, why: string): void {
    const { world, network } = this.fleet;
    world.note(`end ${this.name} ${why}`);
    const lingerMs = world.odds(0.5) ? 0.1 : world.draw(1, 3_000);
    if (lingerMs > 1) world.count('half-open-connection');
    network.leave(this.bus!, lingerMs);
    // A process that dies by itself leaves the page cache; at a fuse it may have been the power, and there it was.
    const fromFuse = why.startsWith('at ');
    const powerCut = why === 'at log-sync' || (fromFuse && world.odds(0.5));
    this.disk.memory.restart(world.chance, { keepAll: !powerCut });
    if (process === this.process) this.startLater(world.draw(20, 3_000));
  }

  startLater(delayMs: number): void {
    if (this.restartSoon) return;
    this.restartSoon = true;
    this.fleet.world.after(delayMs, () => {
      this.restartSoon = false;
      this.start();
    });
  }

  /** The member says that it cannot go on. */
  private end(process: Process, error: unknown): void {
    if (!process.alive) return;
    const { world } = this.fleet;
    // Only who was made wrong may find that it is: nobody is ever given such a state.
    const isMadeWrong = error instanceof WrongStateError && this.isWrong;
    if (isMadeWrong) world.count('wrong-state-found');
    const isOwnFault =
      !(error instanceof DiskTrouble) && !(error instanceof DamagedError && this.isVictim) && !isMadeWrong;
    if (error instanceof PromiseBroken || isOwnFault)
      world.fail(new Error(`${this.name}: ${messageOf(error)}`, { cause: error }));
    world.count(error instanceof DamagedError ? 'damage-refused' : 'died-of-its-disk');
    world.note(`${this.name} gives up: ${messageOf(error)}`);
    // Started again it would find the same.
    if (error instanceof DamagedError && !this.wasStarted(process)) this.refused = error.message;
    process.die('gave up');
  }

  private hasBlankSegment(): boolean {
    const { memory } = this.disk;
    return memory.paths().some((path) => path.endsWith('.segment') && isBlank(memory.contents(path)!));
  }

  private wasStarted(process: Process): boolean {
    return process === this.process && this.running !== undefined;
  }

  private options(process: Process): MemberOptions {
    const { world, invariants, member } = this.fleet;
    return {
      ...member,
      disk: this.disk.attach(process),
      die: (error) => this.end(process, error),
      nextTurn: () => new Promise((resolve) => world.after(0.01, () => process.enter(resolve))),
      observe: (raft, input, effects) => {
        if (!process.alive) return;
        this.countEffects(effects);
        if (invariants === undefined) return;
        this.mayCount(input);
        invariants.stepped(raft, input, effects);
        const running = this.member;
        if (input.type === 'applied' && running !== undefined && !this.isWrong)
          invariants.stateIs(this.name, running.state);
      },
    };
  }

  /** The state of a member that was made wrong never becomes what others, or its own next life, begin with. */
  private mayCount(input: Input): void {
    if (input.type !== 'snapshotTaken' || !this.isWrong || this.fleet.savesStates) return;
    const { index } = input.snapshot;
    if (index > this.wrongFrom)
      throw new PromiseBroken(`${this.name} is wrong since ${this.wrongFrom}, and its snapshot at ${index} counts`);
  }

  private countEffects(effects: Parameters<NonNullable<MemberOptions['observe']>>[2]): void {
    const { world } = this.fleet;
    for (const effect of effects) {
      if (effect.type === 'append' && effect.truncateFrom !== undefined) world.count('log-truncated');
      if (effect.type === 'installSnapshot') world.count('snapshot-installed');
      if (effect.type === 'compact') world.count('log-compacted');
      if (effect.type === 'leaderChanged' && effect.role === 'leader') world.count('elected');
      if (effect.type === 'readFailed' && effect.reason === 'leadershipLost') world.count('reads-abandoned');
      if (effect.type === 'configurationChanged')
        world.count(effect.configuration.outgoing.length > 0 ? 'configuration-joint' : 'configuration-final');
      if (effect.type === 'configurationRefused') world.count(`configuration-${effect.reason}`);
      if (effect.type === 'transferEnded') world.count(effect.done ? 'transferred' : 'transfer-failed');
    }
  }

  private context(process: Process, bus: SimBus): ActorContext<StoreSettings> {
    const { world, cluster, names } = this.fleet;
    const { clock, name } = process;
    const boot = `life${this.lives}`;
    return {
      cluster,
      actor: 'store',
      instance: name,
      settings: { dataDir: '/data', clusterId: `${cluster}-id`, members: this.joins ? [] : [...names] },
      bus,
      clock,
      chance: world.chance,
      log: this.log(process),
      exec: noExec,
      tracer: createTracer({ cluster, actor: 'store', instance: name, boot, clock, bus }),
    };
  }

  private log(process: Process): Log {
    const { world } = this.fleet;
    const note = (fields: object, message: string): void => {
      if (!process.alive) return;
      world.note(`${this.name}: ${message} ${JSON.stringify(fields)}`);
      if (message === 'a learner has caught up and becomes a voter') world.count('learner-promoted');
      if (message === 'snapshot taken') world.count('snapshot-taken');
      if (message === 'damaged files were taken out of the way') {
        world.count('damage-taken-out');
        // A disk that only forgets what was not synced leaves none.
        if (!this.isVictim)
          world.fail(new Error(`${this.name} finds damage on a sound disk: ${JSON.stringify(fields)}`));
      }
      if (message === 'snapshot of the leader installed') this.isWrong = false;
      if (message === 'this member takes itself out') world.count('wrong-state-taken-out');
      if (message === 'store restored') world.count(`restored-${(fields as { doubt?: string }).doubt ?? 'whole'}`);
      if (message.startsWith('an unfinished write')) world.count('torn-tail-cut');
      if (message.startsWith('everything on the disk was read again')) world.count('disk-read-again');
      if (message === 'the disk does not hold what was written to it') world.count('reading-again-found-damage');
      // Nothing that a member is sent here is malformed: an error in answering it is ours.
      if (message === 'a request could not be answered')
        world.fail(new Error(`${this.name}: ${JSON.stringify(fields)}`));
    };
    const log: Log = { debug() {}, info: note, warn: note, error: note, child: () => log };
    return log;
  }
}
