// Decides how a request for a resource is written and how its answer is read. Never retries, caches or chooses a way to
// the API (the Transport is that).
import { apiVersionOf, resourcePath, type ResourceRef } from '../api/resource.ts';
import { ApiError, type Status } from '../base/errors.ts';
import type { ApiRequest, ApiResponse, Cause } from '../bus/messages.ts';

/** A way to the API: over the bus for actors, over HTTPS for people. */
export interface Transport {
  request(request: ApiRequest): Promise<ApiResponse>;
}

export interface At {
  namespace?: string;
  name: string;
  subresource?: string;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
}

export interface ObjectList<T> {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

export interface DeleteOptions {
  uid?: string;
  resourceVersion?: string;
  graceSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export type PatchType =
  | 'application/merge-patch+json'
  | 'application/json-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

/** All methods throw ApiError when the API refuses, TroubleError or BusError when it could not be asked. */
export class Client {
  readonly #transport: Transport;
  readonly #cause: Cause | undefined;
  readonly #user: string | undefined;

  constructor(transport: Transport, cause?: Cause, user?: string) {
    this.#transport = transport;
    this.#cause = cause;
    this.#user = user;
  }

  /** The same client, whose writes say what caused them. */
  because(cause: Cause): Client {
    return new Client(this.#transport, cause, this.#user);
  }

  /** The same client, whose requests are made in the name of this user. */
  as(user: string): Client {
    return new Client(this.#transport, this.#cause, user);
  }

  get<T>(ref: ResourceRef, at: At, query: Record<string, string> = {}): Promise<T> {
    return this.#send<T>({ method: 'GET', path: resourcePath(ref, at), query });
  }

  list<T>(ref: ResourceRef, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { namespace, ...rest } = options;
    const query = Object.fromEntries(
      Object.entries(rest)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, String(value)]),
    );
    return this.#send<ObjectList<T>>({
      method: 'GET',
      path: resourcePath(ref, namespace === undefined ? {} : { namespace }),
      query,
    });
  }

  create<T>(ref: ResourceRef, namespace: string, object: object, query: Record<string, string> = {}): Promise<T> {
    return this.#send<T>({
      method: 'POST',
      path: resourcePath(ref, { namespace }),
      query,
      body: { apiVersion: apiVersionOf(ref), kind: ref.kind, ...object },
    });
  }

  /** POST to a subresource: `binding`, `eviction`, `token`. */
  post<T>(ref: ResourceRef, at: At, object: object): Promise<T> {
    return this.#send<T>({ method: 'POST', path: resourcePath(ref, at), body: object });
  }

  update<T>(ref: ResourceRef, at: At, object: object): Promise<T> {
    return this.#send<T>({
      method: 'PUT',
      path: resourcePath(ref, at),
      body: { apiVersion: apiVersionOf(ref), kind: ref.kind, ...object },
    });
  }

  patch<T>(
    ref: ResourceRef,
    at: At,
    contentType: PatchType,
    patch: unknown,
    query: Record<string, string> = {},
  ): Promise<T> {
    return this.#send<T>({ method: 'PATCH', path: resourcePath(ref, at), query, contentType, body: patch });
  }

  delete<T>(ref: ResourceRef, at: At, options: DeleteOptions = {}): Promise<T> {
    return this.#send<T>({ method: 'DELETE', path: resourcePath(ref, at), body: deleteOptionsOf(options) });
  }

  /** All of a kind in a namespace. */
  deleteCollection<T>(ref: ResourceRef, namespace: string, options: DeleteOptions = {}): Promise<T> {
    return this.#send<T>({ method: 'DELETE', path: resourcePath(ref, { namespace }), body: deleteOptionsOf(options) });
  }

  /** Any path, as `kubectl get --raw`. */
  raw<T>(request: ApiRequest): Promise<T> {
    return this.#send<T>(request);
  }

  async #send<T>(request: ApiRequest): Promise<T> {
    const response = await this.#transport.request({
      ...request,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      ...(this.#user === undefined ? {} : { as: this.#user }),
    });
    if (response.code >= 400) throw ApiError.fromStatus(response.body as Partial<Status>, response.code);
    return response.body as T;
  }
}

function deleteOptionsOf(options: DeleteOptions): object {
  const preconditions = {
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.resourceVersion === undefined ? {} : { resourceVersion: options.resourceVersion }),
  };
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
    ...(options.graceSeconds === undefined ? {} : { gracePeriodSeconds: options.graceSeconds }),
    ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
  };
}
