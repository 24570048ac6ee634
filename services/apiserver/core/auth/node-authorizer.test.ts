// Shows which volumes, claims and storage objects a node may ask for: those of the pods that are bound to it.
import test from 'ava';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { authorizeNode, type NodeGraph } from './node-authorizer.ts';
import { authenticated } from './user.ts';

const object = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'a' },
  spec,
});
const pod = object('Pod', 'p', {
  nodeName: 'n1',
  volumes: [
    { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
    { name: 'scratch', ephemeral: {} },
    { name: 'all', projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'settings' } }] } },
  ],
  initContainers: [{ envFrom: [{ secretRef: { name: 'early' } }] }],
  containers: [{ env: [{ valueFrom: { secretKeyRef: { name: 'key' } } }] }],
});
const graph: NodeGraph = {
  podsOn: (node) => (node === 'n1' ? [pod] : []),
  pod: (_namespace, name) => (name === 'p' ? pod : undefined),
  claim: (_namespace, name) =>
    name === 'claim' ? object('PersistentVolumeClaim', name, { volumeName: 'v1' }) : undefined,
  attachment: (name) => object('VolumeAttachment', name, { nodeName: name === 'at-1' ? 'n1' : 'n2' }),
};

const may = (verb: string, group: string, resource: string, name: string, subresource = ''): boolean =>
  authorizeNode(
    {
      user: authenticated('system:node:n1', ['system:nodes']),
      verb,
      group,
      resource,
      subresource,
      namespace: resource === 'persistentvolumes' || group === 'storage.k8s.io' ? '' : 'a',
      name,
    },
    'n1',
    graph,
  ).allowed;

test('what its pods name it may read, and nothing beside', (t) => {
  for (const secret of ['projected', 'early', 'key']) t.true(may('get', '', 'secrets', secret), secret);
  t.false(may('get', '', 'secrets', 'other'));
  t.false(may('update', '', 'secrets', 'key'));
  t.false(may('list', '', 'secrets', ''));
  t.true(may('watch', '', 'configmaps', 'settings'));
  t.true(may('get', '', 'persistentvolumeclaims', 'claim'));
  t.true(may('get', '', 'persistentvolumeclaims', 'p-scratch'), 'the claim of an ephemeral volume');
  t.true(may('patch', '', 'persistentvolumeclaims', 'claim', 'status'));
  t.false(may('delete', '', 'persistentvolumeclaims', 'claim', 'status'));
  t.true(may('get', '', 'persistentvolumes', 'v1'));
  t.false(may('get', '', 'persistentvolumes', 'v2'));
  t.false(may('list', '', 'persistentvolumes', ''));
});

test('its own storage objects, and certificates to ask for', (t) => {
  t.true(may('get', 'storage.k8s.io', 'volumeattachments', 'at-1'));
  t.false(may('get', 'storage.k8s.io', 'volumeattachments', 'at-2'));
  t.true(may('patch', 'storage.k8s.io', 'csinodes', 'n1'));
  t.false(may('patch', 'storage.k8s.io', 'csinodes', 'n2'));
  t.true(may('create', 'certificates.k8s.io', 'certificatesigningrequests', ''));
  t.false(may('update', 'certificates.k8s.io', 'certificatesigningrequests', 'x', 'approval'));
  t.true(may('get', '', 'endpoints', 'x'));
  t.false(may('list', '', 'endpoints', ''));
});
