// Decides how a watch begins: from which revision, with which initial objects, until when. Never sends anything.
import type { NeedsConversion } from '../../../lib/api/custom/conversion.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { IncludeObject } from '../../../lib/api/table.ts';
import type { Chance } from '../../../lib/base/chance.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { WatchScope } from '../core/cache/watch-hub.ts';
import { listing, listObjects } from '../core/list-objects.ts';
import { fieldValue, matcherOf, revisionOf, type ListOptions } from '../core/list-options.ts';
import type { Form } from '../core/media-type.ts';

export interface WatchPlan {
  kind: Kind;
  scope: WatchScope;
  matches: (object: KubeObject) => boolean;
  /** Has an event's object converted by a webhook; present where that may be needed. */
  convert?: (needed: NeedsConversion) => Promise<void>;
  /** Fields that only a converted object has: who is in sight is known by what was sent. */
  sieve?: Sieve;
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

export interface Sieve {
  matches: (object: KubeObject) => boolean;
  /** Keys of the objects that the client knows. */
  inSight: Set<string>;
}

export interface WatchTarget {
  kind: Kind;
  stream: string;
  namespace: string;
  name: string;
}

export function planWatch(...wanted: Parameters<typeof planning>): WatchPlan {
  const steps = planning(...wanted);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** In steps, as the list of the initial objects is. */
export function* planning(
  cache: ClusterCache,
  target: WatchTarget,
  options: ListOptions,
  form: Form,
  include: IncludeObject,
  chance: Chance,
): Generator<undefined, WatchPlan> {
  const { kind, stream, namespace } = target;
  const name = target.name === '' ? fieldValue(options, 'metadata.name') : target.name;
  const named = options.fields.some((field) => field.field === 'metadata.name')
    ? options
    : {
        ...options,
        fields: [...options.fields, ...(name === '' ? [] : [{ field: 'metadata.name', equals: true, value: name }])],
      };
  const revision = revisionOf(options.resourceVersion);
  const wantsInitial = options.sendInitialEvents ?? revision === 0;
  const all = { ...named, limit: 0, continue: '', resourceVersion: '', match: '' as const };
  const now = cache.revision;
  const page = wantsInitial ? yield* listing({ cache, kind, stream, namespace, options: all }) : undefined;
  const sieve = sieveOf(cache, target, named, page?.items);
  return {
    kind,
    ...(sieve === undefined ? {} : { sieve }),
    scope: { stream, namespace, name, node: stream === 'core/pods' ? fieldValue(options, 'spec.nodeName') : '' },
    matches: storedMatcher(named, kind),
    initial: page?.items ?? [],
    from: page?.revision ?? (revision === 0 ? now : revision),
    endsInitial: options.sendInitialEvents === true,
    bookmarks: options.allowBookmarks,
    // Upstream's default: between 30 and 60 minutes, spread so that clients do not all come back at once.
    timeoutSeconds: options.timeoutSeconds > 0 ? options.timeoutSeconds : 1800 + chance.int(1800),
    form,
    include,
  };
}

/** Events hold the stored form; fields are of the form that was asked for. Labels and names are the same in both. */
function storedMatcher(options: ListOptions, kind: Kind): (object: KubeObject) => boolean {
  const { storedAs } = kind;
  const plain = options.fields.filter(isPlainField);
  const isPlain = plain.length === options.fields.length;
  const matches = matcherOf(storedAs?.converter === undefined ? options : { ...options, fields: plain }, kind);
  if (storedAs?.converter !== undefined) return matches;
  return storedAs === undefined || isPlain ? matches : (object) => matches(storedAs.fromStored(object));
}

const isPlainField = ({ field }: { field: string }): boolean => field.startsWith('metadata.');

/** An event does not wait for a webhook to be passed on, so that who may see it is decided after its conversion. */
function sieveOf(
  cache: ClusterCache,
  { kind, stream, namespace }: WatchTarget,
  options: ListOptions,
  initial: readonly CachedObject[] | undefined,
): Sieve | undefined {
  const fields = options.fields.filter((field) => !isPlainField(field));
  if (kind.storedAs?.converter === undefined || fields.length === 0) return undefined;
  const before = { ...options, limit: 0, continue: '', match: 'Exact' as const };
  // What is sent first comes in sight by that.
  const known = initial === undefined ? listObjects(cache, kind, stream, namespace, before).items : [];
  return { matches: matcherOf({ labels: [], fields }, kind), inSight: new Set(known.map(({ key }) => key)) };
}
