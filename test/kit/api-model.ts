// Does: answers API requests from plain maps, as the real API does where controllers depend on it: resourceVersions,
// compare-and-swap, generation, generateName, finalizers, graceful deletion, bindings. Never authorizes, validates values,
// defaults what lib/api does not, or keeps history.
import { isRecord } from '../../lib/base/records.ts';
import fastJsonPatch from 'fast-json-patch';
import { canonical } from '../../lib/api/canonical.ts';
import { apiGroupList, apiResourceList } from '../../lib/api/discovery.ts';
import { KINDS, kindFor, type Kind } from '../../lib/api/kind.ts';
import type { KubeObject } from '../../lib/api/object.ts';
import { resourcePath, type ResourceRef } from '../../lib/api/resource.ts';
import { matchesLabels, parseLabelSelector } from '../../lib/api/selectors.ts';
import { seededChance, type Chance } from '../../lib/base/chance.ts';
import { toTime } from '../../lib/base/clock.ts';
import { ApiError, type Reason } from '../../lib/base/errors.ts';
import type { ApiRequest, ApiResponse, Cause } from '../../lib/bus/messages.ts';
import { Client, type Transport } from '../../lib/client/client.ts';

export interface ModelEvent {
  ref: ResourceRef;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  namespace: string;
  name: string;
  revision: number;
  /** The stream's revision before this one. */
  previous: number;
  object: KubeObject;
  cause: Cause;
}

interface Place {
  kind: Kind;
  namespace: string;
  name: string | undefined;
  subresource: string | undefined;
}

const NO_CAUSE: Cause = { span: '', actor: 'test' };
const PATH = /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;
const PATH_OF_NAMESPACES = /^\/api\/v1\/namespaces(?:\/([^/]+))?(?:\/(status|finalize))?$/;

export class ApiModel implements Transport {
  readonly #chance: Chance;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #last = new Map<string, number>();
  readonly #handlers = new Set<(event: ModelEvent) => void>();
  readonly now: () => number;
  revision = 0;

  constructor(options: { chance?: Chance; now?: () => number } = {}) {
    this.#chance = options.chance ?? seededChance(1);
    this.now = options.now ?? (() => 1_800_000_000_000);
  }

  get client(): Client {
    return new Client(this);
  }

  onEvent(handler: (event: ModelEvent) => void): void {
    this.#handlers.add(handler);
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    return Promise.resolve(this.answer(request));
  }

  answer(request: ApiRequest): ApiResponse {
    try {
      const body = this.#serve(request);
      return { code: request.method === 'POST' ? 201 : 200, body };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { code: error.code, body: error.toStatus() };
    }
  }

  get<T extends object = KubeObject>(ref: ResourceRef, namespace: string, name: string): T | undefined {
    return this.#table(ref).get(`${namespace}/${name}`) as T | undefined;
  }

