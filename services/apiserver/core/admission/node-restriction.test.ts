// Shows what a kubelet may not write although it is about its own node: what would let it read or be something else.
import test from 'ava';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { kindFor } from '../../../../lib/api/kind.ts';
import { authenticated } from '../auth/user.ts';
import { ClusterCache } from '../cache/cluster-cache.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { requestInfo } from '../request-info.ts';
import { nodeRestriction } from './node-restriction.ts';

const node = { metadata: { name: 'n1', uid: 'u1' } };
const value = new TextEncoder().encode(JSON.stringify(node));
const view = new ClusterCache([{ key: '/registry/core/nodes//n1', value, createRevision: 1, modRevision: 1 }], 1);

function refusal(path: string, object: object, old?: object): string | undefined {
  const info = requestInfo(old === undefined ? 'POST' : 'PUT', path, new URLSearchParams());
  if (!info.isResource) throw new TypeError(path);
  const kind = kindFor(info.group, info.version, info.resource)!;
  const user = authenticated('system:node:n1', ['system:nodes']);
  try {
    nodeRestriction({ user, info, kind, view } as unknown as WriteRequest, object as KubeObject, old as KubeObject);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^.*? is forbidden: /, '');
  }
}

const PODS = '/api/v1/namespaces/x/pods';
const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1', controller: true };
const mirror = (spec: object = {}, owners: object[] = [owner]): object => ({
  metadata: { name: 'm', annotations: { 'kubernetes.io/config.mirror': 'h' }, ownerReferences: owners },
  spec: { nodeName: 'n1', containers: [{ name: 'c' }], ...spec },
});

test('a mirror pod belongs to its node and refers to nothing', (t) => {
  const only = 'node "n1" can only create pods with';
  t.is(refusal(PODS, mirror()), undefined);
  t.is(refusal(PODS, mirror({}, [])), `${only} an owner reference set to itself`);
  t.is(refusal(PODS, mirror({}, [owner, owner])), `${only} a single owner reference set to itself`);
  t.is(
    refusal(PODS, mirror({}, [{ ...owner, controller: false }])),
    `${only} a controller owner reference set to itself`,
  );
  t.is(refusal(PODS, mirror({}, [{ ...owner, uid: 'u2' }])), 'node n1 UID mismatch: expected u2 got u1');
  const none = 'node "n1" can not create pods that reference';
  t.is(refusal(PODS, mirror({ serviceAccountName: 'a' })), `${none} a service account`);
  const volumes = (volume: object): object => mirror({ volumes: [{ name: 'v', ...volume }] });
  t.is(refusal(PODS, volumes({ secret: { secretName: 's' } })), `${none} secrets`);
  t.is(refusal(PODS, volumes({ configMap: { name: 's' } })), `${none} configmaps`);
  t.is(refusal(PODS, volumes({ persistentVolumeClaim: { claimName: 's' } })), `${none} persistentvolumeclaims`);
});

test('labels that others trust are set by others', (t) => {
  const labelled = (...keys: string[]): object => ({
    metadata: { name: 'n1', labels: Object.fromEntries(keys.map((key) => [key, 'x'])) },
  });
  const NODES = '/api/v1/nodes';
  t.is(refusal(NODES, labelled('kubernetes.io/os', 'my.node.kubernetes.io/a', 'own.io/b')), undefined);
  t.is(
    refusal(NODES, labelled('a.node-restriction.kubernetes.io/b', 'kubernetes.io/role')),
    'node "n1" is not allowed to set the following labels: a.node-restriction.kubernetes.io/b, kubernetes.io/role',
  );
  t.is(
    refusal(`${NODES}/n1`, labelled('kubernetes.io/role'), labelled()),
    'is not allowed to modify labels: kubernetes.io/role',
  );
});

test('of a claim only what its size is may be told', (t) => {
  const claim = (phase: string, storage: string): object => ({
    metadata: { name: 'c', resourceVersion: storage },
    status: { phase, capacity: { storage } },
  });
  const path = '/api/v1/namespaces/x/persistentvolumeclaims/c';
  t.is(refusal(`${path}/status`, claim('Bound', '2'), claim('Bound', '1')), undefined);
  t.regex(
    refusal(`${path}/status`, claim('Lost', '1'), claim('Bound', '1')) ?? '',
    /^node "n1" is not allowed to update fields other than status.capacity and status.conditions/,
  );
  t.is(refusal(path, claim('Bound', '1'), claim('Bound', '1')), 'may only update PVC status');
});
