// Decides how a watch begins: from which revision, with which initial objects, until when. Never sends anything.
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { IncludeObject } from '../../../lib/api/table.ts';
import type { Chance } from '../../../lib/base/chance.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { WatchScope } from '../core/cache/watch-hub.ts';
import { listObjects } from '../core/list-objects.ts';
import { fieldValue, matcherOf, revisionOf, type ListOptions } from '../core/list-options.ts';
import type { Form } from '../core/media-type.ts';

export interface WatchPlan {
  kind: Kind;
  scope: WatchScope;
  matches: (object: KubeObject) => boolean;
  /** Objects that are sent as ADDED first. */
  initial: CachedObject[];
  /** What comes after this revision follows. */
  from: number;
  /** The initial objects end with a bookmark that says so. */
  endsInitial: boolean;
  bookmarks: boolean;
  timeoutSeconds: number;
  form: Form;
  include: IncludeObject;
}

export interface WatchTarget {
  kind: Kind;
  stream: string;
  namespace: string;
  name: string;
}

export function planWatch(
  cache: ClusterCache,
  target: WatchTarget,
  options: ListOptions,
  form: Form,
  include: IncludeObject,
  chance: Chance,
): WatchPlan {
  const { kind, stream, namespace } = target;
  const name = target.name === '' ? fieldValue(options, 'metadata.name') : target.name;
  const named = options.fields.some((field) => field.field === 'metadata.name')
    ? options
    : {
        ...options,
        fields: [...options.fields, ...(name === '' ? [] : [{ field: 'metadata.name', equals: true, value: name }])],
      };
  const revision = revisionOf(options.resourceVersion);
  const wantsInitial = options.sendInitialEvents || revision === 0;
  const all = { ...named, limit: 0, continue: '', resourceVersion: '', match: '' as const };
  const page = wantsInitial ? listObjects(cache, kind, stream, namespace, all) : undefined;
  return {
    kind,
    scope: { stream, namespace, name, node: stream === 'core/pods' ? fieldValue(options, 'spec.nodeName') : '' },
    matches: storedMatcher(named, kind),
    initial: page?.items ?? [],
    from: page?.revision ?? revision,
    endsInitial: options.sendInitialEvents,
    bookmarks: options.allowBookmarks,
    // Upstream's default: between 30 and 60 minutes, spread so that clients do not all come back at once.
    timeoutSeconds: options.timeoutSeconds > 0 ? options.timeoutSeconds : 1800 + chance.int(1800),
    form,
    include,
  };
}

/** Events hold the stored form; fields are of the form that was asked for. Labels and names are the same in both. */
function storedMatcher(options: ListOptions, kind: Kind): (object: KubeObject) => boolean {
  const matches = matcherOf(options, kind);
  const { storedAs } = kind;
  const isPlain = options.fields.every(({ field }) => field.startsWith('metadata.'));
  return storedAs === undefined || isPlain ? matches : (object) => matches(storedAs.fromStored(object));
}
