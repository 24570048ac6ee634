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

export interface Page {
  items: CachedObject[];
  /** Revision of the whole list. */
  revision: number;
  continue: string;
  /** How many follow; undefined when a selector makes it unknown. */
  remaining: number | undefined;
}

export function listObjects(
  cache: ClusterCache,
  kind: Kind,
  stream: string,
  namespace: string,
  options: ListOptions,
): Page {
  const resource = cache.resource(stream);
  if (options.continue !== '') return nextPage(cache, resource, kind, namespace, options);
  if (options.match === 'Exact') {
    const revision = revisionOf(options.resourceVersion);
    return pageOf(resource, stateAt(cache, resource, revision, ''), revision, '', kind, namespace, options);
  }
  const candidates = options.limit === 0 ? byIndex(resource, kind, namespace, options) : undefined;
  if (candidates !== undefined) {
    const matches = matcherOf(options, kind);
    const items = candidates
      .filter((item) => namespace === '' || item.namespace === namespace)
      .map((item) => viewAs(kind, item))
      .filter((item) => matches(item.object));
    return { items, revision: cache.revision, continue: '', remaining: undefined };
  }
  return pageOf(resource, resource.objects, cache.revision, '', kind, namespace, options);
}

function nextPage(
  cache: ClusterCache,
  resource: ResourceCache,
  kind: Kind,
  namespace: string,
  options: ListOptions,
): Page {
  const token = decodeContinue(options.continue);
  if (token.revision < 0)
    return pageOf(resource, resource.objects, cache.revision, token.after, kind, namespace, options);
  const state = stateAt(cache, resource, token.revision, token.after);
  return pageOf(resource, state, token.revision, token.after, kind, namespace, options);
}

/** Throws 410 when that state is forgotten; a list in pages gets a token to go on with in the newest state. */
function stateAt(
  cache: ClusterCache,
  resource: ResourceCache,
  revision: number,
  after: string,
): OrderedMap<CachedObject> {
  const state = revision > cache.revision ? undefined : resource.at(revision);
  if (state !== undefined) return state;
  if (after === '')
    throw new ApiError(
      'Expired',
      `The resourceVersion for the provided list is too old or unknown: ${revision} (known: ${resource.floor} to ${cache.revision}).`,
    );
  const fresh = encodeContinue({ revision: -1, after });
  throw new ExpiredListError(fresh);
}

/** Carries the token that the Status has in `metadata.continue`. */
export class ExpiredListError extends ApiError {
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

function pageOf(
  resource: ResourceCache,
  state: OrderedMap<CachedObject>,
  revision: number,
  after: string,
  kind: Kind,
  namespace: string,
  options: ListOptions,
): Page {
  const matches = matcherOf(options, kind);
  const prefix = namespace === '' ? '' : `${namespace}/`;
  const items: CachedObject[] = [];
  let remaining = 0;
  const isSelecting = options.labels.length + options.fields.length > 0;
  for (const [, stored] of state.range(prefix, after === '' ? prefix : `${after}\u0000`)) {
    const item = viewAs(kind, stored);
    if (options.limit > 0 && items.length === options.limit) {
      remaining++;
      if (isSelecting) break;
    } else if (matches(item.object)) items.push(item);
  }
  if (remaining === 0) return { items, revision, continue: '', remaining: undefined };
  resource.remember(revision, state);
  const token = encodeContinue({ revision, after: items.at(-1)!.key });
  return { items, revision, continue: token, remaining: isSelecting ? undefined : remaining };
}

/** Objects by an index, when the selector names what an index knows; undefined: scan. */
function byIndex(
  resource: ResourceCache,
  kind: Kind,
  namespace: string,
  options: ListOptions,
): CachedObject[] | undefined {
  const name = fieldValue(options, 'metadata.name');
  if (name !== '' && (namespace !== '' || !kind.ref.namespaced)) {
    const found = resource.get(`${namespace}/${name}`);
    return found === undefined ? [] : [found];
  }
  const node = fieldValue(options, 'spec.nodeName');
  const terms = options.labels
    .filter((requirement) => requirement.operator === '=')
    .map((requirement) => `label=${requirement.key}=${requirement.values[0]}`);
  if (node !== '' && resource.stream === 'core/pods') terms.push(`node=${node}`);
  return terms.length === 0 ? undefined : resource.indexed(terms);
}
