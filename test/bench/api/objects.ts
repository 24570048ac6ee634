// Decides what the load is made of: objects of 1 KiB, patches of them, pods as a Deployment makes them. Never sends one.

export const NAMESPACE = 'default';
export const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

const FILLING = 'v'.repeat(820);
export const nameOf = (prefix: string, i: number): string => `${prefix}-${String(i).padStart(6, '0')}`;

/** About 1 KiB as JSON. */
export function configMap(prefix: string, i: number): Buffer {
  const metadata = {
    name: nameOf(prefix, i),
    namespace: NAMESPACE,
    labels: { app: prefix, part: `${prefix}-${i % 10}` },
  };
  return json({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { index: String(i), filling: FILLING } });
}

export const configMapPatch = (value: string): Buffer => json({ data: { index: value } });

/** As a ReplicaSet makes it: about 1 KiB as it is sent, 4 KiB with its defaults and owners of fields. */
export function pod(i: number): Buffer {
  const labels = { app: `web-${i % 100}`, 'pod-template-hash': `hash${i % 100}` };
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: `web-${i % 100}`,
    uid: `uid-${i % 100}`,
    controller: true,
  };
  const container = {
    name: 'web',
    image: 'registry.example/web:1',
    ports: [{ name: 'http', containerPort: 8_080 }],
    env: [{ name: 'MODE', value: 'production' }],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' } },
  };
  const metadata = { name: nameOf('web', i), namespace: NAMESPACE, labels, ownerReferences: [owner] };
  return json({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { nodeName: `node-${i % 100}`, containers: [container] },
  });
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
