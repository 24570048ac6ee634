// Decides the whole life of one simulated cluster from its seed: who there is, what they do, what befalls them, and what
// must be true at the end. Never uses anything but the seed.
import type { StoreCommitted } from '../../lib/bus/messages.ts';
import type { Message } from '../../raft/core/index.ts';
import { encodeSnapshot } from '../../services/store/core/snapshot.ts';
import { DEFAULT_STORE_LIMITS } from '../../services/store/core/limits.ts';
import { checkHistory } from './client-history.ts';
import { watchForLeaks } from './leaks.ts';
import { Machine, type Fleet } from './machine.ts';
import { Process } from './process.ts';
import { SimNetwork } from './sim-bus.ts';
import { SimClient, type Habits, type Journal } from './sim-client.ts';
import { FAULTS, type FaultName, type Stage } from './store-faults.ts';
import { StoreInvariants, type OnDisk } from './store-invariants.ts';
import { StoreModel } from './store-model.ts';
import { StreamReader } from './stream-reader.ts';
import { World, type Counts } from './world.ts';

export interface SimOptions {
  seed: number;
  members?: number;
  /** How long there is trouble, in virtual time. */
  troubleMs?: number;
  /** Exactly these kinds of trouble, and often; otherwise the seed draws. */
  faults?: readonly FaultName[] | undefined;
  /** Told of everything that happens. */
  trace?: (atMs: number, text: string) => void;
}

export interface SimResult {
  digest: string;
  counts: Counts;
  virtualMs: number;
}

