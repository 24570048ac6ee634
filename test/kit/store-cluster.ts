// Does: runs members of the store in this process, over the memory bus and memory disks (or real ones), so that tests can
// kill, cut off and start them; with a small client that knows sessions and leaders. Never used outside of tests.
import type { ActorContext } from '../../lib/actor/context.ts';
import type { StoreSettings } from '../../lib/actor/settings.ts';
import { systemClock } from '../../lib/actor/system.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import { sleep, type Clock } from '../../lib/base/clock.ts';
import { silentLog, type Log } from '../../lib/base/log.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import type {
  StoreCommitted,
  StoreOperation,
  StoreOperationReply,
  StoreQuery,
  StoreQueryReply,
  StoreStatus,
} from '../../lib/bus/messages.ts';
import { unpackCommitted, type Packed } from '../../lib/bus/packed.ts';
import { patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import type { Exec } from '../../lib/exec/exec.ts';
import type { Disk } from '../../raft/storage/disk.ts';
import { MemoryDisk } from '../../raft/storage/memory-disk.ts';
import { nodeDisk } from '../../raft/storage/node-disk.ts';
import type { MemberOptions } from '../../services/store/edge/member-options.ts';
import { startMember, type RunningMember } from '../../services/store/edge/start-member.ts';
import { StoreTestClient } from './store-test-client.ts';

export interface StoreClusterOptions {
  members?: number;
  /** Its id; by default made from `cluster`. */
  clusterId?: string;
  /** First token of the subjects. */
  cluster?: string;
  /** Shared with other actors of the test; a new one by default. */
  network?: MemoryNetwork;
  /** Members keep their data here, without fsync; memory disks that can lose unsynced writes by default. */
  directory?: string;
  /** How many times faster than the wall the members' clocks run: an election takes 0.5 to 1 s at 1. */
  speed?: number;
  seed?: number;
  forgetAfterSeconds?: number;
  /** What each member's settings say. */
  quotaBytesOf?: (name: string) => number | undefined;
  log?: Log;
  member?: Omit<MemberOptions, 'disk' | 'die'>;
}

interface Slot {
  disk: Disk;
  bus: Bus | undefined;
  running: RunningMember | undefined;
}

const noExec: Exec = {
  run: () => Promise.reject(new Error('the store runs no programs')),
  spawn: () => {
    throw new Error('the store runs no programs');
  },
};

export class StoreCluster {
  readonly network: MemoryNetwork;
  readonly cluster: string;
  readonly names: string[];
  readonly clock: Clock;
  readonly chance: Chance;
  /** What members died of that nobody killed; a test may look. */
  readonly deaths: { member: string; error: Error }[] = [];
  private readonly options: StoreClusterOptions;
  private readonly slots = new Map<string, Slot>();
  /** Members that were not there at the beginning: a leader must add them. */
  private readonly joined = new Set<string>();

  private constructor(options: StoreClusterOptions) {
    this.options = options;
    this.network = options.network ?? new MemoryNetwork();
    this.cluster = options.cluster ?? 'c1';
    this.names = Array.from({ length: options.members ?? 3 }, (_, i) => `store-${i + 1}`);
    this.clock = fasterClock(options.speed ?? 4);
    this.chance = seededChance(options.seed ?? 1);
    for (const name of this.names) this.addSlot(name);
  }

  private addSlot(name: string): void {
    const disk = this.options.directory === undefined ? new MemoryDisk() : nodeDisk({ fsync: false });
    this.slots.set(name, { disk, bus: undefined, running: undefined });
  }

  /** Starts one more, with an empty disk and no part in any decision until the leader adds it. */
  async startNew(name: string): Promise<RunningMember> {
    this.addSlot(name);
    this.joined.add(name);
    this.names.push(name);
    return this.startMember(name);
  }

  /** It is no member any more: it stops, and nobody waits for it. */
  async forget(name: string): Promise<void> {
    await this.kill(name);
    this.names.splice(this.names.indexOf(name), 1);
  }

  /** Asks the leader, whoever that is, until it is done or refused as impossible. */
  async operate(operation: StoreOperation, timeoutMs = 120_000): Promise<StoreOperationReply> {
    const until = systemClock.monotonic() + timeoutMs;
    const bus = this.network.connect('operator');
    for (;;) {
      const member = await this.leader();
      const subject = subjectOf(this.cluster, 'storeOperate', { member, from: 'operator' });
      const asked = bus.request(subject, operation, { timeoutMs: 5_000 }) as Promise<StoreOperationReply>;
      const reply = await asked.catch(() => undefined);
      const isPassing = reply === undefined || ('refused' in reply && reply.refused !== 'invalid');
      if (!isPassing) return reply;
      if (systemClock.monotonic() > until) throw new Error(`not done: ${JSON.stringify(reply)}`);
      await sleep(systemClock, 20);
    }
  }

  /** Starts all members; an election may still be under way when this resolves. */
  static async start(options: StoreClusterOptions = {}): Promise<StoreCluster> {
    const cluster = new StoreCluster(options);
    await Promise.all(cluster.names.map((name) => cluster.startMember(name)));
    return cluster;
  }

  async startMember(name: string): Promise<RunningMember> {
    const slot = this.slot(name);
    if (slot.running !== undefined) throw new Error(`${name} is running`);
    const bus = this.network.connect(name);
    const running = await startMember(this.context(name, bus), {
      ...this.options.member,
      disk: slot.disk,
      die: (error) => {
        this.deaths.push({ member: name, error });
        slot.running = undefined;
        void bus.close();
      },
    });
    slot.bus = bus;
    slot.running = running;
    return running;
  }

  /** As SIGKILL, and with `powerCut` (memory disks) as a power failure: what was not synced is lost in part or whole. */
  async kill(name: string, { powerCut = false } = {}): Promise<void> {
    const slot = this.slot(name);
    const { running, bus } = slot;
    slot.running = undefined;
    await bus?.close();
    if (slot.disk instanceof MemoryDisk) slot.disk.restart(this.chance, { keepAll: !powerCut });
    await running?.member.abort().catch(() => undefined);
  }

  /** Drains and stops a member, as SIGTERM. */
  async stopMember(name: string): Promise<void> {
    const slot = this.slot(name);
    const { running, bus } = slot;
    slot.running = undefined;
    await running?.stop();
    await bus?.close();
  }

  async stop(): Promise<void> {
    for (const name of this.names) await this.kill(name);
  }

  isRunning(name: string): boolean {
    return this.slot(name).running !== undefined;
  }

  member(name: string): RunningMember {
    const { running } = this.slot(name);
    if (running === undefined) throw new Error(`${name} does not run`);
    return running;
  }

  disk(name: string): MemoryDisk {
    const { disk } = this.slot(name);
    if (!(disk instanceof MemoryDisk)) throw new Error(`the disk of ${name} is a real one`);
    return disk;
  }

  /** Waits until a running member leads and a majority agrees; its name. */
  async leader(timeoutMs = 120_000): Promise<string> {
    const until = systemClock.monotonic() + timeoutMs;
    while (systemClock.monotonic() < until) {
      const running = this.names.filter((name) => this.isRunning(name));
      const statuses = running.map((name) => this.member(name).member.status);
      for (const { id, role, term, configuration } of statuses) {
        const { voters } = configuration;
        const followers = statuses.filter(
          (each) => each.leader === id && each.term === term && voters.includes(each.id),
        );
        if (role === 'leader' && followers.length * 2 > voters.length) return id;
      }
      await sleep(systemClock, 5);
    }
    throw new Error(`no leader within ${timeoutMs} ms`);
  }

  /** Waits until all running members have applied the same revision with the same hash; that revision. */
  async converged(timeoutMs = 120_000): Promise<number> {
    const until = systemClock.monotonic() + timeoutMs;
    let seen: string[] = [];
    while (systemClock.monotonic() < until) {
      const states = this.names.filter((name) => this.isRunning(name)).map((name) => this.member(name).member);
      seen = states.map(
        ({ state, status }) => `${status.id}: ${state.revision} ${state.hash} applied ${state.appliedIndex}`,
      );
      const [first] = states;
      const same = states.every(
        ({ state }) => state.revision === first!.state.revision && state.hash === first!.state.hash,
      );
      const idle = states.every(({ state, status }) => state.appliedIndex === status.lastIndex);
      if (first !== undefined && same && idle) return first.state.revision;
      await sleep(systemClock, 5);
    }
    throw new Error(`members do not converge: ${seen.join('; ')}`);
  }

  client(instance = 'apiserver-1', session?: string): StoreTestClient {
    return new StoreTestClient(this.network.connect(instance), this.cluster, this.names, session);
  }

  /** Every message of the stream of commits, as a subscriber gets it. */
  onCommitted(handler: (data: unknown) => void): void {
    this.network
      .connect('apiserver-watcher')
      .subscribe(patternOf(this.cluster, 'storeCommitted'), ({ data }) =>
        handler(unpackCommitted(data as Packed<StoreCommitted>)),
      );
  }

  async status(name: string): Promise<StoreStatus> {
    const query: StoreQuery = { query: 'status' };
    const subject = subjectOf(this.cluster, 'storeQuery', { member: name, noun: 'status', from: 'apiserver-1' });
    const reply = await this.network.connect('apiserver-1').request(subject, query, { timeoutMs: 2_000 });
    return (reply as Extract<StoreQueryReply, { status: StoreStatus }>).status;
  }

  /** For whoever starts a member by itself. */
  contextOf(name: string): ActorContext<StoreSettings> {
    return this.context(name, this.network.connect(name));
  }

  private slot(name: string): Slot {
    const slot = this.slots.get(name);
    if (slot === undefined) throw new Error(`there is no member ${name}`);
    return slot;
  }

  private ageSetting(): { forgetAfterSeconds?: number } {
    const { forgetAfterSeconds } = this.options;
    return forgetAfterSeconds === undefined ? {} : { forgetAfterSeconds };
  }

  private quotaSetting(name: string): { quotaBytes?: number } {
    const quotaBytes = this.options.quotaBytesOf?.(name);
    return quotaBytes === undefined ? {} : { quotaBytes };
  }

  private context(instance: string, bus: Bus): ActorContext<StoreSettings> {
    const { cluster, clock } = this;
    const boot = this.chance.suffix(6);
    const dataDir = `${this.options.directory ?? ''}/${instance}`;
    const members = this.joined.has(instance) ? [] : this.names.filter((name) => !this.joined.has(name));
    return {
      cluster,
      actor: 'store',
      instance,
      settings: {
        dataDir,
        clusterId: this.options.clusterId ?? `${cluster}-id`,
        members,
        ...this.ageSetting(),
        ...this.quotaSetting(instance),
      },
      bus,
      clock,
      chance: this.chance,
      log: (this.options.log ?? silentLog).child({ instance }),
      exec: noExec,
      tracer: createTracer({ cluster, actor: 'store', instance, boot, clock, bus }),
    };
  }
}

/** Time that runs `speed` times as fast as the wall's. */
function fasterClock(speed: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() * speed,
    timer: (delayMs, fire) => systemClock.timer(delayMs / speed, fire),
  };
}
