// Decides which kinds and parts of kinds this API serves: the built-in ones whose promise somebody keeps, and those of
// established CRDs. Never changes what a kind is.
import { customKinds } from '../../../lib/api/custom/custom-kind.ts';
import { equalJson } from '../../../lib/api/equality.ts';
import { KINDS, type Kind } from '../../../lib/api/kind.ts';
import { isEstablished } from '../../../lib/api/kinds/custom-resource-definition.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { ClusterCache } from './cache/cluster-cache.ts';
import { streamOf } from './storage-key.ts';

export const CUSTOM_RESOURCE_DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';

/** Told by kubelets while nobody else tells it: an APIService may name another server for it. */
const METRICS = 'metrics.k8s.io';

/** Objects of these groups would be stored and then obeyed by nobody: that looks like safety and is none. */
const UNSERVED_GROUPS = new Set(['internal.apiserver.k8s.io', 'resource.k8s.io', 'storagemigration.k8s.io']);
const UNSERVED_RESOURCES = new Set(['clustertrustbundles', 'podcertificaterequests']);
const SERVED_SUBRESOURCES = new Set([
  'status',
  'scale',
  'finalize',
  'binding',
  'eviction',
  'token',
  'log',
  'exec',
  'attach',
  'portforward',
  'proxy',
  'ephemeralcontainers',
  'resize',
  'approval',
]);

function isServed(kind: Kind): boolean {
  const { group, version, resource } = kind.ref;
  return (
    (/^v\d+$/.test(version) || group === METRICS) && !UNSERVED_GROUPS.has(group) && !UNSERVED_RESOURCES.has(resource)
  );
}

const BUILT_IN: readonly Kind[] = KINDS.filter(isServed).map((kind) => ({
  ...kind,
  subresources: Object.fromEntries(Object.entries(kind.subresources).filter(([name]) => SERVED_SUBRESOURCES.has(name))),
}));

/** What is served at one moment; a new one is made when that changes, so that documents may be kept by it. */
export class KindTable {
  readonly kinds: readonly Kind[];
  readonly #byPath: ReadonlyMap<string, Kind>;
  readonly #groupVersions: ReadonlySet<string>;

  constructor(kinds: readonly Kind[]) {
    this.kinds = kinds;
    this.#byPath = new Map(kinds.map((kind) => [`${kind.ref.group}/${kind.ref.version}/${kind.ref.resource}`, kind]));
    this.#groupVersions = new Set(kinds.map((kind) => `${kind.ref.group}/${kind.ref.version}`));
  }

  find(group: string, version: string, resource: string): Kind | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  get groupVersions(): Array<{ group: string; version: string }> {
    const all = new Map(this.kinds.map(({ ref }) => [`${ref.group}/${ref.version}`, ref]));
    return [...all.values()].map(({ group, version }) => ({ group, version }));
  }

  servesGroupVersion(group: string, version: string): boolean {
    return this.#groupVersions.has(`${group}/${version}`);
  }
}

const BUILT_IN_TABLE = new KindTable(BUILT_IN);

/** Served from the beginning, and by nobody else. */
export const isBuiltIn = (group: string, version: string): boolean =>
  group !== METRICS && BUILT_IN_TABLE.servesGroupVersion(group, version);

interface Known {
  spec: unknown;
  kinds: Kind[];
}

/** The kinds of this moment: CRDs are read from the cache, and built anew only when theirs has changed. */
export class ServedKinds {
  readonly #cache: ClusterCache;
  #known = new Map<string, Known>();
  #revision = -1;
  #table: KindTable = BUILT_IN_TABLE;

  constructor(cache: ClusterCache) {
    this.#cache = cache;
  }

  get table(): KindTable {
    const definitions = this.#cache.resource(CUSTOM_RESOURCE_DEFINITIONS);
    if (definitions.lastRevision !== this.#revision) {
      this.#revision = definitions.lastRevision;
      this.#rebuild([...this.#cache.list(CUSTOM_RESOURCE_DEFINITIONS)].map((item) => item.object));
    }
    return this.#table;
  }

  find(group: string, version: string, resource: string): Kind | undefined {
    return this.table.find(group, version, resource);
  }

  #rebuild(definitions: readonly KubeObject[]): void {
    const known = new Map<string, Known>();
    let changed = false;
    for (const definition of definitions.filter(isEstablished)) {
      const { name } = definition.metadata;
      const before = this.#known.get(name);
      const same = before !== undefined && equalJson(before.spec, definition['spec']);
      known.set(name, same ? before : { spec: definition['spec'], kinds: customKinds(definition) });
      changed ||= !same;
    }
    changed ||= known.size !== this.#known.size;
    this.#known = known;
    if (!changed) return;
    const custom = [...known.values()].flatMap(({ kinds }) => kinds);
    this.#table = custom.length === 0 ? BUILT_IN_TABLE : new KindTable([...BUILT_IN, ...custom.filter(isFree)]);
  }
}

/** A CRD cannot take the place of a built-in kind. */
const isFree = ({ ref }: Kind): boolean => BUILT_IN_TABLE.find(ref.group, ref.version, ref.resource) === undefined;

/** Under which name a kind's objects are kept: several versions, and two groups' events, are the same objects. */
export function streamOfKind(kind: Kind): string {
  const { group, resource } = kind.storedAs ?? kind.ref;
  return streamOf(group, resource);
}

export const isCustom = (kind: Pick<Kind, 'typeName'>): boolean => typeof kind.typeName !== 'string';

/** Of a custom resource: what its definition has is known, also when nobody is served it. */
export function unservedVersion(view: ClusterCache, kind: Kind, apiVersion: string): Kind | undefined {
  if (!isCustom(kind)) return undefined;
  const { group, resource } = kind.ref;
  const definition = view.get({ stream: CUSTOM_RESOURCE_DEFINITIONS, namespace: '', name: `${resource}.${group}` });
  if (definition === undefined) return undefined;
  const every = customKinds(definition.object, () => true);
  return every.find(({ ref }) => `${ref.group}/${ref.version}` === apiVersion);
}