  list<T extends object = KubeObject>(ref: ResourceRef, namespace?: string): T[] {
    const all = [...this.#table(ref).values()];
    return all.filter((object) => namespace === undefined || object.metadata.namespace === namespace) as unknown as T[];
  }

  /** As `POST`, for setting up; throws ApiError. */
  create<T extends object = KubeObject>(ref: ResourceRef, object: object): T {
    const { namespace = '' } = (object as KubeObject).metadata;
    const path = resourcePath(ref, { namespace });
    return unwrap(this.answer({ method: 'POST', path, body: object }));
  }

  /** Reads, changes a copy, writes it back; `subresource` as in the path. undefined when it is not there. */
  change<T extends object>(
    ref: ResourceRef,
    namespace: string,
    name: string,
    change: (object: T) => void,
    subresource?: string,
  ): T | undefined {
    const present = this.get<T>(ref, namespace, name);
    if (present === undefined) return undefined;
    const copy = structuredClone(present);
    change(copy);
    const at = { namespace, name, ...(subresource === undefined ? {} : { subresource }) };
    return unwrap(this.answer({ method: 'PUT', path: resourcePath(ref, at), body: copy }));
  }

  delete(ref: ResourceRef, namespace: string, name: string, options: object = {}): ApiResponse {
    return this.answer({ method: 'DELETE', path: resourcePath(ref, { namespace, name }), body: options });
  }

  #serve(request: ApiRequest): unknown {
    const document = documentAt(request.path);
    if (document !== undefined) return document;
    const place = placeOf(request.path);
    const cause = request.cause ?? NO_CAUSE;
    const { name } = place;
    if (name === undefined) {
      if (request.method === 'GET') return this.#listAnswer(place, request.query ?? {});
      if (request.method === 'POST') return this.#create(place, request.body as KubeObject, cause);
      throw refusal('MethodNotAllowed', place, 'the server does not allow this method on the requested resource');
    }
    const present = this.#present(place);
    switch (request.method) {
      case 'GET':
        return present;
      case 'PUT':
        return this.#update(place, present, request.body as KubeObject, cause);
      case 'PATCH':
        return this.#update(place, present, patched(present, request), cause);
      case 'DELETE':
        return this.#delete(place, present, (request.body ?? {}) as DeleteBody, cause);
      case 'POST':
        return this.#bind(
          place,
          present,
          request.body as { target: { name: string }; metadata: { uid?: string } },
          cause,
        );
    }
  }

  #listAnswer({ kind, namespace }: Place, query: Record<string, string>): object {
    const requirements = query['labelSelector'] === undefined ? [] : parseLabelSelector(query['labelSelector']);
    const fields = (query['fieldSelector'] ?? '').split(',').filter((one) => one !== '');
    const items = this.list(kind.ref, namespace === '' ? undefined : namespace).filter(
      (object) =>
        matchesLabels(requirements, object.metadata.labels) &&
        fields.every((field) => {
          const [key = '', value] = field.split('=');
          return kind.fields[key]?.(object) === value;
        }),
    );
    return { metadata: { resourceVersion: String(this.revision) }, items };
  }

  #create(place: Place, body: KubeObject, cause: Cause): KubeObject {
    const { kind } = place;
    const object = decoded(kind, body);
    const meta = object.metadata;
    if (kind.ref.namespaced) meta.namespace = place.namespace || meta.namespace || 'default';
    if (!meta.name && meta.generateName) meta.name = meta.generateName + this.#chance.suffix(5);
    const at = { ...place, name: meta.name };
    if (this.get(kind.ref, meta.namespace ?? '', meta.name) !== undefined)
      throw refusal('AlreadyExists', at, `${kind.ref.resource} "${meta.name}" already exists`);
    meta.uid = this.#chance.uuid();
    meta.creationTimestamp = toTime(this.now());
    kind.prepareForCreate(object);
    if (kind.ref.resource === 'namespaces') object['spec'] ??= { finalizers: ['kubernetes'] };
    return this.#commit(kind, 'ADDED', object, cause);
  }

  #update(place: Place, present: KubeObject, body: KubeObject, cause: Cause): KubeObject {
    const { kind } = place;
    const object = decoded(kind, body);
    const { uid, resourceVersion } = object.metadata;
    const isStale =
      (resourceVersion !== undefined && resourceVersion !== present.metadata.resourceVersion) ||
      (uid !== undefined && uid !== present.metadata.uid);
    if (isStale)
      throw refusal(
        'Conflict',
        place,
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    if (place.subresource === undefined) kind.prepareForUpdate(object, present);
    else if (place.subresource === 'status') kind.prepareForStatusUpdate(object, present, toTime(this.now()));
    object.metadata.resourceVersion = present.metadata.resourceVersion;
    if (isSame(object, present)) return present;
    if (isFreed(kind, object)) return this.#commit(kind, 'DELETED', object, cause);
    return this.#commit(kind, 'MODIFIED', object, cause);
  }

  #delete(place: Place, present: KubeObject, body: DeleteBody, cause: Cause): KubeObject {
    const { kind } = place;
    if (body.preconditions?.uid !== undefined && body.preconditions.uid !== present.metadata.uid)
      throw refusal('Conflict', place, 'the UID in the precondition does not match the UID in record');
    const object = structuredClone(present);
    const meta = object.metadata;
    const isFirst = meta.deletionTimestamp === undefined;
    const finalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan' }[body.propagationPolicy ?? ''];
    if (isFirst && finalizer !== undefined) meta.finalizers = [...new Set([...(meta.finalizers ?? []), finalizer])];
    const graceSeconds = graceOf(kind, object, body.gracePeriodSeconds);
    meta.deletionTimestamp ??= toTime(this.now());
    meta.deletionGracePeriodSeconds = Math.min(meta.deletionGracePeriodSeconds ?? graceSeconds, graceSeconds);
    if (kind.ref.resource === 'namespaces') object['status'] = { ...object['status'], phase: 'Terminating' };
    if (isFreed(kind, object)) return this.#commit(kind, 'DELETED', object, cause);
    return isSame(object, present) ? present : this.#commit(kind, 'MODIFIED', object, cause);
  }

  #bind(
    place: Place,
    present: KubeObject,
    body: { target: { name: string }; metadata: { uid?: string } },
    cause: Cause,
  ): object {
    if (place.subresource !== 'binding') throw refusal('NotFound', place, `no subresource ${place.subresource}`);
    if (body.metadata.uid !== undefined && body.metadata.uid !== present.metadata.uid)
      throw refusal('Conflict', place, 'the UID in the precondition does not match the UID in record');
    if (present['spec'].nodeName)
      throw refusal('Conflict', place, `pod ${place.name} is already assigned to node "${present['spec'].nodeName}"`);
    const object = structuredClone(present);
    object['spec'].nodeName = body.target.name;
    const others = (object['status']?.conditions ?? []).filter((one: { type: string }) => one.type !== 'PodScheduled');
    const condition = { type: 'PodScheduled', status: 'True', lastTransitionTime: toTime(this.now()) };
    object['status'] = { ...object['status'], conditions: [...others, condition] };
    this.#commit(place.kind, 'MODIFIED', object, cause);
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  #present(place: Place): KubeObject {
    const found = this.get(place.kind.ref, place.namespace, place.name!);
    if (found === undefined) throw refusal('NotFound', place, `${place.kind.ref.resource} "${place.name}" not found`);
    return found;
  }

  #commit(kind: Kind, type: ModelEvent['type'], object: KubeObject, cause: Cause): KubeObject {
    const revision = ++this.revision;
    object.metadata.resourceVersion = String(revision);
    const stored = freeze(decoded(kind, object));
    const { namespace = '', name } = stored.metadata;
    if (type === 'DELETED') this.#table(kind.ref).delete(`${namespace}/${name}`);
    else this.#table(kind.ref).set(`${namespace}/${name}`, stored);
    const id = idOf(kind.ref);
    const event = {
      ref: kind.ref,
      type,
      namespace,
      name,
      revision,
      previous: this.#last.get(id) ?? 0,
      object: stored,
      cause,
    };
    this.#last.set(id, revision);
    for (const handler of this.#handlers) handler(event);
    return stored;
  }

  #table(ref: ResourceRef): Map<string, KubeObject> {
    const id = idOf(ref);
    const table = this.#objects.get(id) ?? new Map<string, KubeObject>();
    this.#objects.set(id, table);
    return table;
  }
}