export class SimFailure extends Error {
  readonly digest: string;
  constructor(seed: number, world: World, cause: unknown) {
    super(`seed ${seed} at ${world.nowMs.toFixed(3)} ms: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.digest = world.digest;
  }
}

const CLUSTER = 'c1';
/** Ten election timeouts, with a snapshot and the patience of clients. */
const RECOVERY_MS = 12_000;

export async function simulate(options: SimOptions): Promise<SimResult> {
  const world = new World(options.seed);
  world.onNote = options.trace;
  const sim = new StoreSim(world, options);
  const onRejection = (error: unknown): void => world.fail(error);
  process.on('unhandledRejection', onRejection);
  const leaksFound = watchForLeaks();
  try {
    await sim.run();
    const leaks = leaksFound();
    if (leaks.length > 0) throw new Error(`leaks into the real world: ${leaks.join('; ')}`);
    return { digest: world.digest, counts: sim.counts(), virtualMs: world.nowMs };
  } catch (error) {
    throw new SimFailure(options.seed, world, error);
  } finally {
    leaksFound();
    process.off('unhandledRejection', onRejection);
  }
}

class StoreSim {
  private readonly world: World;
  private readonly network: SimNetwork;
  private readonly machines: Machine[];
  private readonly clients: SimClient[] = [];
  private readonly readers: StreamReader[] = [];
  private readonly journal: Journal = { done: [], seenRevision: 0, seenIndex: 0 };
  private readonly invariants: StoreInvariants;
  private readonly stage: Stage;
  private readonly troubleMs: number;
  private readonly wanted: readonly FaultName[] | undefined;

  constructor(world: World, { members = 3, troubleMs, faults }: SimOptions) {
    this.world = world;
    this.wanted = faults;
    this.troubleMs = troubleMs ?? world.draw(2_000, 8_000);
    this.network = new SimNetwork(world);
    const names = Array.from({ length: members }, (_, i) => `store-${i + 1}`);
    const fleet = this.drawFleet(names);
    this.invariants = fleet.invariants;
    this.machines = names.map((name) => new Machine(fleet, name));
    // One disk at most may break beyond repair: what an acknowledged write needs is on the others.
    if (world.odds(0.5)) world.pick(this.machines).isVictim = true;
    this.addClients(names);
    const operator = this.network.connect(this.bystander('apiserver-9'));
    const clients = [...this.clients, ...this.readers].map(({ bus }) => bus.instance);
    this.stage = { world, network: this.network, cluster: CLUSTER, machines: this.machines, clients, operator };
    this.network.onPublish = (from, subject, data) => this.listen(from, subject, data);
  }

  /** Small limits, so that everything that usually comes after hours comes within seconds. */
  private drawFleet(names: string[]): Fleet {
    const { world } = this;
    const { chance } = world;
    const limits = {
      historyRevisions: world.odds(0.3) ? 20_000 : 20 + chance.int(200),
      quotaBytes: world.odds(0.75) ? DEFAULT_STORE_LIMITS.quotaBytes : 60 + chance.int(300),
      sessions: world.odds(0.6) ? 200 : 1 + chance.int(5),
    };
    return {
      world,
      network: this.network,
      invariants: new StoreInvariants(new StoreModel(limits), (name) => this.onDisk(name)),
      cluster: CLUSTER,
      names,
      diskLatencyMs: { min: 0.05, max: world.draw(0.3, 25) },
      member: {
        limits: { ...limits, historyBytes: DEFAULT_STORE_LIMITS.historyBytes },
        raftLimits: {
          appendBytes: world.draw(100, 100_000),
          inflightMessages: 1 + chance.int(16),
          inflightBytes: world.draw(500, 100_000),
          applyBytes: world.draw(100, 100_000),
          applyOutstandingBytes: world.draw(200, 100_000),
          cachedBytes: chance.int(3) * 2_000,
          snapshotChunkBytes: Math.round(world.draw(300, 20_000)),
          snapshotWindowBytes: Math.round(world.draw(1_000, 60_000)),
          retainedEntries: chance.int(30),
          heldEntries: chance.int(60),
        },
        log: {
          segmentBytes: Math.round(world.draw(3_000, 60_000)),
          extendBytes: 512 * (1 + chance.int(16)),
          cachedBytes: 4_000 + chance.int(3) * 6_000,
          readBytes: 2_000 + chance.int(8_000),
        },
        snapshots: { entries: Math.round(world.draw(8, 400)), bytes: 1_000_000 },
      },
    };
  }

  private addClients(names: string[]): void {
    const { world } = this;
    const habits: Habits = {
      keys: 1 + world.chance.int(8),
      pauseMs: { min: 2, max: world.draw(60, 600) },
      attemptMs: 150 + world.chance.int(600),
      patienceMs: world.draw(600, 6_000),
      valueBytes: world.draw(10, 1_500),
      reads: 0.15 + world.chance.float() * 0.4,
      deletes: world.chance.float() * 0.4,
      compares: world.chance.float(),
      many: world.chance.float() * 0.4,
      batches: world.chance.float() * 0.4,
      sendsTwice: world.odds(0.5) ? world.chance.float() * 0.4 : 0,
      newSession: world.chance.float() * 0.1,
    };
    const count = 2 + world.chance.int(3);
    for (let i = 1; i <= count; i++) {
      const bus = this.network.connect(this.bystander(`apiserver-${i}`));
      this.clients.push(new SimClient(world, bus, CLUSTER, names, habits, this.journal));
    }
    for (const name of ['apiserver-21', 'apiserver-22']) {
      const bus = this.network.connect(this.bystander(name));
      this.readers.push(new StreamReader(world, bus, CLUSTER, names, this.invariants));
    }
  }

  private onDisk(name: string): OnDisk | undefined {
    const storage = this.machines.find((machine) => machine.name === name)?.member?.storage;
    if (storage === undefined) return undefined;
    const { hardState, table } = storage.log;
    return { hardState, lastIndex: table.lastIndex, snapshotIndex: storage.snapshots.newest?.index ?? 0 };
  }

  private bystander(name: string): Process {
    return new Process(this.world, name, { rate: 1, wallOffsetMs: 0 }, () => {});
  }

  private listen(from: string, subject: string, data: unknown): void {
    try {
      const noun = subject.split('.')[1];
      if (noun === 'raft' && !subject.endsWith('.presence')) this.invariants.said(data as Message);
      else if (noun === 'store' && (data as StoreCommitted).txns !== undefined && from.startsWith('store-'))
        this.invariants.published(data as StoreCommitted);
    } catch (error) {
      this.world.fail(error);
    }
  }

  counts(): Counts {
    const checks = Object.entries(this.invariants.checks).map(([name, times]) => [`checked-${name}`, times]);
    return { ...this.world.counts, ...Object.fromEntries(checks) };
  }

  async run(): Promise<void> {
    for (const machine of this.machines) machine.start();
    for (const client of this.clients) client.live().catch((error: unknown) => this.world.fail(error));
    this.planFaults();
    await this.world.run(this.troubleMs);
    await this.recover();
    checkHistory(this.journal.done, this.invariants.model);
  }

  private planFaults(): void {
    const { world, stage } = this;
    // Few kinds that come often find other things than many that come now and then; the rest does not exist in this world.
    const share = world.draw(0.06, 0.6);
    const often = this.wanted === undefined ? world.draw(0.5, 2) * Math.sqrt(0.3 / share) : 3;
    for (const name of Object.keys(FAULTS) as FaultName[]) {
      if (this.wanted === undefined ? !world.odds(share) : !this.wanted.includes(name)) continue;
      const [perTenSeconds, happen] = FAULTS[name];
      const meanMs = 7_000 / (perTenSeconds * often * world.draw(0.5, 2));
      const again = (): void => {
        const delayMs = -Math.log(1 - world.chance.float()) * meanMs;
        if (world.nowMs + delayMs >= this.troubleMs) return;
        world.after(delayMs, () => {
          world.note(`fault ${name}`);
          if (happen(stage) !== false) world.count(name);
          again();
        });
      };
      again();
    }
  }

  /** Faults end: everybody comes back, agrees, and every client is answered. */
  private async recover(): Promise<void> {
    const { world, network, machines } = this;
    world.note('recovery');
    network.calm();
    for (const machine of machines) {
      machine.disk.heal();
      machine.time.rate = 1;
      if (machine.process !== undefined) machine.process.fuse = undefined;
      if (machine.process?.isPaused === true) machine.process.resume();
      machine.startLater(1);
    }
    const before = this.clients.map(({ answered }) => answered);
    const from = world.nowMs;
    let calm = false;
    const look = (): void => {
      calm = this.clients.every(({ answered }, i) => answered >= before[i]! + 3);
      if (!calm) world.after(20, look);
    };
    look();
    await world.run(RECOVERY_MS, () => calm);
    if (!calm) throw new Error(`not alive ${RECOVERY_MS} ms after the last fault: ${this.describe()}`);
    for (const client of this.clients) client.stopped = true;
    let same = false;
    const compare = (): void => {
      same = this.agrees();
      if (!same) world.after(20, compare);
    };
    compare();
    await world.run(RECOVERY_MS, () => same);
    if (!same) throw new Error(`members do not agree: ${this.describe()}`);
    world.count('recovery-ms', Math.round(world.nowMs - from));
    this.sameStates();
    world.note(`end ${this.describe()}`);
  }

  private agrees(): boolean {
    const { model } = this.invariants;
    const wanted = this.machines.filter(({ refused }) => refused === undefined);
    const idle = wanted.every(({ member, isWrong }) => {
      // A wrong state is noticed by comparing, at the latest when nothing comes any more.
      if (member === undefined || isWrong) return false;
      const { status, state } = member;
      return state.appliedIndex === status.lastIndex && status.lastIndex === this.invariants.highestCommit;
    });
    return idle && this.readers.every(({ revision }) => revision === model.revision);
  }

  /** Not only the hash: every byte of state, history and sessions, and what the model says. */
  private sameStates(): void {
    const { model } = this.invariants;
    let first: string | undefined;
    for (const { member, name } of this.machines) {
      if (member === undefined) continue;
      const { state } = member;
      const page = state.range('', '', 10_000, 0);
      if (page === 'compacted') throw new Error(`the present state of ${name} is called compacted`);
      const wrong = model.whyWrongItems('', model.revision, page.items);
      if (wrong !== undefined) throw new Error(`${name}: ${wrong}`);
      const bytes = Buffer.concat([...encodeSnapshot(state)]).toString('latin1');
      first ??= bytes;
      if (first !== bytes) throw new Error(`the whole state of ${name} differs from another's`);
    }
  }

  private describe(): string {
    const members = this.machines.map(({ name, member, refused, isUp }) => {
      if (refused !== undefined) return `${name} refuses (${refused})`;
      if (member === undefined) return `${name} ${isUp ? 'starts' : 'is down'}`;
      const { role, term, commit, lastIndex, applied, doubt, damagedThrough } = member.status;
      const lacks = `${doubt === '' ? '' : ` in doubt: ${doubt}`}${damagedThrough > 0 ? ` damaged through ${damagedThrough}` : ''}`;
      return `${name} ${role}${lacks} term ${term} last ${lastIndex} commit ${commit} applied ${applied}/${member.state.appliedIndex} revision ${member.state.revision} hash ${member.state.hash}`;
    });
    const readers = this.readers.map(({ revision }) => revision).join(' ');
    return `${members.join('; ')}; readers ${readers}; answered ${this.clients.map(({ answered }) => answered).join(' ')}`;
  }
}
