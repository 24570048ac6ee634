// Does: runs pure controllers over an ApiModel in an order that chance draws: which event arrives, which key is looked at,
// which request fails before or after it was carried out. Never lets a key be looked at before its own writes are seen.
import { RESOURCES, type ResourceRef } from '../../lib/api/resource.ts';
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import { TroubleError, isReason } from '../../lib/base/errors.ts';
import { Client, type Transport } from '../../lib/client/client.ts';
import type { EventRecord, EventRecorder } from '../../lib/client/event-recorder.ts';
import type { Action, Controller, Key } from '../../lib/reconcile/controller.ts';
import { doAction } from '../../lib/reconcile/do-action.ts';
import { idOf, type ApiModel } from './api-model.ts';
import { ModelView } from './api-model-view.ts';

export interface LoopOptions {
  chance?: Chance;
  /** Events arrive late, resource by resource. Otherwise at once. */
  lags?: boolean;
  /** Share of writes that fail, half of them after they were carried out. */
  faults?: number;
}

interface Work {
  controller: Controller;
  key: Key;
}

interface Wait {
  ref: ResourceRef;
  revision: number;
}

export class ModelLoops {
  readonly view: ModelView;
  readonly events: EventRecord[] = [];
  readonly #model: ApiModel;
  readonly #chance: Chance;
  readonly #faults: number;
  readonly #work = new Map<string, Work>();
  readonly #later = new Map<string, { work: Work; at: number }>();
  readonly #waits = new Map<string, Wait[]>();
  /** Called after every write, with the world as it then is. */
  afterWrite: (action: Action) => void = () => {};
  /** Reconciles so far, and those that wrote. */
  reconciles = 0;
  writes = 0;

  constructor(model: ApiModel, controllers: readonly Controller[], options: LoopOptions = {}) {
    this.#model = model;
    this.#chance = options.chance ?? seededChance(1);
    this.#faults = options.faults ?? 0;
    this.view = new ModelView(model, { lags: options.lags ?? false });
    this.view.onChange((before, after, event) => {
      for (const controller of controllers)
        for (const watch of controller.watches)
          if (idOf(watch.ref) === idOf(event.ref))
            for (const key of watch.keys(this.view, before, after)) this.wake(controller, key);
    });
  }

  wake(controller: Controller, key: Key): void {
    const work = { controller, key };
    this.#work.set(nameOf(work), work);
  }

  /** One event delivered or one key looked at; false: nothing left to do but wait for time. */
  async step(): Promise<boolean> {
    const ready = [...this.#work.values()].filter((work) => this.#hasSeenOwnWrites(work));
    const { waiting } = this.view;
    const count = ready.length + waiting.length;
    if (count === 0) return false;
    const drawn = this.#chance.int(count);
    if (drawn < waiting.length) this.view.deliver(waiting[drawn]!);
    else await this.#reconcile(ready[drawn - waiting.length]!);
    return true;
  }

  /** Steps until nothing is left to do; throws when that takes too long: loops that fight never end. */
  async settle(mostSteps = 20_000): Promise<void> {
    for (let i = 0; await this.step(); i++)
      if (i > mostSteps) throw new Error(`not quiet after ${mostSteps} steps: ${[...this.#work.keys()].join(', ')}`);
  }

  /** The earliest appointment; the caller moves the model's clock there and calls `fire`. */
  get nextAt(): number | undefined {
    const times = [...this.#later.values()].map(({ at }) => at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  fire(): void {
    for (const [name, { work, at }] of this.#later) {
      if (at > this.#model.now()) continue;
      this.#later.delete(name);
      this.#work.set(name, work);
    }
  }

  /** Every key of every controller is looked at once more; returns how many of them wrote. */
  async reconcileAll(controllers: readonly Controller[]): Promise<number> {
    const before = this.writes;
    for (const controller of controllers)
      for (const watch of controller.watches)
        for (const object of this.view.list(watch.ref))
          for (const key of watch.keys(this.view, undefined, object)) this.wake(controller, key);
    await this.settle();
    return this.writes - before;
  }

  #hasSeenOwnWrites(work: Work): boolean {
    return (this.#waits.get(nameOf(work)) ?? []).every(({ ref, revision }) => this.view.revision(ref) >= revision);
  }

  async #reconcile(work: Work): Promise<void> {
    const name = nameOf(work);
    this.#work.delete(name);
    this.#waits.delete(name);
    this.reconciles++;
    const decided = work.controller.reconcile(this.view, work.key, this.#model.now());
    if (decided.againInMs !== undefined) {
      const at = this.#model.now() + decided.againInMs;
      const known = this.#later.get(name);
      if (known === undefined || known.at > at) this.#later.set(name, { work, at });
    }
    const waits: Wait[] = [];
    for (const action of decided.actions) {
      try {
        const done = await doAction(action, new Client(this.#transport()), this.#recorder(), {
          cause: { span: name, actor: work.controller.name },
        });
        if (action.type === 'event') continue;
        this.writes++;
        if (done.wrote !== undefined) waits.push({ ref: action.ref, revision: done.wrote.revision });
        this.afterWrite(action);
      } catch (error) {
        const isExpected =
          error instanceof TroubleError || isReason(error, 'Conflict', 'AlreadyExists', 'NotFound', 'Forbidden');
        if (!isExpected) throw error;
        // It may have been done: as the real runner, nothing is decided before the view would show it.
        if (error instanceof TroubleError && action.type !== 'event')
          waits.push({ ref: action.ref, revision: this.#model.revision });
        this.#work.set(name, work);
        break;
      }
    }
    this.#waits.set(name, waits);
  }

  #transport(): Transport {
    return {
      request: async (request) => {
        if (request.method === 'GET' || this.#chance.float() >= this.#faults) return this.#model.request(request);
        if (this.#chance.float() < 0.5) await this.#model.request(request);
        throw new TroubleError(`${request.method} ${request.path}: the answer was lost`);
      },
    };
  }

  #recorder(): EventRecorder {
    return { record: (record: EventRecord) => void this.events.push(record) } as unknown as EventRecorder;
  }
}

function nameOf({ controller, key }: Work): string {
  return `${controller.name}/${controller.kind}/${key.namespace}/${key.name}`;
}

/** Nodes that are ready, for tests that need somewhere to run. */
export function addNodes(model: ApiModel, names: readonly string[]): void {
  for (const name of names) {
    model.create(RESOURCES.nodes, { metadata: { name } });
    model.change<{ status?: object }>(
      RESOURCES.nodes,
      '',
      name,
      (node) => {
        node.status = {
          allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
          conditions: [{ type: 'Ready', status: 'True' }],
        };
      },
      'status',
    );
  }
}
