// Decides which objects a list returns, of which revision, and where the next page begins. Never waits for freshness:
// the edge has seen to it that the cache is new enough.
import type { Kind } from '../../../lib/api/kind.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import type { CachedObject } from './cache/cached-object.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';
import type { OrderedMap } from './cache/ordered-map.ts';
import type { ResourceCache } from './cache/resource-cache.ts';
import { viewAs } from './cache/view-as.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { fieldValue, matcherOf, revisionOf, type ListOptions } from './list-options.ts';
import { localKey } from './storage-key.ts';

export interface Page {
  items: CachedObject[];
  /** Revision of the whole list. */
  revision: number;
  continue: string;
  /** How many follow; undefined when a selector makes it unknown. */
  remaining: number | undefined;
}

/** Where a list looks. */
export interface Listed {
  cache: ClusterCache;
  kind: Kind;
  stream: string;
  /** '' : all */
  namespace: string;
  options: ListOptions;
}

export function listObjects(
  cache: ClusterCache,
  kind: Kind,
  stream: string,
  namespace: string,
  options: ListOptions,
): Page {
  const steps = listing({ cache, kind, stream, namespace, options });
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * The resourceVersion that the cache must have reached: a page may have been begun by another API actor, which was ahead;
 * and one that goes on in the newest state means all that is acknowledged.
 */
export function freshnessOf({ continue: text, resourceVersion }: ListOptions): string {
  if (text === '') return resourceVersion;
  const { revision } = decodeContinue(text);
  return revision < 0 ? '' : String(revision);
}

/** The same in steps: whoever drives it may do other things in between, the state that is listed does not change. */
export function* listing(listed: Listed): Generator<undefined, Page> {
  const { cache, stream, options } = listed;
  const resource = cache.resource(stream);
  const token = options.continue === '' ? undefined : decodeContinue(options.continue);
  const after = token?.after ?? '';
  // -1: goes on in the newest state, since the one it began with is forgotten.
  const revision = (token === undefined ? exactRevision(options) : token.revision) ?? -1;
  const isNewest = revision < 0;
  const state = isNewest ? resource.objects : stateAt(cache, resource, revision, after);
  const page = { resource, state, revision: isNewest ? cache.revision : revision, after };
  const candidates = state === resource.objects ? byIndex(resource, listed) : undefined;
  return yield* pageOf(page, listed, candidates);
}

/** Undefined: the newest. With a limit a plain revision is meant exactly, as upstream's table of semantics has it. */
function exactRevision({ match, limit, resourceVersion }: ListOptions): number | undefined {
  const isExact = match === 'Exact' || (match === '' && limit > 0);
  const revision = revisionOf(resourceVersion);
  return isExact && revision > 0 ? revision : undefined;
}

/** Throws 410 when that state is forgotten; a list in pages gets a token to go on with in the newest state. */
function stateAt(
  cache: ClusterCache,
  resource: ResourceCache,
  revision: number,
  after: string,
): OrderedMap<CachedObject> {
  const isKnown = revision >= cache.oldestState && revision <= cache.revision;
  const state = isKnown ? resource.at(revision) : undefined;
  if (state !== undefined) return state;
  if (after === '') throw new ApiError('Expired', 'The resourceVersion for the provided list is too old.');
  const fresh = encodeContinue({ revision: -1, after });
  throw new ExpiredListError(fresh);
}

/** Carries the token that the Status has in `metadata.continue`. */
class ExpiredListError extends ApiError {
  readonly continue: string;

  constructor(token: string) {
    super(
      'Expired',
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    );
    this.continue = token;
  }

  override toStatus(): ReturnType<ApiError['toStatus']> {
    return { ...super.toStatus(), metadata: { continue: this.continue } };
  }
}

interface PageStart {
  resource: ResourceCache;
  state: OrderedMap<CachedObject>;
  revision: number;
  /** '' : from the beginning. */
  after: string;
}

function* pageOf(
  { resource, state, revision, after }: PageStart,
  { kind, namespace, options }: Listed,
  candidates: readonly CachedObject[] | undefined,
): Generator<undefined, Page> {
  const matches = matcherOf(options, kind);
  const prefix = prefixOf(namespace);
  const from = after === '' ? prefix : `${after}\u0000`;
  const isSelecting = options.labels.length + options.fields.length > 0;
  const items: CachedObject[] = [];
  const inPlace = ({ key }: CachedObject): boolean => key >= from && key.startsWith(prefix);
  for (const slice of candidates === undefined ? state.slices(prefix, from) : [candidates.filter(inPlace)]) {
    for (const stored of slice) {
      const item = viewAs(kind, stored);
      if (!matches(item.object)) continue;
      if (options.limit > 0 && items.length === options.limit) {
        resource.remember(revision, state);
        const last = items.at(-1)!.key;
        const remaining = isSelecting ? undefined : state.count(prefix, `${last}\u0000`);
        return { items, revision, continue: encodeContinue({ revision, after: last }), remaining };
      }
      items.push(item);
    }
    // A slice is some hundred objects, some tenths of a millisecond.
    if (candidates === undefined) yield;
  }
  return { items, revision, continue: '', remaining: undefined };
}

const prefixOf = (namespace: string): string => (namespace === '' ? '' : `${namespace}/`);

/** An index gives its objects out of order: sorting many costs more than looking at all. */
const WORTH_SORTING = 8;

/** Objects by an index, when the selector names what an index knows; undefined: scan. */
function byIndex(resource: ResourceCache, { kind, namespace, options }: Listed): CachedObject[] | undefined {
  const name = fieldValue(options, 'metadata.name');
  if (name !== '') {
    const namespaces = namespace !== '' || !kind.ref.namespaced ? [namespace] : namespacesOf(resource.objects);
    return [...namespaces].flatMap((each) => resource.get(localKey(each, name)) ?? []);
  }
  let [best, fewest] = [undefined as string[] | undefined, Infinity];
  for (const terms of termsOf(resource, options)) {
    const count = resource.indexedCount(terms);
    if (count < fewest) [best, fewest] = [terms, count];
  }
  const all = resource.objects.count(prefixOf(namespace));
  return best === undefined || fewest * WORTH_SORTING > all ? undefined : resource.indexedAny(best);
}

/** From one to the next, without looking at what is in them. */
function* namespacesOf(objects: OrderedMap<CachedObject>): Generator<string> {
  for (let key = objects.keyFrom(''); key !== undefined;) {
    const namespace = key.slice(0, key.indexOf('/'));
    yield namespace;
    key = objects.keyFrom(`${namespace}/\uffff`);
  }
}

/** Each entry: terms of which every object of the list has one. */
function* termsOf(resource: ResourceCache, options: ListOptions): Generator<string[]> {
  for (const { operator, key, values } of options.labels)
    if (operator === '=' || operator === 'in') yield values.map((value) => `label=${key}=${value}`);
    else if (operator === 'exists' || operator === 'gt' || operator === 'lt') yield [`labelled=${key}`];
  const node = fieldValue(options, 'spec.nodeName');
  if (node !== '' && resource.stream === 'core/pods') yield [`node=${node}`];
}
