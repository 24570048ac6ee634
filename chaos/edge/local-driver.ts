// Does: breaks and heals a cluster of this machine that `flotilla up` made: processes through its supervisor, the
// network of its nodes, actors from inside. Never does a fault before its record and its guardian are there.
import { statSync } from 'node:fs';
import { seededChance } from '../../lib/base/chance.ts';
import { messageOf, TroubleError } from '../../lib/base/errors.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import type { ActorStatus } from '../../lib/bus/messages.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { clusterOf, joinBus, type ClusterBus } from '../../cli/edge/cluster-bus.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import { apiPortOf, hasContainers, type Cluster } from '../../launcher/core/cluster.ts';
import type { Home } from '../../launcher/core/home.ts';
import { placesOf } from '../../launcher/edge/node-network.ts';
import { readCluster } from '../../launcher/edge/plan-file.ts';
import { ownRecord, type ProcessRecord } from '../../launcher/edge/processes.ts';
import { planNetwork, type NetworkPlan } from '../../launcher/network/index.ts';
import { cutNode, healNode } from '../../launcher/network/partition.ts';
import { askSupervisor, NoSupervisorError } from '../../launcher/supervisor/client.ts';
import type { UnitStatus } from '../../launcher/supervisor/supervisor.ts';
import { describeFault } from '../core/describe-fault.ts';
import { ordersOf } from '../core/orders.ts';
import type { Applied, ChaosDriver, Fault, Target } from '../contract.ts';
import { flipBit } from './flip-bit.ts';
import { startGuardian, type Guard } from './guard.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { OrderKeeper } from './order-keeper.ts';
import { killNode, killUnit, pauseUnit, restartUnit, resumeUnit, startUnit, unitOf } from './unit-turns.ts';

export async function openLocalDriver(home: string): Promise<ChaosDriver> {
  return new LocalDriver(home);
}

/** Faults that are over when they are done, or that only the store can heal. */
const PASSING = new Set<Fault['type']>(['restart', 'bit-flip']);

export class LocalDriver implements ChaosDriver {
  readonly kind = 'local';
  readonly cluster: string;
  readonly ours: boolean;
  readonly #home: Home;
  readonly #plan: Cluster;
  readonly #journal: Journal;
  readonly #owner: ProcessRecord = ownRecord();
  readonly #keeper: OrderKeeper;
  readonly #applied = new Map<string, Applied>();
  #joined: Promise<ClusterBus> | undefined;
  #guard: Guard | undefined;
  #count = 0;

  /** Fails when there is no cluster in `home`. */
  constructor(home: string) {
    const { cluster, home: places } = clusterOf(home);
    this.#home = places;
    this.#plan = cluster;
    this.cluster = cluster.name;
    this.ours = statSync(places.cluster).uid === process.getuid?.();
    this.#journal = new Journal(places.chaos);
    this.#keeper = new OrderKeeper(cluster.name, () => this.#bus());
  }

