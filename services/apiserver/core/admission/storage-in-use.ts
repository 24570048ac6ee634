// Decides that volumes and claims are born with the finalizer that keeps them while they are in use. Never looks whether they are:
// the loops that take it off do.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

export function storageObjectInUse({ kind }: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const finalizer = kind.ref.group === '' ? FINALIZERS[kind.ref.resource] : undefined;
  if (finalizer === undefined || old !== undefined) return;
  const present = object.metadata.finalizers ?? [];
  if (!present.includes(finalizer)) object.metadata.finalizers = [...present, finalizer];
}
