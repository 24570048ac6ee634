// Does: carries out a planned write: plan on the cache, compare-and-swap in the store, plan again when the world has
// moved; one span for each. Never decides what is written.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { OpenSpan } from '../../../lib/actor/tracer.ts';
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import type { Cause, RequestTrace } from '../../../lib/bus/messages.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import { textOf, type Plan } from '../core/pipeline/plan.ts';
import type { User } from '../core/auth/user.ts';
import type { RequestStory } from '../core/request-story.ts';
import type { Freshness } from './freshness.ts';
import { EventLeases } from './event-leases.ts';
import type { StoreClient } from './store-client.ts';
import { Turns } from './turns.ts';

export interface WriteJob {
  verb: string;
  kind: Kind;
  namespace: string;
  name: string;
  subresource: string;
  user: User;
  cause: Cause | undefined;
  story?: RequestStory | undefined;
  dryRun: boolean;
  /** Throws ApiError to refuse. Called again when the cache was too old. */
  plan: () => Plan | Promise<Plan>;
  /** Those of the same turn are done one after the other. */
  turn?: string;
}

interface Done {
  plan: Plan;
  /** 0: nothing was written. */
  revision: number;
  /** How often another's write came between. */
  conflicts: number;
}

export interface Written {
  code: number;
  body: unknown;
  /** The body, where it is at hand as JSON. */
  text?: Uint8Array | undefined;
  revision: number;
}

const ATTEMPTS = 10;
/** Refusals that say nothing about the state of the cluster: a fresher cache would not change them. */
const STATELESS = new Set(['BadRequest', 'UnsupportedMediaType', 'RequestEntityTooLarge', 'NotAcceptable']);

export class Writer {
  readonly #ctx: ActorContext;
  readonly #store: StoreClient;
  readonly #freshness: Freshness;
  readonly #turns = new Turns();
  readonly #eventLeases: EventLeases;

  constructor(ctx: ActorContext, store: StoreClient, freshness: Freshness) {
    this.#ctx = ctx;
    this.#store = store;
    this.#freshness = freshness;
    this.#eventLeases = new EventLeases(ctx, store);
  }

