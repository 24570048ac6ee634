// Does: sets up what a run of troubles needs: members as processes, their network, one small disk, a load, and the check of
// what the load saw, one trouble at a time. Never decides what goes wrong (troubles.ts).
import type { StoreStatus } from '../../lib/bus/messages.ts';
import { eventually } from '../kit/eventually.ts';
import { StoreProcesses } from '../kit/store-processes.ts';
import { CutNetwork } from './cut-network.ts';
import { Load, type Draw } from './load.ts';
import { judge, type Asked, type Judged } from './real-history.ts';
import { SmallDisk } from './small-disk.ts';
import type { Trouble } from './troubles.ts';

/** In the small disk's file system; sparse, so that it costs what is written. */
const SMALL_DISK_MEGABYTES = 256;
const CLIENTS = 4;
/** Of those that will ever be. */
const MEMBERS = ['store-1', 'store-2', 'store-3', 'store-4', 'store-5'];
const ON_SMALL_DISK = 'store-3';
const HEALTHY_MS = 240_000;

export interface Outcome extends Judged {
  trouble: string;
  tookMs: number;
  /** Longest time without any answer. */
  gapMs: number;
}

export class Stage {
  readonly store: StoreProcesses;
  readonly network: CutNetwork;
  /** Absent: this machine lets nobody mount. */
  readonly disk: SmallDisk | undefined;
  readonly load: Load;
  readonly draw: Draw;
  private rooms = 0;

  private constructor(store: StoreProcesses, network: CutNetwork, disk: SmallDisk | undefined, draw: Draw) {
    this.store = store;
    this.network = network;
    this.disk = disk;
    this.draw = draw;
    this.load = new Load(store, draw);
  }

  static async begin(draw: Draw): Promise<Stage> {
    const network = new CutNetwork('c1', MEMBERS);
    const disk = mounted();
    const store = await StoreProcesses.start(network.config, {
      seedFileOf: (name) => network.seedFile(name),
      dataDirOf: (name) => (name === ON_SMALL_DISK ? disk && `${disk.path}/data` : undefined),
      restarts: true,
    }).catch((error: unknown) => {
      network.remove();
      disk?.remove();
      throw error;
    });
    const stage = new Stage(store, network, disk, draw);
    try {
      await stage.healthy();
      await stage.load.start(CLIENTS, stage.nextRoom());
    } catch (error) {
      await stage.end();
      throw error;
    }
    return stage;
  }

  get memberOnSmallDisk(): string {
    return ON_SMALL_DISK;
  }

  /** Makes the cuts of the network so. */
  async applyNetwork(): Promise<void> {
    this.store.nats.reload(this.network.config);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.draw() * from.length)]!;
  }

  async follower(): Promise<string> {
    const leader = await this.store.leader();
    return this.pick(this.store.names.filter((name) => name !== leader));
  }

  /** Someone else leads than `before`, and writes go on. */
  async replaced(before: string): Promise<void> {
    await eventually(`a leader other than ${before}`, async () => {
      const statuses = await Promise.all(
        this.store.names.filter((name) => name !== before).map((name) => this.store.status(name)),
      );
      return statuses.some((status) => status?.role === 'leader');
    });
    await this.load.more(20);
  }

  /** All members answer, without alarms, led by one, and differ by no more than what is under way. */
  async healthy(): Promise<void> {
    let seen: (StoreStatus | undefined)[] = [];
    await eventually(
      () =>
        `healthy members: ${seen.map((each) => (each === undefined ? 'silent' : `${each.member} ${each.role} ${each.alarms.join()}`)).join('; ')}`,
      async () => {
        seen = await Promise.all(this.store.names.map((name) => this.store.status(name)));
        const leader = seen.find((status) => status?.role === 'leader');
        return seen.every(
          (status) =>
            status !== undefined &&
            status.alarms.length === 0 &&
            leader !== undefined &&
            status.leader === leader.member &&
            (leader.match[status.member] ?? 0) + 200 >= leader.lastIndex,
        );
      },
      HEALTHY_MS,
    );
  }

  /** Makes the trouble, waits until all is well again, and checks everything that was seen meanwhile. */
  async suffer(trouble: Trouble): Promise<Outcome> {
    const began = performance.now();
    const reader = await this.store.client(`apiserver-reader${this.rooms}`);
    const since = await reader.readIndex(60_000);
    const room = this.nextRoom();
    await this.load.enter(room);
    await this.load.more(20);
    await trouble.make(this);
    await this.healthy();
    await this.load.more(40);
    const asked = await this.load.enter(this.nextRoom());
    const keys = new Set(asked.map(({ input }) => input.key));
    for (const key of keys) asked.push(await finalRead(reader, key));
    // What the rooms before and behind wrote is in it too: what counts is that nothing is missing.
    const committed = await reader.history(since, 240_000);
    const judged = judge(asked, committed);
    return { trouble: trouble.name, ...judged, tookMs: Math.round(performance.now() - began), gapMs: gapOf(asked) };
  }

  /** Ends the load; all members hold the same. */
  async finish(): Promise<void> {
    await this.load.stop();
    await this.healthy();
    await this.store.converged(60_000);
  }

  async end(): Promise<void> {
    await this.load.stop().catch(() => []);
    await this.store.stop();
    this.network.remove();
    this.disk?.remove();
  }

  private nextRoom(): string {
    return `/room/${String(++this.rooms).padStart(4, '0')}`;
  }
}

function mounted(): SmallDisk | undefined {
  try {
    return new SmallDisk(SMALL_DISK_MEGABYTES);
  } catch (error) {
    console.error(`no small disk: ${(error as Error).message}`);
    return undefined;
  }
}

async function finalRead(
  reader: { read: Awaited<ReturnType<StoreProcesses['client']>>['read'] },
  key: string,
): Promise<Asked> {
  const call = performance.now();
  const item = (await reader.read(key, 240_000)).find((each) => each.key === key);
  const value = item === undefined ? undefined : Buffer.from(item.value).toString('latin1').split(' ')[0]!;
  const found = { value, revision: item?.modRevision ?? 0 };
  return { client: 'the last reader', input: { type: 'read', key }, call, return: performance.now(), found };
}

function gapOf(asked: readonly Asked[]): number {
  const times = asked
    .map((each) => each.return)
    .filter((at) => at !== Infinity)
    .toSorted((a, b) => a - b);
  return Math.round(Math.max(0, ...times.slice(1).map((at, i) => at - times[i]!)));
}
