// Decides the shape of a level-triggered loop: a pure `reconcile` of (view, key, now) into exact actions. Never does an
// action itself (run-controller.ts does).
import type { ResourceRef } from '../api/resource.ts';

/** The shape that every stored object shares. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string | undefined;
    uid?: string | undefined;
    resourceVersion?: string | undefined;
    generation?: number | undefined;
    labels?: Record<string, string> | undefined;
    annotations?: Record<string, string> | undefined;
    creationTimestamp?: string | undefined;
    deletionTimestamp?: string | undefined;
    finalizers?: string[] | undefined;
    ownerReferences?:
      | Array<{
          apiVersion: string;
          kind: string;
          name: string;
          uid: string;
          controller?: boolean | undefined;
          blockOwnerDeletion?: boolean | undefined;
        }>
      | undefined;
  };
}

export interface Key {
  namespace: string;
  name: string;
}

/** What a loop may look at: copies of the API, possibly old, never half-written. Objects must not be changed. */
export interface View {
  get<T extends KubeObject = KubeObject>(ref: ResourceRef, namespace: string, name: string): T | undefined;
  /** All, or those of one namespace. */
  list<T extends KubeObject = KubeObject>(ref: ResourceRef, namespace?: string): T[];
  /** Those whose controller owner reference has this uid. O(result). */
  ownedBy<T extends KubeObject = KubeObject>(ref: ResourceRef, uid: string): T[];
  /** Those with any owner reference to this uid. O(result). */
  dependentsOf<T extends KubeObject = KubeObject>(ref: ResourceRef, uid: string): T[];
  /** The view of this resource is complete up to here: what is not in it did not exist at this revision. */
  revision(ref: ResourceRef): number;
  /** When this version of the object arrived, in ms by the looker's own clock: clocks of two machines are not compared. */
  seenAt(ref: ResourceRef, namespace: string, name: string): number | undefined;
}

/**
 * One write, so exact that doing it leaves nothing to choose. Objects for `update`/`updateStatus` carry the
 * resourceVersion they were decided on, deletes the uid: a stale doer is refused, harmlessly.
 */
export type Action =
  | { type: 'create'; ref: ResourceRef; namespace: string; object: object }
  | {
      type: 'update' | 'updateStatus';
      ref: ResourceRef;
      namespace: string;
      name: string;
      /** Only for `update`: `finalize`, `approval`. */
      subresource?: string;
      object: object;
    }
  | {
      type: 'patch';
      ref: ResourceRef;
      namespace: string;
      name: string;
      subresource?: string;
      contentType:
        | 'application/merge-patch+json'
        | 'application/json-patch+json'
        | 'application/strategic-merge-patch+json';
      patch: unknown;
    }
  | {
      type: 'delete';
      ref: ResourceRef;
      namespace: string;
      name: string;
      uid: string;
      graceSeconds?: number;
      propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
    }
  /** Deletes all of a kind in a namespace, and fails as long as something is left: what follows it is then not done. */
  | { type: 'empty'; ref: ResourceRef; namespace: string }
  | { type: 'post'; ref: ResourceRef; namespace: string; name: string; subresource: string; object: object }
  /** A Kubernetes Event about `regarding`; the runner counts repeats and limits the rate. */
  | {
      type: 'event';
      regarding: KubeObject & { apiVersion: string; kind: string };
      eventType: 'Normal' | 'Warning';
      reason: string;
      message: string;
    };

export interface Refusal {
  action: Action;
  /** The API's words. */
  message: string;
}

export interface Reconciled {
  actions: Action[];
  /** One line for the trace: what it saw. */
  saw: string;
  /** Why nothing is done, or why it cannot be done yet. */
  why?: string;
  /** Look again then, whatever happens. */
  againInMs?: number;
}

/** Which changes of which resource wake which keys. */
export interface Watch {
  ref: ResourceRef;
  /** `before` is undefined for a new object, `after` for one that is gone. */
  keys(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[];
}

export interface Controller {
  /** `deployment`, `replicaset`: name in logs, traces and events' source. */
  name: string;
  /** Kind of its keys, for the trace. */
  kind: string;
  /** ServiceAccount in kube-system in whose name it acts; absent: in that of the actor that runs it. */
  account?: string;
  watches: Watch[];
  /** Further resources that `reconcile` looks at without being woken by them. */
  reads?: ResourceRef[];
  reconcile(view: View, key: Key, now: number): Reconciled;
  /** What to say of actions that the API refused (not of those that were merely late): events, a condition. */
  refused?(view: View, key: Key, refusals: readonly Refusal[], now: number): Action[];
}

/** For the common case: the object itself is the key. */
export function selfKey(_view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  const object = after ?? before;
  return object === undefined ? [] : [{ namespace: object.metadata.namespace ?? '', name: object.metadata.name }];
}