  async write(job: WriteJob): Promise<Written> {
    const span = this.#ctx.tracer.start({
      verb: 'request',
      kind: job.kind.ref.kind,
      namespace: job.namespace,
      name: job.name,
      revisions: job.cause?.revisions ?? [],
      parent: job.cause?.span,
    });
    const what = `${job.verb} ${job.kind.ref.resource}${job.subresource === '' ? '' : `/${job.subresource}`}`;
    const saw = `${job.user.name} asks to ${what}`;
    this.#mark(job, 'decode');
    if (job.story !== undefined) job.story.isTold = true;
    try {
      const done = await this.#inTurn(job, job.cause ?? span.cause);
      this.#endWell(span, job, done, saw);
      const { plan, revision } = done;
      return { code: plan.code, body: plan.answer(revision), text: textOf(plan, revision), revision };
    } catch (error) {
      const isRefusal = error instanceof ApiError;
      span.end({
        outcome: isRefusal && error.code < 500 ? 'refused' : 'failed',
        saw,
        why: whyOf(job, error),
        ...traceOf(job),
      });
      throw error;
    }
  }

  /** Creations do not wait: whoever comes second is told so at once. */
  async #inTurn(job: WriteJob, cause: Cause): Promise<Done> {
    const arrived = this.#ctx.clock.monotonic();
    const { resource, group } = job.kind.ref;
    if (job.turn === undefined && job.verb === 'create' && job.subresource === '') return this.#carryOut(job, cause);
    return this.#turns.take(job.turn ?? `${group}/${resource}/${job.namespace}/${job.name}`, async (release) => {
      const inVain = this.#store.gaveUpSince(arrived);
      if (inVain !== undefined) throw inVain;
      const done = await this.#carryOut(job, cause);
      // The next one plans on what this one wrote.
      release(this.#freshness.reached(done.revision));
      return done;
    });
  }

  async #carryOut(job: WriteJob, cause: Cause): Promise<Done> {
    let deadline = this.#ctx.clock.monotonic() + LIMITS.writeTimeoutMs;
    let isFresh = false;
    let conflicts = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#mark(job, 'wait');
      const planned = tryPlan(job);
      const plan = planned instanceof Promise ? await planned : planned;
      this.#mark(job, 'plan');
      // Webhooks have times of their own.
      if (planned instanceof Promise) deadline = this.#ctx.clock.monotonic() + LIMITS.writeTimeoutMs;
      const mustBeSure = plan instanceof ApiError || plan.verb === 'unchanged';
      if (mustBeSure && !isFresh && !(plan instanceof ApiError && STATELESS.has(plan.reason))) {
        await this.#freshen(deadline);
        isFresh = true;
        continue;
      }
      if (plan instanceof ApiError) throw plan;
      if (job.dryRun || plan.verb === 'unchanged') return { plan, revision: 0, conflicts };
      const leased = this.#eventLeases.attach(job.kind, plan.operations);
      const operations = leased instanceof Promise ? await leased : leased;
      const result = await this.#store.write({ compares: plan.compares, operations, cause }, deadline);
      this.#mark(job, 'store');
      if (result.ok) return { plan, revision: result.revision, conflicts };
      if (result.reason === 'no-lease') {
        this.#eventLeases.forget();
        continue;
      }
      if (result.reason !== 'conflict') throw refusedByStore(job, result.reason, result.message);
      conflicts++;
      await this.#freshen(deadline);
      isFresh = true;
    }
    throw new ApiError(
      'Conflict',
      `${job.verb} of ${job.kind.ref.resource} ${JSON.stringify(job.name)}: the object changed ${ATTEMPTS} times while this was tried; please try again`,
      { name: job.name, kind: job.kind.ref.resource },
    );
  }

  async #freshen(deadline: number): Promise<void> {
    const left = deadline - this.#ctx.clock.monotonic();
    try {
      await this.#freshness.newest(Math.max(1, left));
    } catch (error) {
      const why = `the write was not made: ${messageOf(error)}`;
      const refusal = new ApiError('ServiceUnavailable', why, { retryAfterSeconds: 1 }, { cause: error });
      this.#store.noteGivenUp(refusal);
      throw refusal;
    }
  }

  #endWell(span: OpenSpan, job: WriteJob, { plan, revision, conflicts }: Done, saw: string): void {
    const { namespace = '', name } = plan.object.metadata;
    const kind = job.kind.ref.kind;
    const isChange = revision !== 0;
    span.end({
      outcome: isChange ? 'changed' : 'unchanged',
      saw,
      did: isChange ? [`${plan.verb} ${kind} ${namespace === '' ? name : `${namespace}/${name}`}`] : [],
      ...(isChange ? {} : { why: job.dryRun ? 'dry run' : 'nothing would change' }),
      wrote: isChange ? [{ verb: plan.verb, kind, namespace, name, revision }] : [],
      conflicts,
      ...traceOf(job, plan, revision),
    });
  }

  #mark({ story }: WriteJob, stage: string): void {
    story?.mark(stage, this.#ctx.clock.monotonic());
  }
}

function traceOf(job: WriteJob, plan?: Plan, revision = 0): { request?: RequestTrace } {
  const { story, user, verb, kind, subresource } = job;
  if (story === undefined) return {};
  const { resource, group } = kind.ref;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  // What the plan compares first is the object itself: 0 where it must not be there yet.
  const before = plan?.compares[0]?.revision ?? Number(plan?.object.metadata.resourceVersion ?? 0);
  const { admission, stagesMs } = story;
  return {
    request: {
      user: user.name,
      verb,
      resource: subresource === '' ? qualified : `${qualified}/${subresource}`,
      ...(before > 0 ? { revisionBefore: before } : {}),
      ...(revision > 0 ? { revisionAfter: revision } : {}),
      ...(admission === undefined ? {} : { admission }),
      stagesMs,
    },
  };
}

function tryPlan(job: WriteJob): Plan | ApiError | Promise<Plan | ApiError> {
  try {
    const plan = job.plan();
    return plan instanceof Promise ? plan.catch(refusalOf) : plan;
  } catch (error) {
    return refusalOf(error);
  }
}

function refusalOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}

/** A full store is told as such (507); upstream's answer is a 500 with etcd's words. */
function refusedByStore(job: WriteJob, reason: string, message: string): ApiError {
  return new ApiError(
    'InternalError',
    `${job.verb} of ${job.kind.ref.resource} ${JSON.stringify(job.name)}: the store refused: ${message}`,
    undefined,
    reason === 'quota' ? { code: 507 } : {},
  );
}

/** Validation texts quote values: of a Secret only the reason is told. */
function whyOf(job: WriteJob, error: unknown): string {
  if (job.kind.ref.resource !== 'secrets') return messageOf(error);
  return error instanceof ApiError ? error.reason || 'refused' : 'failed';
}
