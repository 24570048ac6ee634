// Decides what a resource is to the API: its names, verbs, strategy, columns and field selectors, for every built-in kind.
// Never stores, authorizes or admits anything; never reads the clock (uid, time and generated names are the caller's).
import types from './generated/kubernetes-types.json' with { type: 'json' };
import { ageOf } from './age.ts';
import { cloneJson } from '../base/clone.ts';
import { zeroOfField } from './canonical.ts';
import { builtInColumns } from './columns.ts';
import { equalObjects } from './equality.ts';
import type { FieldError } from './field-error.ts';
import { BEHAVIOURS } from './kinds/index.ts';
import { checksOf, findingsOfNew, findingsOfUpdate } from './order-of-checks.ts';
import type { TypeName } from './custom/custom-type.ts';
import type { Column, KindBehaviour, KubeObject, NameRule, RowCondition, StoredForm } from './object.ts';
import type { ResourceRef } from './resource.ts';
import type { ScalePaths } from './scale.ts';

export interface Subresource {
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** One resource, built-in or custom. The order of a write is in lib/api/README.md. Functions change `object` in place, never `old`. */
export interface Kind {
  readonly ref: ResourceRef;
  readonly listKind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: Readonly<Record<string, Subresource>>;
  /** Name in the schema table (`apps.v1.Deployment`), or the type that a CRD brought. */
  readonly typeName: TypeName;
  readonly nameRule: NameRule;
  /** False for reviews, bindings and metrics: answered, never kept. */
  readonly stored: boolean;
  /** Undefined: kept as it is. */
  readonly storedAs: StoredForm | undefined;
  readonly scale: ScalePaths | undefined;
  /** Told to whoever uses it. */
  readonly deprecationWarning: string | undefined;
  readonly hasStatus: boolean;
  readonly hasGeneration: boolean;
  readonly allowsUnconditionalUpdate: boolean;
  readonly allowsCreateOnUpdate: boolean;
  /** A DELETE gives it time, and tells how much. */
  readonly endsWithGrace: boolean;
  readonly endsInSteps: boolean;
  readonly returnsDeletedObject: boolean;
  readonly columns: readonly Column[];
  /** Fills defaults; runs at every decode, also on read from the store. Idempotent. */
  default(object: KubeObject): void;
  /** All broken fields of a new object, metadata included. */
  validate(object: KubeObject): FieldError[];
  /** All broken fields of an update: those of the object, of its metadata's changes, and of forbidden changes. */
  validateUpdate(object: KubeObject, old: KubeObject): FieldError[];
  validateStatusUpdate(object: KubeObject, old: KubeObject, part?: 'status' | 'approval'): FieldError[];
  /** What its writer is to be told though it stands. */
  warnings(object: KubeObject): string[];
  /** Drops what clients may not set (status), sets generation. After uid, name and creationTimestamp were filled in. */
  prepareForCreate(object: KubeObject): void;
  /** Keeps status and server-owned metadata of `old`, bumps generation when anything but metadata and status changed. */
  prepareForUpdate(object: KubeObject, old: KubeObject): void;
  /** Keeps everything of `old` but status and what of metadata a status writer may touch. `time` is RFC 3339. */
  prepareForStatusUpdate(object: KubeObject, old: KubeObject, time: string, part?: 'status' | 'approval'): void;
  /** What a DELETE writes into an object that it does not take away at once. */
  prepareForDelete(object: KubeObject, time: string): void;
  /** Cells of a table row, in the order of `columns`; `now` in milliseconds. */
  cells(object: KubeObject, now: number): unknown[];
  readonly rowOrder: ((a: KubeObject, b: KubeObject) => number) | undefined;
  rowConditions(object: KubeObject): readonly RowCondition[] | undefined;
  /** Field selectors: label to value. */
  readonly fields: Readonly<Record<string, (object: KubeObject) => string>>;
  /** Seconds of grace that a DELETE gives this object; 0: it goes at once (finalizers apart). */
  graceSeconds(object: KubeObject, requestedSeconds: number | undefined): number;
}

/** Names and verbs of a kind, as the table has them. */
export interface KindRow {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames?: string[];
  categories?: string[];
  namespaced: boolean;
  type: TypeName;
  listKind?: string;
  verbs: string[];
  subresources?: Record<string, Subresource>;
}

/** Kinds whose metadata.generation counts spec changes (defaults.md). */
const COUNTS_GENERATION = new Set(
  `Pod Deployment ReplicaSet StatefulSet DaemonSet ReplicationController Job CronJob Ingress IngressClass NetworkPolicy
  PodDisruptionBudget EndpointSlice PriorityClass FlowSchema PriorityLevelConfiguration MutatingWebhookConfiguration
  ValidatingWebhookConfiguration MutatingAdmissionPolicy MutatingAdmissionPolicyBinding ValidatingAdmissionPolicy
  ValidatingAdmissionPolicyBinding CustomResourceDefinition ResourceSlice DeviceClass`.split(/\s+/),
);
/** Kinds whose PUT needs a resourceVersion. */
const NEEDS_RESOURCE_VERSION = new Set(
  `Lease APIService CustomResourceDefinition RuntimeClass PodDisruptionBudget ClusterTrustBundle CSIDriver CSINode
  CSIStorageCapacity VolumeAttachment MutatingWebhookConfiguration ValidatingWebhookConfiguration MutatingAdmissionPolicy
  MutatingAdmissionPolicyBinding ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding`.split(/\s+/),
);
/** Kinds whose PUT makes what is not there. */
const CREATED_BY_UPDATE = new Set(
  'Role RoleBinding ClusterRole ClusterRoleBinding RuntimeClass Lease LimitRange Event Service Endpoints'.split(' '),
);
/** Rows whose kind has no cells of its own: the name, the age, and nothing where only the kind would know. */
function genericCells(columns: readonly Column[], object: KubeObject, now: number): unknown[] {
  return columns.map(([name]) => {
    if (name === 'Name') return object.metadata.name;
    if (name === 'Age') return ageOf(object.metadata.creationTimestamp, now);
    if (name === 'Created At') return object.metadata.creationTimestamp ?? null;
    return '<none>';
  });
}

function keepServerOwned(object: KubeObject, old: KubeObject): void {
  const meta = object.metadata;
  const was = old.metadata;
  meta.uid ||= was.uid;
  keepOrDrop(meta, 'creationTimestamp', was.creationTimestamp);
  keepOrDrop(meta, 'generation', was.generation);
  // What is being deleted stays so; that nothing else begins to be by an update is validation's to say.
  if (was.deletionTimestamp !== undefined) meta.deletionTimestamp = was.deletionTimestamp;
  if (was.deletionGracePeriodSeconds !== undefined) meta.deletionGracePeriodSeconds ??= was.deletionGracePeriodSeconds;
  keepOrDrop(meta, 'generateName', meta.generateName ?? was.generateName);
}

type Metadata = KubeObject['metadata'];

/** Only what is there is taken out: V8 goes through an object that lost a field more slowly ever after. */
function keepOrDrop<K extends keyof Metadata>(meta: Metadata, field: K, value: Metadata[K]): void {
  if (value !== undefined) meta[field] = value;
  else if (field in meta) delete meta[field];
}

function setStatus(object: KubeObject, status: unknown): void {
  if (status === undefined) delete object['status'];
  else object['status'] = status;
}

function keepField(object: KubeObject, old: KubeObject, field: string): void {
  if (old[field] === undefined) delete object[field];
  else object[field] = cloneJson(old[field]);
}

/** Everything but metadata, and status where that is written by itself, is what generation counts. */
function counted(object: KubeObject, hasStatus: boolean): object {
  const { metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  if (hasStatus) delete rest['status'];
  return rest;
}

/** A kind of its names and, where it has any, its own behaviour. */
export function makeKind(row: KindRow, own: KindBehaviour | undefined): Kind {
  const stored = row.verbs.includes('list') && row.verbs.includes('create');
  const columns = own?.columns ?? builtInColumns(row.group, row.plural);
  const hasStatus = row.subresources?.['status'] !== undefined;
  const hasGeneration = own?.hasGeneration ?? COUNTS_GENERATION.has(row.kind);
  const nameRule = own?.nameRule ?? 'subdomain';
  const { group, version, plural: resource, namespaced } = row;
  const ref: ResourceRef = { group, version, resource, kind: row.kind, namespaced };
  const rule = { namespaced, nameRule };
  const checks = checksOf(group, row.kind, typeof row.type !== 'string');
  const kind: Kind = {
    ref,
    listKind: row.listKind ?? `${row.kind}List`,
    singular: row.singular,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    verbs: row.verbs,
    subresources: row.subresources ?? {},
    typeName: row.type,
    nameRule,
    stored,
    storedAs: own?.storedAs,
    scale: own?.scale,
    deprecationWarning: own?.deprecationWarning,
    hasStatus,
    hasGeneration,
    allowsUnconditionalUpdate: own?.allowsUnconditionalUpdate ?? !NEEDS_RESOURCE_VERSION.has(row.kind),
    allowsCreateOnUpdate: typeof row.type === 'string' && CREATED_BY_UPDATE.has(row.kind),
    endsWithGrace: own?.graceSeconds !== undefined,
    endsInSteps: own?.endsInSteps ?? false,
    returnsDeletedObject: own?.returnsDeletedObject ?? false,
    columns,
    default: (object) => own?.default?.(object),
    validate(object) {
      const errors = [...(own?.validate?.(object) ?? []), ...(own?.validateCreate?.(object) ?? [])];
      // Reviews and bindings are answered, not kept: they need no name.
      return stored ? findingsOfNew(object, rule, checks, errors) : errors;
    },
    validateUpdate: (object, old) =>
      findingsOfUpdate(object, old, rule, checks.update, {
        whole: own?.validate?.(object) ?? [],
        changes: own?.validateUpdate?.(object, old) ?? [],
      }),
    validateStatusUpdate: (object, old, part = 'status') =>
      findingsOfUpdate(object, old, rule, `${checks.status}c`, {
        whole: [],
        changes: own?.validateStatusUpdate?.(object, old, part) ?? [],
      }),
    warnings: (object) => own?.warnings?.(object) ?? [],
    prepareForCreate(object) {
      const meta = object.metadata;
      for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'] as const) delete meta[key];
      if (hasStatus && own?.keepsStatusOnCreate !== true) setStatus(object, zeroOfField(row.type, 'status'));
      if (hasGeneration) meta.generation = 1;
      own?.prepareForCreate?.(object);
    },
    prepareForUpdate(object, old) {
      keepServerOwned(object, old);
      if (hasStatus) keepField(object, old, 'status');
      own?.prepareForUpdate?.(object, old);
      if (hasGeneration && !equalObjects(counted(object, hasStatus), counted(old, hasStatus)))
        object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    prepareForStatusUpdate(object, old, time, part = 'status') {
      keepServerOwned(object, old);
      for (const field of new Set([...Object.keys(object), ...Object.keys(old)]))
        if (!['status', 'metadata', 'apiVersion', 'kind'].includes(field)) keepField(object, old, field);
      own?.prepareForStatusUpdate?.(object, old, time, part);
    },
    prepareForDelete: (object, time) => own?.prepareForDelete?.(object, time),
    cells: (object, now) => own?.cells?.(object, now) ?? genericCells(columns, object, now),
    rowOrder: own?.rowOrder,
    rowConditions: (object) => own?.rowConditions?.(object),
    fields: {
      'metadata.name': (object) => object.metadata.name,
      ...(row.namespaced ? { 'metadata.namespace': (object: KubeObject) => object.metadata.namespace ?? '' } : {}),
      ...own?.fields,
    },
    graceSeconds: (object, requestedSeconds) => own?.graceSeconds?.(object, requestedSeconds) ?? 0,
  };
  return kind;
}

const keyOf = (group: string, version: string, name: string): string => `${group}/${version}/${name}`;
const OWN = new Map(BEHAVIOURS.map((own) => [keyOf(own.group, own.version, own.kind), own]));

/** Every built-in kind, in the order of the table (core first). */
export const KINDS: readonly Kind[] = (types.kinds as KindRow[]).map((row) =>
  makeKind(row, OWN.get(keyOf(row.group, row.version, row.kind))),
);

const BY_PLURAL = new Map(KINDS.map((kind) => [keyOf(kind.ref.group, kind.ref.version, kind.ref.resource), kind]));
const BY_NAME = new Map(KINDS.map((kind) => [keyOf(kind.ref.group, kind.ref.version, kind.ref.kind), kind]));

/** `kindFor('apps', 'v1', 'deployments')`; undefined when there is none. */
export function kindFor(group: string, version: string, plural: string): Kind | undefined {
  return BY_PLURAL.get(keyOf(group, version, plural));
}

/** `kindByName('apps', 'v1', 'Deployment')`; undefined when there is none. */
export function kindByName(group: string, version: string, kind: string): Kind | undefined {
  return BY_NAME.get(keyOf(group, version, kind));
}

/** The kind of an object by its own apiVersion and kind. */
export function kindOf(object: { apiVersion?: string; kind?: string }): Kind | undefined {
  const apiVersion = object.apiVersion ?? '';
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? kindByName('', apiVersion, object.kind ?? '')
    : kindByName(apiVersion.slice(0, slash), apiVersion.slice(slash + 1), object.kind ?? '');
}