  /** false: its home has been removed since. */
  get hasCluster(): boolean {
    return readCluster(this.#home) !== undefined;
  }

  async targets(): Promise<Target[]> {
    const { units } = await askSupervisor(this.#home, { cmd: 'status' });
    const said = await this.#statuses();
    const nodes = new Map<string, string | undefined>([
      ...actorsOf(this.#plan).map(({ instance, node }) => [instance, node] as const),
      ...this.#plan.nodes.map((node) => [`containerd-${node}`, node] as const),
    ]);
    return units.map((unit) =>
      targetOf(
        unit,
        nodes.get(unit.name),
        said.find(({ instance }) => instance === unit.name),
      ),
    );
  }

  async check(fault: Fault): Promise<void> {
    await this.#hit(fault);
  }

  async apply(fault: Fault): Promise<Applied> {
    const before = await this.#hit(fault);
    const id = `${Date.now().toString(36)}-${process.pid}-${++this.#count}`;
    const applied: Applied = { id, fault, what: describeFault(fault, before), heals: !PASSING.has(fault.type) };
    this.#guard ??= startGuardian(this.#home, this.#plan, this.#owner);
    this.#journal.write(applied, this.#owner);
    this.#applied.set(id, applied);
    try {
      const done = await this.#do(applied);
      if (done.heals) this.#applied.set(id, done);
      else this.#forget(id);
      return done;
    } catch (error) {
      await this.heal(applied).catch(() => {});
      throw new TroubleError(`${applied.what}: could not be done: ${messageOf(error)}`, { cause: error });
    }
  }

  async heal({ id, fault }: Applied): Promise<void> {
    const orders = ordersOf(fault);
    if (orders.length > 0) {
      // First, so that whoever renews it sees that it is not wanted any more.
      this.#forget(id);
      return this.#keeper.end(id, orders);
    }
    try {
      await this.#undo(fault);
    } catch (error) {
      // `down` has ended everything that was broken, and `up` starts everything.
      if (!(error instanceof NoSupervisorError)) throw error;
    }
    this.#forget(id);
  }

  isBroken({ id }: Applied): boolean {
    return this.#journal.has(id);
  }

  healAll(): Promise<Applied[]> {
    return this.#healEach(this.#journal.entries());
  }

  /** What that process has left broken. */
  healOf(owner: Pick<ProcessRecord, 'pid' | 'startTime'>): Promise<Applied[]> {
    const isIts = (entry: JournalEntry): boolean =>
      entry.owner.pid === owner.pid && entry.owner.startTime === owner.startTime;
    return this.#healEach(this.#journal.entries().filter(isIts));
  }

  async api(): Promise<{ servers: string[]; kubeconfig: string }> {
    const servers = this.#plan.apiservers.map((instance) => `https://127.0.0.1:${apiPortOf(this.#plan, instance)}`);
    return { servers, kubeconfig: this.#home.kubeconfig };
  }

  async serviceClient(): Promise<string[]> {
    const netns = placesOf(this.#plan).nodes[0]?.netns;
    return netns === undefined ? [] : ['/usr/bin/nsenter', `--net=/run/netns/${netns}`];
  }

  /** Heals first what it has broken itself. */
  async close(): Promise<void> {
    const left = [...this.#applied.values()];
    const failed = (await Promise.allSettled(left.map((applied) => this.heal(applied)))).filter(
      (result) => result.status === 'rejected',
    );
    const joined = await this.#joined?.catch(() => undefined);
    await joined?.bus.close();
    // The guardian finds nothing left, or tries what failed here again.
    this.#guard?.dismiss();
    if (failed.length > 0) throw new TroubleError(`could not heal everything: ${messageOf(failed[0]!.reason)}`);
  }

  // ---- one fault --------------------------------------------------------------------------------------------------

  /** What is known of the process that is hit. Refuses what cannot be, before anything is written down. */
  async #hit(fault: Fault): Promise<UnitStatus | undefined> {
    switch (fault.type) {
      case 'kill-node':
      case 'cut-node':
        if (!this.#plan.nodes.includes(fault.node))
          throw new TroubleError(`there is no node ${fault.node}: there are ${this.#plan.nodes.join(', ')}`);
        if (fault.type === 'cut-node') this.#network();
        return undefined;
      case 'partition':
        if (fault.from === fault.to) throw new TroubleError(`${fault.from} cannot be parted from itself`);
        for (const instance of [fault.from, fault.to]) this.#mustBeActor(instance);
        return undefined;
      case 'disk':
      case 'bit-flip':
        if (!this.#plan.stores.includes(fault.instance))
          throw new TroubleError(
            `${fault.instance} has no directory to break: only the store's members do (${this.#plan.stores.join(', ')})`,
          );
        return undefined;
      case 'messages':
      case 'clock':
        this.#mustBeActor(fault.instance);
        return undefined;
      default: {
        const unit = await unitOf(this.#home, fault.unit);
        if (unit.pid === undefined) throw new TroubleError(`${fault.unit} does not run: it is ${unit.state}`);
        return unit;
      }
    }
  }

  async #do(applied: Applied): Promise<Applied> {
    const { id, fault, what } = applied;
    switch (fault.type) {
      case 'kill':
        await killUnit(this.#home, fault.unit);
        return applied;
      case 'pause':
        await pauseUnit(this.#home, fault.unit);
        return applied;
      case 'restart': {
        const { pid } = await restartUnit(this.#home, fault.unit);
        return { ...applied, what: `${what}, runs again (pid ${pid})` };
      }
      case 'kill-node':
        await killNode(this.#home, this.#plan, fault.node, this.#unitsOn(fault.node));
        return applied;
      case 'cut-node':
        await cutNode(this.#network(), fault.node, systemExec);
        return applied;
      case 'bit-flip': {
        const { file, offset, bit } = flipBit(this.#home.store(fault.instance), chanceOf(fault.chance));
        return {
          ...applied,
          what: `${what}: bit ${bit} of byte ${offset} of ${file}; it is seen when it is next read`,
        };
      }
      default:
        await this.#keeper.give(id, ordersOf(fault), () => this.#journal.has(id));
        return applied;
    }
  }

  async #undo(fault: Fault): Promise<void> {
    switch (fault.type) {
      case 'kill':
      case 'restart':
        return startUnit(this.#home, fault.unit);
      case 'pause':
        return resumeUnit(this.#home, fault.unit);
      case 'kill-node':
        for (const unit of this.#unitsOn(fault.node)) await startUnit(this.#home, unit);
        return undefined;
      case 'cut-node':
        return healNode(this.#network(), fault.node, systemExec);
      default:
        return undefined;
    }
  }

  /** Each is tried, whatever becomes of the others. */
  async #healEach(entries: readonly JournalEntry[]): Promise<Applied[]> {
    const healed: Applied[] = [];
    let trouble: unknown;
    for (const { applied } of entries) {
      try {
        await this.heal(applied);
        healed.push(applied);
      } catch (error) {
        trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
    return healed;
  }

  #forget(id: string): void {
    this.#applied.delete(id);
    this.#journal.forget(id);
  }

  // ---- the cluster ------------------------------------------------------------------------------------------------

  #unitsOn(node: string): string[] {
    const actors = actorsOf(this.#plan)
      .filter((who) => who.node === node)
      .map(({ instance }) => instance);
    return hasContainers(this.#plan.runtime) ? [`containerd-${node}`, ...actors] : actors;
  }

  #mustBeActor(instance: string): void {
    if (!actorsOf(this.#plan).some((who) => who.instance === instance))
      throw new TroubleError(`${instance} is no actor: it cannot be told to break its messages or its clock`);
  }

  #network(): NetworkPlan {
    const { name, slot, nodes, runtime } = this.#plan;
    if (!hasContainers(runtime))
      throw new TroubleError(
        `nodes of runtime ${runtime} have no network of their own to cut: pause or kill the node, or part its actors`,
      );
    return planNetwork({ cluster: name, index: slot, nodes });
  }

  /** Nobody answers while the bus is broken; that is no reason to fail. */
  async #statuses(): Promise<ActorStatus[]> {
    try {
      return await (await this.#join()).statuses();
    } catch {
      return [];
    }
  }

  async #bus(): Promise<Bus> {
    return (await this.#join()).bus;
  }

  #join(): Promise<ClusterBus> {
    this.#joined ??= joinBus(this.#home.root).catch((error: unknown) => {
      this.#joined = undefined;
      throw error;
    });
    return this.#joined;
  }
}

function targetOf(unit: UnitStatus, node: string | undefined, said: ActorStatus | undefined): Target {
  const { role, term, commit, applied } = (said?.details ?? {}) as Partial<NonNullable<Target['store']>>;
  return {
    name: unit.name,
    role: unit.role,
    ...(node === undefined ? {} : { node }),
    state: unit.state === 'paused' ? 'paused' : unit.pid === undefined ? 'stopped' : 'running',
    ...(unit.role === 'store' && role !== undefined
      ? { store: { role, term: Number(term), commit: Number(commit), applied: Number(applied) } }
      : {}),
  };
}

/** Any number stands for one sequence of choices. */
function chanceOf(number: number): ReturnType<typeof seededChance> {
  return seededChance(Number.isInteger(number) ? number : number * 2 ** 32);
}
