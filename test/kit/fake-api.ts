// Does: answers an actor's list, get, create and update over a memory bus from a plain map, and publishes each change,
// so that one actor can be tested alone. Never validates, authorizes or keeps history.
import type { ResourceRef } from '../../lib/api/resource.ts';
import { packObject } from '../../lib/bus/event-object.ts';
import { MESSAGE_VERSION, type ApiRequest, type ApiResponse } from '../../lib/bus/messages.ts';
import type { MemoryNetwork } from '../../lib/bus/memory.ts';
import { groupToken, patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import type { KubeObject } from '../../lib/reconcile/controller.ts';

export class FakeApi {
  readonly #cluster: string;
  readonly #bus: ReturnType<MemoryNetwork['connect']>;
  readonly #objects = new Map<string, KubeObject>();
  readonly #last = new Map<string, number>();
  #revision = 0;
  readonly requests: ApiRequest[] = [];

  constructor(network: MemoryNetwork, cluster: string) {
    this.#cluster = cluster;
    this.#bus = network.connect('apiserver-1');
    this.#bus.subscribe(patternOf(cluster, 'apiRequest'), ({ data, respond }) =>
      respond?.(this.#answer(data as ApiRequest)),
    );
  }

  /** Returns its revision. */
  put(ref: ResourceRef, object: object): number {
    const given = object as KubeObject;
    const namespace = given.metadata.namespace ?? '';
    const key = this.#key(ref, namespace, given.metadata.name);
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    const revision = ++this.#revision;
    const stored = {
      ...given,
      metadata: { uid: `uid-${key}`, ...given.metadata, resourceVersion: String(revision) },
    };
    this.#objects.set(key, stored);
    this.#publish(ref, type, stored);
    return revision;
  }

  delete(ref: ResourceRef, namespace: string, name: string): void {
    const key = this.#key(ref, namespace, name);
    const stored = this.#objects.get(key);
    if (stored === undefined) return;
    this.#objects.delete(key);
    const revision = ++this.#revision;
    this.#publish(ref, 'DELETED', {
      ...stored,
      metadata: { ...stored.metadata, resourceVersion: String(revision) },
    });
  }

  get<T extends KubeObject>(ref: ResourceRef, namespace: string, name: string): T | undefined {
    return this.#objects.get(this.#key(ref, namespace, name)) as T | undefined;
  }

  #key(ref: ResourceRef, namespace: string, name: string): string {
    return `${ref.group === '' ? '/api/v1' : `/apis/${ref.group}/${ref.version}`}/namespaces/${namespace}/${ref.resource}/${name}`;
  }

  #publish(ref: ResourceRef, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
    const { namespace = '', name } = object.metadata;
    const stream = `${ref.group}/${ref.resource}`;
    const revision = Number(object.metadata.resourceVersion);
    const subject = subjectOf(this.#cluster, 'watch', {
      group: groupToken(ref.group),
      resource: ref.resource,
      namespace,
      name,
    });
    this.#bus.publish(subject, {
      version: MESSAGE_VERSION,
      group: ref.group,
      resource: ref.resource,
      type,
      namespace,
      name,
      revision,
      previous: this.#last.get(stream) ?? 0,
      json: packObject(object),
      cause: { span: 'test', actor: 'test' },
    });
    this.#last.set(stream, revision);
  }

  #answer(request: ApiRequest): ApiResponse {
    this.requests.push(request);
    if (request.method === 'GET') return this.#read(request.path);
    const [, namespace = '', resource = '', name] =
      /\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(request.path) ?? [];
    const group = /^\/apis\/([^/]+)\//.exec(request.path)?.[1] ?? '';
    const ref = { group, version: 'v1', resource, kind: '', namespaced: true };
    const body = request.body as KubeObject;
    if (request.method === 'POST' && this.#objects.has(this.#key(ref, namespace, body.metadata.name)))
      return status(409, 'AlreadyExists');
    this.put(ref, { ...body, metadata: { ...body.metadata, namespace, ...(name === undefined ? {} : { name }) } });
    return { code: 200, body: this.#objects.get(this.#key(ref, namespace, body.metadata.name)) };
  }

  #read(path: string): ApiResponse {
    const one = this.#objects.get(path);
    if (one !== undefined) return { code: 200, body: one };
    if (/\/namespaces\/[^/]+\/[^/]+\/[^/]+$/.test(path)) return status(404, 'NotFound');
    const [, root = '', resource = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const items = [...this.#objects]
      .filter(([key]) => key.startsWith(`${root}/namespaces/`) && key.split('/').at(-2) === resource)
      .map(([, object]) => object);
    return { code: 200, body: { metadata: { resourceVersion: String(this.#revision) }, items } };
  }
}

function status(code: number, reason: string): ApiResponse {
  return { code, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code } };
}
