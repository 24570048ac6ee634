// Does: takes faults from their record to their healing, on whatever ground the cluster stands. Never does a fault before
// its record and its guardian are there.
import { messageOf, TroubleError } from '../../lib/base/errors.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import type { Cluster } from '../../launcher/core/cluster.ts';
import { ownRecord, type ProcessRecord } from '../../launcher/edge/processes.ts';
import type { Applied, ChaosDriver, Fault, Target } from '../contract.ts';
import { describeFault } from '../core/describe-fault.ts';
import { ordersOf } from '../core/orders.ts';
import { startGuardian, type Guard, type Guarded } from './guard.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { OrderKeeper, type Speaker } from './order-keeper.ts';

/** Done from outside an actor; it does the others to itself. */
export type OuterFault = Extract<Fault, { type: 'kill' | 'pause' | 'restart' | 'kill-node' | 'cut-node' | 'bit-flip' }>;

/** Where a cluster lives, and how its processes, nodes and disks are reached there. One implementation each. */
export interface Ground extends Guarded {
  readonly kind: ChaosDriver['kind'];
  readonly cluster: string;
  readonly ours: boolean;
  plan(): Promise<Cluster>;
  /** The bus, as the owner. */
  speaker(): Promise<Speaker>;
  targets(): Promise<Target[]>;
  /** Refuses what cannot be; says which process is hit. */
  check(fault: OuterFault): Promise<{ pid?: number } | undefined>;
  /** Returns what more there is to say: `, runs again (pid 4711)`. */
  break(fault: OuterFault): Promise<string>;
  /** Harmless where nothing is broken, also where the cluster is down by now. */
  mend(fault: OuterFault): Promise<void>;
  api: ChaosDriver['api'];
  serviceClient: ChaosDriver['serviceClient'];
  close(): Promise<void>;
}

/** Faults that are over when they are done, or that only the store can heal. */
const PASSING = new Set<Fault['type']>(['restart', 'bit-flip']);

export class FaultDriver implements ChaosDriver {
  readonly kind: ChaosDriver['kind'];
  readonly cluster: string;
  readonly ours: boolean;
  readonly #ground: Ground;
  readonly #journal: Journal;
  readonly #owner: ProcessRecord = ownRecord();
  readonly #keeper: OrderKeeper;
  readonly #applied = new Map<string, Applied>();
  #guard: Guard | undefined;
  #count = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.kind = ground.kind;
    this.cluster = ground.cluster;
    this.ours = ground.ours;
    this.#journal = new Journal(ground.records.chaos);
    this.#keeper = new OrderKeeper(() => ground.speaker());
  }

  targets(): Promise<Target[]> {
    return this.#ground.targets();
  }

  async check(fault: Fault): Promise<void> {
    await this.#hit(fault);
  }

  async apply(fault: Fault): Promise<Applied> {
    const before = await this.#hit(fault);
    const id = `${Date.now().toString(36)}-${process.pid}-${++this.#count}`;
    const applied: Applied = { id, fault, what: describeFault(fault, before), heals: !PASSING.has(fault.type) };
    this.#guard ??= startGuardian(this.#ground, this.#owner);
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
    if (isOuter(fault)) {
      await this.#ground.mend(fault);
      return this.#forget(id);
    }
    // First, so that whoever renews it sees that it is not wanted any more.
    this.#forget(id);
    return this.#keeper.end(id, ordersOf(fault));
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

  api(): ReturnType<ChaosDriver['api']> {
    return this.#ground.api();
  }

  serviceClient(): Promise<string[]> {
    return this.#ground.serviceClient();
  }

  /** Heals first what it has broken itself. */
  async close(): Promise<void> {
    const left = [...this.#applied.values()];
    const failed = (await Promise.allSettled(left.map((applied) => this.heal(applied)))).filter(
      (result) => result.status === 'rejected',
    );
    await this.#ground.close();
    // The guardian finds nothing left, or tries what failed here again.
    this.#guard?.dismiss();
    if (failed.length > 0) throw new TroubleError(`could not heal everything: ${messageOf(failed[0]!.reason)}`);
  }

  /** What is known of the process that is hit. Refuses what cannot be, before anything is written down. */
  async #hit(fault: Fault): Promise<{ pid?: number } | undefined> {
    const plan = await this.#ground.plan();
    switch (fault.type) {
      case 'kill-node':
      case 'cut-node':
        if (!plan.nodes.includes(fault.node))
          throw new TroubleError(`there is no node ${fault.node}: there are ${plan.nodes.join(', ')}`);
        break;
      case 'partition':
        if (fault.from === fault.to) throw new TroubleError(`${fault.from} cannot be parted from itself`);
        for (const instance of [fault.from, fault.to]) mustBeActor(plan, instance);
        break;
      case 'disk':
      case 'bit-flip':
        if (!plan.stores.includes(fault.instance))
          throw new TroubleError(
            `${fault.instance} has no directory to break: only the store's members do (${plan.stores.join(', ')})`,
          );
        break;
      case 'messages':
      case 'clock':
        mustBeActor(plan, fault.instance);
        break;
      default:
        break;
    }
    return isOuter(fault) ? this.#ground.check(fault) : undefined;
  }

  async #do(applied: Applied): Promise<Applied> {
    const { id, fault, what } = applied;
    if (isOuter(fault)) return { ...applied, what: `${what}${await this.#ground.break(fault)}` };
    await this.#keeper.give(id, ordersOf(fault), () => this.#journal.has(id));
    return applied;
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
}

function isOuter(fault: Fault): fault is OuterFault {
  return ordersOf(fault).length === 0;
}

function mustBeActor(plan: Cluster, instance: string): void {
  if (!actorsOf(plan).some((who) => who.instance === instance))
    throw new TroubleError(`${instance} is no actor: it cannot be told to break its messages or its clock`);
}
