// Does: lets a plan be made that waits for answers of webhooks: asks what it needs, keeps what was said, plans again. Never
// decides what to ask.
import { NeedsConversion } from '../../../../lib/api/custom/conversion.ts';
import { messageOf } from '../../../../lib/base/errors.ts';
import type { Chance } from '../../../../lib/base/chance.ts';
import type { Clock } from '../../../../lib/base/clock.ts';
import { NeedsAnswer, type Question, type WebhookAnswer, type WebhookCall } from '../../core/admission/webhooks.ts';
import { convert } from '../custom-resources/convert.ts';
import { patchText, reviewProblem } from '../../core/admission/webhook-response.ts';
import type { ApiParts } from '../parts.ts';
import { postJson } from './call-webhook.ts';

/** A plan that still asks after so many answers would do so for ever. */
const MOST_QUESTIONS = 200;

/** The answers of one request, its chance and its time: names, uids and times are the same in each plan, or each would be asked about anew. */
export class Answers {
  readonly #known = new Map<string, WebhookAnswer>();
  readonly #drawn: unknown[] = [];
  #next = 0;
  #now: number | undefined;
  /** For how long the request waited for others. */
  waitedMs = 0;

  ask = (key: string, call: WebhookCall): WebhookAnswer => {
    const known = this.#known.get(key);
    if (known === undefined) throw new NeedsAnswer([{ key, call }]);
    return known;
  };

  /** When the first plan was made. */
  timeOf(clock: Clock): number {
    return (this.#now ??= clock.now());
  }

  /** The same draws in the same order, then new ones. */
  replaying(chance: Chance): Chance {
    this.#next = 0;
    const draw =
      <Args extends unknown[], T>(from: (...args: Args) => T) =>
      (...args: Args): T => {
        const at = this.#next++;
        if (at >= this.#drawn.length) this.#drawn.push(from(...args));
        return this.#drawn[at] as T;
      };
    return new Proxy(chance, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? draw((value as (...args: unknown[]) => unknown).bind(target)) : value;
      },
    });
  }

  /** Makes the plan; waits only when it needs an answer. */
  plan<T>(parts: ApiParts, make: () => T): T | Promise<T> {
    try {
      return make();
    } catch (error) {
      if (!isQuestion(error)) throw error;
      return this.#planLater(parts, make, error);
    }
  }

  async #learn(parts: ApiParts, { key, call }: Question): Promise<void> {
    this.#known.set(key, await answer(parts, call));
  }

  async #planLater<T>(parts: ApiParts, make: () => T, first: Needed): Promise<T> {
    let needed = first;
    for (let i = 0; i < MOST_QUESTIONS; i++) {
      const began = parts.ctx.clock.monotonic();
      if (needed instanceof NeedsAnswer) await Promise.all(needed.questions.map((one) => this.#learn(parts, one)));
      else await convert(parts, needed);
      this.waitedMs += parts.ctx.clock.monotonic() - began;
      try {
        return make();
      } catch (error) {
        if (!isQuestion(error)) throw error;
        needed = error;
      }
    }
    throw new Error(`the plan asked ${MOST_QUESTIONS} questions and was not done`);
  }
}

type Needed = NeedsAnswer | NeedsConversion;
const isQuestion = (error: unknown): error is Needed =>
  error instanceof NeedsAnswer || error instanceof NeedsConversion;

async function answer(parts: ApiParts, call: WebhookCall): Promise<WebhookAnswer> {
  const uid = parts.ctx.chance.uuid();
  const apiVersion = `admission.k8s.io/${call.version}`;
  try {
    const review = await postJson(
      parts.cache,
      call.clientConfig,
      { apiVersion, kind: 'AdmissionReview', request: { uid, ...call.request } },
      call.timeoutSeconds * 1000,
    );
    return answerIn(review, apiVersion, uid);
  } catch (error) {
    return { failure: `failed to call webhook: ${messageOf(error)}` };
  }
}

/** Once it was read. */
interface Review {
  apiVersion?: string;
  kind?: string;
  response?: { uid?: string; allowed?: boolean; patch?: unknown; patchType?: string } | null;
}

/** v1beta1 had no need to name the request, nor the type of its patch. */
function answerIn(review: unknown, apiVersion: string, uid: string): WebhookAnswer {
  const misread = reviewProblem(review, apiVersion);
  if (misread !== undefined) return { failure: `failed to call webhook: ${misread}` };
  const invalid = (why: string): WebhookAnswer => ({ failure: `received invalid webhook response: ${why}` });
  const { response, ...type } = (review ?? {}) as Review;
  if ((response ?? undefined) === undefined) return invalid('webhook response was absent');
  const { uid: ofRequest = '', allowed, ...said } = response!;
  const isOld = apiVersion.endsWith('/v1beta1');
  if (!isOld && ofRequest !== uid)
    return invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(ofRequest)}`);
  if (type.apiVersion !== apiVersion || type.kind !== 'AdmissionReview')
    return invalid(
      `expected webhook response of ${apiVersion}, Kind=AdmissionReview, got ${type.apiVersion ?? ''}, Kind=${type.kind ?? ''}`,
    );
  const patch = patchText(said.patch);
  const patchType = said.patchType ?? (isOld && patch !== undefined ? 'JSONPatch' : undefined);
  return { ...said, patch, patchType, allowed: allowed === true } as WebhookAnswer;
}
