// Decides as whom a pod runs and gives it that account's token, the cluster's CA and its namespace as a volume. Never
// makes an account: one that is missing refuses the pod.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { isMirror, isPodWrite } from './pods.ts';

/** A pod that has such a volume has its token: containers that come later, from webhooks, share it. */
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Upstream's lifetime of a pod's token: an hour and the clock skew that a kubelet may have. */
const TOKEN_SECONDS = 3607;

export function serviceAccount(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isPodWrite(request) || old !== undefined || isMirror(object)) return;
  const spec = (object['spec'] ??= {});
  const name: string =
    (spec.serviceAccountName ?? '') === '' ? (spec.serviceAccount ?? '') || 'default' : spec.serviceAccountName;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
  const account = accountOf(request, object, name);
  if ((spec.imagePullSecrets ?? []).length === 0 && (account['imagePullSecrets'] ?? []).length > 0)
    spec.imagePullSecrets = structuredClone(account['imagePullSecrets']);
  const wantsToken: boolean = spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true;
  if (wantsToken) mountToken(request, spec);
}

function accountOf(request: WriteRequest, pod: KubeObject, name: string): KubeObject {
  const namespace = pod.metadata.namespace ?? '';
  const found = request.view.get({ stream: 'core/serviceaccounts', namespace, name });
  if (found !== undefined) return found.object;
  throw forbiddenBy(
    request.kind,
    pod.metadata.name ?? pod.metadata.generateName ?? '',
    `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
  );
}

function mountToken(request: WriteRequest, spec: any): void {
  const containers: any[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const without = containers.filter(
    (c) => !(c.volumeMounts ?? []).some((mount: any) => mount.mountPath === MOUNT_PATH),
  );
  if (without.length === 0) return;
  const volumes: Array<{ name: string }> = spec.volumes ?? [];
  const known = volumes.find((volume) => volume.name.startsWith(VOLUME_PREFIX))?.name;
  const name = known ?? `${VOLUME_PREFIX}${request.chance.suffix(5)}`;
  if (known === undefined) spec.volumes = [...volumes, tokenVolume(name)];
  for (const container of without)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
}

function tokenVolume(name: string): object {
  const namespaceField = { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [namespaceField] } },
      ],
      defaultMode: 420,
    },
  };
}
