// Decides which storage class a claim and which ingress class an Ingress gets that name none: the newest of those that are
// marked as default. Never replaces a class that was named, not even an empty one.
import { CLASS_ANNOTATION } from '../../../../lib/api/kinds/ingress.ts';
import { isDefaultClass } from '../../../../lib/api/kinds/storage-class.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_INGRESS_CLASS = 'ingressclass.kubernetes.io/is-default-class';

export function defaultStorageClass(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const { group, resource } = request.kind.ref;
  if (group !== '' || resource !== 'persistentvolumeclaims' || old !== undefined) return;
  const spec = (object['spec'] ??= {});
  if (spec.storageClassName !== undefined || object.metadata.annotations?.[BETA_CLASS] !== undefined) return;
  const name = newest(request, 'storage.k8s.io/storageclasses', ({ metadata }) => isDefaultClass(metadata));
  if (name !== undefined) spec.storageClassName = name;
}

export function defaultIngressClass(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const { group, resource } = request.kind.ref;
  if (group !== 'networking.k8s.io' || resource !== 'ingresses' || old !== undefined) return;
  const spec = (object['spec'] ??= {});
  if (spec.ingressClassName !== undefined || object.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
  const isDefault = ({ metadata }: KubeObject): boolean => metadata.annotations?.[DEFAULT_INGRESS_CLASS] === 'true';
  const name = newest(request, 'networking.k8s.io/ingressclasses', isDefault);
  if (name !== undefined) spec.ingressClassName = name;
}

/** Of the same second: the first by name, as upstream. */
function newest(request: WriteRequest, stream: string, isDefault: (object: KubeObject) => boolean): string | undefined {
  const born = ({ metadata }: KubeObject): number => Date.parse(metadata.creationTimestamp ?? '') || 0;
  const classes = [...request.view.list(stream)].map(({ object }) => object).filter(isDefault);
  return classes.toSorted((a, b) => born(b) - born(a) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]?.metadata
    .name;
}
