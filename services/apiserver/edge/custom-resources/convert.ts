// Does: has objects of custom resources converted by their webhook: many in one question, one question for whoever waits for the
// same. Never decides what of an answer is taken (lib/api/custom/conversion.ts does).
import { NeedsConversion } from '../../../../lib/api/custom/conversion.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { apiVersionOf } from '../../../../lib/api/resource.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ApiError, messageOf } from '../../../../lib/base/errors.ts';
import { listObjects } from '../../core/list-objects.ts';
import type { ListOptions } from '../../core/list-options.ts';
import type { ApiParts } from '../parts.ts';
import { postJson } from '../webhooks/call-webhook.ts';

/** Upstream's. */
const TIMEOUT_MS = 30_000;
/** Of one question: a webhook has its own bound of what it reads. */
const MOST_OBJECTS = 500;
/** What changes all the time is not waited for without end. */
const ATTEMPTS = 50;

/** Who waits for which object: many watchers ask for the same one at the same time. */
const UNDER_WAY = new WeakMap<KubeObject, Map<string, Promise<void>>>();

/** Throws ApiError when the webhook cannot be asked or its answer cannot be taken. */
export function convert(parts: ApiParts, needed: NeedsConversion): Promise<void> {
  const [object] = needed.objects;
  if (needed.objects.length !== 1 || object === undefined) return ask(parts, needed);
  const under = UNDER_WAY.get(object) ?? new Map<string, Promise<void>>();
  UNDER_WAY.set(object, under);
  const known = under.get(needed.apiVersion);
  if (known !== undefined) return known;
  const asked = ask(parts, needed).finally(() => under.delete(needed.apiVersion));
  under.set(needed.apiVersion, asked);
  return asked;
}

async function ask(parts: ApiParts, needed: NeedsConversion): Promise<void> {
  const { converter, objects, apiVersion, byText } = needed;
  for (let from = 0; from < objects.length; from += MOST_OBJECTS) {
    const some = new NeedsConversion(converter, objects.slice(from, from + MOST_OBJECTS), apiVersion, byText);
    const uid = parts.ctx.chance.uuid();
    const review = converter.review(some.objects, apiVersion, uid);
    let answer: unknown;
    try {
      answer = await postJson(parts.cache, converter.webhook.clientConfig, review, TIMEOUT_MS);
    } catch (error) {
      throw converter.failure(some, messageOf(error));
    }
    converter.accept(some, uid, answer);
  }
}

/** What `make` gives, once all that it needs is converted. */
export async function converting<T>(parts: ApiParts, make: () => T): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NeedsConversion)) throw error;
      await convert(parts, error);
    }
  }
  throw new ApiError(
    'ServiceUnavailable',
    `objects changed ${ATTEMPTS} times while they were converted; please try again`,
  );
}

export interface Listed {
  kind: Kind;
  stream: string;
  namespace: string;
  options: ListOptions;
}

/** As `converting`, of a list: its objects are converted together. */
export async function convertingList<T>(parts: ApiParts, listed: Listed, make: () => T): Promise<T> {
  const { kind } = listed;
  if (kind.storedAs?.converter === undefined) return make();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NeedsConversion)) throw error;
      const apiVersion = apiVersionOf(kind.ref);
      const missing = error.converter.missing(storedOf(parts, listed), apiVersion);
      await convert(
        parts,
        missing.length === 0 ? error : new NeedsConversion(error.converter, missing, apiVersion, false),
      );
    }
  }
  throw new ApiError(
    'ServiceUnavailable',
    `objects changed ${ATTEMPTS} times while they were converted; please try again`,
  );
}

/** The objects that the list looks at, as they are kept: a selector of fields has to look at all. */
function* storedOf(parts: ApiParts, { kind, stream, namespace, options }: Listed): Generator<KubeObject> {
  const asStored: Kind = { ...kind, storedAs: undefined };
  const own = options.fields.filter(({ field }) => field.startsWith('metadata.'));
  const whole = own.length === options.fields.length ? {} : { limit: 0, fields: own };
  for (const item of listObjects(parts.cache, asStored, stream, namespace, { ...options, ...whole }).items)
    yield item.object;
}