interface DeleteBody {
  preconditions?: { uid?: string };
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
}

export function idOf(ref: ResourceRef): string {
  return `${ref.group}/${ref.resource}`;
}

const SERVED = KINDS.filter(({ ref, stored }) => stored && ref.version === 'v1' && ref.group !== 'events.k8s.io');

/** Discovery, as far as a loop asks for it. */
function documentAt(path: string): object | undefined {
  if (path === '/apis') return apiGroupList(SERVED);
  if (path === '/api/v1') return apiResourceList(SERVED, '', 'v1');
  const [, group, version] = /^\/apis\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  return group === undefined || version === undefined ? undefined : apiResourceList(SERVED, group, version);
}

function placeOf(path: string): Place {
  const home = PATH_OF_NAMESPACES.exec(path);
  const match = PATH.exec(path);
  const [, group = '', version = 'v1', namespace = '', resource = 'namespaces', name, subresource] =
    home === null ? (match ?? []) : ['', '', 'v1', '', 'namespaces', home[1], home[2]];
  const kind = kindFor(group, version, resource);
  if (kind === undefined) throw new ApiError('NotFound', `the server could not find the requested resource: ${path}`);
  return { kind, namespace: decodeURIComponent(namespace), name: name && decodeURIComponent(name), subresource };
}

function refusal(reason: Reason, { kind, name = '' }: Place, message: string): ApiError {
  const text =
    reason === 'Conflict' ? `Operation cannot be fulfilled on ${kind.ref.resource} "${name}": ${message}` : message;
  return new ApiError(reason, text, { name, kind: kind.ref.resource, group: kind.ref.group });
}

function decoded(kind: Kind, body: object): KubeObject {
  const object = canonical(kind.typeName, structuredClone(body)).value as KubeObject;
  kind.default(object);
  return object;
}

function isSame(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Deleted, waited for by nobody. */
function isFreed(kind: Kind, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
  return kind.ref.resource !== 'namespaces' || (object['spec']?.finalizers ?? []).length === 0;
}

/** A pod that nobody runs goes at once; a kubelet ends the others and deletes them with grace 0. */
function graceOf(kind: Kind, object: KubeObject, asked: number | undefined): number {
  if (kind.ref.resource !== 'pods') return 0;
  const isFinished = ['Succeeded', 'Failed'].includes(object['status']?.phase);
  if (!object['spec'].nodeName || isFinished) return 0;
  return asked ?? object['spec'].terminationGracePeriodSeconds ?? 30;
}

function patched(present: KubeObject, request: ApiRequest): KubeObject {
  const copy = structuredClone(present);
  if (request.contentType === 'application/merge-patch+json') return merged(copy, request.body) as KubeObject;
  if (request.contentType === 'application/json-patch+json')
    return fastJsonPatch.applyPatch(copy, request.body as never).newDocument as KubeObject;
  throw new ApiError('UnsupportedMediaType', `the model does not know patches of type ${request.contentType}`);
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const out: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = merged(out[key], value);
  }
  return out;
}

/** Nobody may change what others read. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

function unwrap<T>(response: ApiResponse): T {
  if (response.code >= 400) throw ApiError.fromStatus(response.body as object, response.code);
  return response.body as T;
}
