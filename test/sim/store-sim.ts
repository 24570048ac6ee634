// Decides the whole life of one simulated cluster from its seed: who there is, what they do, what befalls them, and what
// must be true at the end. Never uses anything but the seed.
import type { StoreCommitted } from '../../lib/bus/messages.ts';
import { unpackCommitted, type Packed } from '../../lib/bus/packed.ts';
import { decodeToken } from '../../lib/base/ids.ts';
import { parseSubject } from '../../lib/bus/subjects.ts';
import type { Message } from '../../raft/core/index.ts';
import { decodeMessage } from '../../raft/transport/decode-message.ts';
import { encodeSnapshot } from '../../services/store/core/snapshot.ts';
import { DEFAULT_STORE_LIMITS } from '../../services/store/core/limits.ts';
import { checkHistory } from './client-history.ts';
import { watchForLeaks } from './leaks.ts';
import type { Asking } from './asking.ts';
import { Machine, type Fleet } from './machine.ts';
import { Process } from './process.ts';
import { SimNetwork } from './sim-bus.ts';
import { drawHabits, SimClient, type Journal } from './sim-client.ts';
import { FAULTS, type FaultName } from './store-faults.ts';
import { LeaseHolder } from './lease-holder.ts';
import { Prober } from './prober.ts';
import { restoreElsewhere } from './restored-store.ts';
import type { Stage } from './stage.ts';
import { Twins, type MayAnswer } from './twins.ts';
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
  /** There are holders of leases for certain; otherwise the seed draws. */
  leases?: boolean;
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
  /** Who was ever a member: clients know them all. */
  private readonly names: string[];
  private readonly fleet: Fleet;
  private readonly others: { stopped: boolean; live(): Promise<unknown> }[] = [];
  /** The kinds of trouble that there are in this world. */
  private readonly kinds: readonly FaultName[];
  /** How often they come, against the usual. */
  private readonly often: number;

  constructor(world: World, { members = 3, troubleMs, faults, leases }: SimOptions) {
    this.world = world;
    this.troubleMs = troubleMs ?? (faults === undefined ? world.draw(1_400, 5_600) : world.draw(2_000, 8_000));
    this.network = new SimNetwork(world);
    const names = Array.from({ length: members }, (_, i) => `store-${i + 1}`);
    // Few kinds that come often find other things than many that come now and then.
    this.names = [...names];
    const share = faults === undefined ? world.draw(0.06, 0.6) : 1;
    this.often = faults === undefined ? world.draw(0.5, 2) * Math.sqrt(0.3 / share) : 3;
    this.kinds = faults ?? (Object.keys(FAULTS) as FaultName[]).filter(() => world.odds(share));
    this.fleet = this.drawFleet(names, faults !== undefined);
    this.invariants = this.fleet.invariants!;
    this.machines = names.map((name) => new Machine(this.fleet, name));
    // One disk at most may break beyond repair: what an acknowledged write needs is on the others.
    if (faults !== undefined || world.odds(0.5)) world.pick(this.machines).isVictim = true;
    this.addClients(this.names);
    // A world of chosen trouble has nothing that was not asked for: a bug that is looked for shows the sooner.
    if (faults === undefined || leases === true) this.addOthers(this.names, leases);
    this.stage = this.setStage(members);
    this.invariants.onConfiguration = () => this.membersChanged();
    this.network.onPublish = (from, subject, data) => this.listen(from, subject, data);
  }

  /** Small limits, so that everything that usually comes after hours comes within seconds. */
  private drawFleet(names: string[], isChosen: boolean): Fleet {
    const { world } = this;
    const { chance } = world;
    const bounds = isChosen
      ? {}
      : { uncommittedBytes: Math.round(world.draw(2_000, 1_000_000)), pendingReads: 1 + chance.int(60) };
    const limits = {
      historyRevisions: world.odds(0.3) ? 20_000 : 20 + chance.int(200),
      quotaBytes: world.odds(0.75) ? DEFAULT_STORE_LIMITS.quotaBytes : 60 + chance.int(300),
      sessions: world.odds(0.6) ? 200 : 1 + chance.int(5),
    };
    return {
      world,
      network: this.network,
      invariants: new StoreInvariants(new StoreModel(limits), names, (name) => this.onDisk(name)),
      cluster: CLUSTER,
      names,
      savesStates: this.kinds.includes('snapshot-saved'),
      diskLatencyMs: { min: 0.05, max: world.draw(0.3, 25) },
      member: {
        limits: { ...limits, historyBytes: DEFAULT_STORE_LIMITS.historyBytes },
        raftLimits: {
          appendBytes: world.draw(100, 100_000),
          inflightMessages: 1 + chance.int(16),
          inflightBytes: world.draw(500, 100_000),
          ...bounds,
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
        scrub: { everyMs: world.draw(1_000, 20_000), pauseMs: 1 },
      },
    };
  }

  private addClients(names: string[]): void {
    const { world } = this;
    const habits = drawHabits(world);
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

  /** Holders of leases and two that believe to be one: not in every world. */
  private addOthers(members: readonly string[], leases: boolean | undefined): void {
    const { world } = this;
    const { model } = this.invariants;
    const asking = (name: string): Asking => {
      const bus = this.network.connect(this.bystander(name));
      return { world, bus, cluster: CLUSTER, members };
    };
    if (leases ?? world.odds(0.3)) {
      const holders = ['apiserver-31', 'apiserver-32'].map((name) => new LeaseHolder(asking(name)));
      this.others.push(...holders);
      model.onLeaseOver = (id) => holders.forEach((holder) => holder.ended(id));
    }
    if (world.odds(0.15)) {
      const mayAnswer: MayAnswer = (session, result) => model.mayAnswer(session, result);
      this.others.push(new Twins([asking('apiserver-41'), asking('apiserver-42')], mayAnswer));
    }
  }

  private setStage(firstMembers: number): Stage {
    const { world, network, machines, invariants } = this;
    const operator = network.connect(this.bystander('apiserver-9'));
    const asking = { world, bus: operator, cluster: CLUSTER, members: this.names };
    return {
      world,
      network,
      cluster: CLUSTER,
      machines,
      clients: [...this.clients, ...this.readers].map(({ bus }) => bus.instance),
      operator,
      prober: new Prober(asking, invariants, this.journal, () => this.fleet.mayBeWrong === true),
      firstMembers,
      configuration: () => invariants.configuration,
      newMachine: () => this.addMachine(),
    };
  }

  private addMachine(): Machine {
    const machine = new Machine(this.fleet, `store-${this.machines.length + 1}`);
    this.machines.push(machine);
    this.names.push(machine.name);
    machine.begin();
    return machine;
  }

  /** Who is no member any more runs on for a while; then its operator switches it off and empties its disk. */
  private membersChanged(): void {
    for (const machine of this.machines) {
      if (this.isMember(machine)) machine.wasMember = true;
      else if (machine.wasMember && !machine.isRetired)
        this.world.after(this.world.draw(100, 5_000), () => {
          if (!machine.isRetired && machine.wasMember && !this.isMember(machine)) machine.retire();
        });
    }
  }

  private isMember({ name }: Machine): boolean {
    const { voters, outgoing, learners } = this.invariants.configuration;
    return voters.includes(name) || outgoing.includes(name) || learners.includes(name);
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
    const [cluster, noun] = subject.split('.');
    if (cluster !== CLUSTER) return;
    try {
      if (noun === 'raft' && !subject.endsWith('.presence')) this.invariants.said(raftMessage(subject, data));
      else if (noun === 'store' && isCommitted(data) && from.startsWith('store-'))
        this.invariants.published(unpackCommitted(data));
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
    for (const each of [...this.clients, ...this.others]) each.live().catch((error: unknown) => this.world.fail(error));
    this.planFaults();
    await this.world.run(this.troubleMs);
    await this.recover();
    checkHistory(this.journal.done, this.invariants.model);
    this.world.count('session-expired', this.invariants.model.sessionsForgotten);
    const { saved } = this.stage.prober;
    if (saved !== undefined && this.world.odds(0.5)) await restoreElsewhere(this.fleet, saved);
  }

  private planFaults(): void {
    const { world, stage, often } = this;
    for (const name of this.kinds) {
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
    for (const each of [...this.clients, ...this.others]) each.stopped = true;
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
    const { outgoing, learners } = this.invariants.configuration;
    // A change of members comes to its end by itself, and so does a lease that nobody keeps alive.
    if (outgoing.length + learners.length + model.leases.size > 0) return false;
    const wanted = this.machines.filter((machine) => machine.refused === undefined && this.isMember(machine));
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
    for (const { member, name } of this.machines.filter((machine) => this.isMember(machine))) {
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

/** Of a member; what it is told has no revision. */
const isCommitted = (data: unknown): data is Packed<StoreCommitted> =>
  (data as Packed<StoreCommitted>).txns !== undefined && (data as Packed<StoreCommitted>).previous !== undefined;

/** As its receiver reads it. */
function raftMessage(subject: string, data: unknown): Message {
  const { to, from, type } = parseSubject('raft', subject)!;
  const clusterId = (data as [unknown, string])[1];
  const message = decodeMessage(data, { clusterId, id: decodeToken(to), from: decodeToken(from), type });
  if (typeof message === 'string') throw new Error(`${subject}: a message is ${message}: ${JSON.stringify(data)}`);
  return message;
}
