// Decides how a namespace ends: everything in it is deleted, and once nothing is left it is let go. Never lets go of one
// that may still hold something: every kind must be known up to the moment of its deletion.
import type { Namespace } from '../../../lib/api/generated/types.ts';
import { RESOURCES, type ResourceRef } from '../../../lib/api/resource.ts';
import {
  selfKey,
  type Controller,
  type Key,
  type KubeObject,
  type Reconciled,
  type View,
} from '../../../lib/reconcile/controller.ts';
import { deletionOf } from '../core/actions.ts';

const FINALIZER = 'kubernetes';
/** Views learn how complete they are each second. */
const PROGRESS_MS = 1100;

export function namespace(kinds: readonly ResourceRef[]): Controller {
  const inside = kinds.filter((ref) => ref.namespaced);
  return {
    name: 'namespace',
    kind: 'Namespace',
    account: 'namespace-controller',
    watches: [{ ref: RESOURCES.namespaces, keys: selfKey }, ...inside.map((ref) => ({ ref, keys: endingNamespace }))],
    reconcile(view, key) {
      const found = view.get<Namespace>(RESOURCES.namespaces, '', key.name);
      if (found === undefined) return { actions: [], saw: 'no such Namespace' };
      if (found.metadata.deletionTimestamp === undefined) return { actions: [], saw: 'active' };
      return end(view, found, inside);
    },
  };
}

function endingNamespace(view: View, before: KubeObject | undefined, after: KubeObject | undefined): Key[] {
  if (before !== undefined && after !== undefined) return [];
  const name = (after ?? before)!.metadata.namespace ?? '';
  const home = view.get(RESOURCES.namespaces, '', name);
  return home?.metadata.deletionTimestamp === undefined ? [] : [{ namespace: '', name }];
}

function end(view: View, home: Namespace, inside: readonly ResourceRef[]): Reconciled {
  const finalizers = home.spec?.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return { actions: [], saw: 'ending, others hold it' };
  const left = inside.flatMap((ref) => view.list(ref, home.metadata.name).map((object) => ({ ref, object })));
  const byKind = Map.groupBy(left, ({ ref }) => ref.resource);
  const saw = `ending, ${left.length === 0 ? 'nothing left' : [...byKind].map(([kind, all]) => `${all.length} ${kind}`).join(', ')}`;
  const untouched = left.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
  if (left.length > 0)
    return {
      actions: untouched.map(({ ref, object }) => deletionOf(ref, object, { propagationPolicy: 'Background' })),
      saw,
      ...(untouched.length === 0 ? { why: 'what is left is on its way out' } : {}),
    };
  if (!inside.every((ref) => view.revision(ref) >= Number(home.metadata.resourceVersion)))
    return { actions: [], saw, why: 'something may only not be known yet', againInMs: PROGRESS_MS };
  const object = { ...home, spec: { ...home.spec, finalizers: finalizers.filter((name) => name !== FINALIZER) } };
  return {
    actions: [
      {
        type: 'update',
        ref: RESOURCES.namespaces,
        namespace: '',
        name: home.metadata.name,
        subresource: 'finalize',
        object,
      },
    ],
    saw,
  };
}
