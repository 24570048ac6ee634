// Does: lets a plan be made that waits for answers of webhooks: asks what it needs, keeps what was said, plans again. Never
// decides what to ask.
import { NeedsConversion } from '../../../../lib/api/custom/conversion.ts';
import { messageOf } from '../../../../lib/base/errors.ts';
import type { Chance } from '../../../../lib/base/chance.ts';
import type { Clock } from '../../../../lib/base/clock.ts';
import { NeedsAnswer, type WebhookAnswer, type WebhookCall } from '../../core/admission/webhooks.ts';
import { convert } from '../custom-resources/convert.ts';
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

  ask = (key: string, call: WebhookCall): WebhookAnswer => {
    const known = this.#known.get(key);
    if (known === undefined) throw new NeedsAnswer(key, call);
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

  async #planLater<T>(parts: ApiParts, make: () => T, first: Question): Promise<T> {
    let needed = first;
    for (let i = 0; i < MOST_QUESTIONS; i++) {
      if (needed instanceof NeedsAnswer) this.#known.set(needed.key, await answer(parts, needed.call));
      else await convert(parts, needed);
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

type Question = NeedsAnswer | NeedsConversion;
const isQuestion = (error: unknown): error is Question =>
  error instanceof NeedsAnswer || error instanceof NeedsConversion;

async function answer(parts: ApiParts, call: WebhookCall): Promise<WebhookAnswer> {
  const uid = parts.ctx.chance.uuid();
  const apiVersion = `admission.k8s.io/${call.version}`;
  try {
    const review = (await postJson(
      parts.cache,
      call.clientConfig,
      { apiVersion, kind: 'AdmissionReview', request: { uid, ...call.request } },
      call.timeoutSeconds * 1000,
    )) as { apiVersion?: unknown; kind?: unknown; response?: { uid?: unknown; allowed?: unknown } } | null;
    const response = review?.response;
    if (review?.apiVersion !== apiVersion || review.kind !== 'AdmissionReview')
      return {
        failure: `expected webhook response of ${apiVersion}, Kind=AdmissionReview, got ${String(review?.apiVersion)}, Kind=${String(review?.kind)}`,
      };
    if (typeof response !== 'object' || response === null || typeof response.allowed !== 'boolean')
      return { failure: 'webhook response did not contain a response with `allowed`' };
    if (response.uid !== uid)
      return { failure: `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid)}` };
    return response as WebhookAnswer;
  } catch (error) {
    return { failure: messageOf(error) };
  }
}
