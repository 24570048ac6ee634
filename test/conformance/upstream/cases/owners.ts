// Requests of patches that are odd, and of who owns fields in one version of a kind that others write in another.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = 'namespaces/owners';
const MAP = `/api/v1/${NS}/configmaps/a`;
const scalers = (version: string): string => `/apis/autoscaling/${version}/${NS}/horizontalpodautoscalers/h`;

const patch = (type: string, name: string, p: string, body: unknown): Case => ({
  name,
  m: 'PATCH',
  p,
  b: JSON.stringify(body),
  h: { 'content-type': `application/${type}` },
});
const operations = (name: string, ...list: unknown[]): Case =>
  patch('json-patch+json', name, `${MAP}?dryRun=All`, list);
const merge = (name: string, p: string, body: unknown): Case => patch('merge-patch+json', name, p, body);
const made = (name: string, body: unknown): Case => merge(name, `${MAP}?dryRun=All`, body);

const scaler = (version: string, spec: object): object => ({
  apiVersion: `autoscaling/${version}`,
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h' },
  spec: { scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, maxReplicas: 5, ...spec },
});
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
const apply = (name: string, manager: string, version: string, spec: object): Case =>
  patch('apply-patch+yaml', name, `${scalers(version)}?fieldManager=${manager}`, scaler(version, spec));
const entry = (apiVersion: string, manager: string): object => ({
  manager,
  operation: 'Update',
  apiVersion,
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': { 'f:maxReplicas': {} } },
});

export const cases: readonly Case[] = [
  ...createNamespace('owners'),
  {
    name: 'map',
    m: 'POST',
    p: `/api/v1/${NS}/configmaps`,
    b: { metadata: { name: 'a', finalizers: ['x.io/a', 'x.io/b'] }, data: { x: '1', y: '2' } },
  },
  operations('replacing what is not there', { op: 'replace', path: '/data/z', value: 'new' }),
  operations('removing what is not there', { op: 'remove', path: '/data/z' }),
  operations('the last of a list', { op: 'remove', path: '/metadata/finalizers/-1' }),
  operations('a place with a zero', { op: 'remove', path: '/metadata/finalizers/01' }),
  operations('no place', { op: 'add', path: '/metadata/finalizers/9', value: 'x.io/c' }),
  operations('nothing to replace', { op: 'replace', path: '', value: 'new' }),
  operations('a test of nothing', { op: 'test', path: '/data/z', value: null }),
  operations('after a failed test', { op: 'test', path: '/data/x', value: '9' }, { op: 'remove', path: '/data/x' }),
  operations('no value', { op: 'add', path: '/data/z' }),
  operations('an operation that is none', { op: 5, path: '/data/x' }),
  operations('more than an operation has', { op: 'add', path: '/data/z', value: '1', more: 1 }),
  operations('another kind by operations', { op: 'add', path: '/apiVersion', value: 'v2' }),
  made('another version', { apiVersion: 'v2' }),
  made('no name', { metadata: { name: null } }),
  made('another uid', { metadata: { uid: 'b' } }),
  made('a revision that is none', { metadata: { resourceVersion: 'x' } }),
  made('another beginning', { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' } }),
  made('no metadata', { metadata: 'x' }),
  made('no text', { data: { x: 5 } }),
  made('an owner twice', {
    metadata: { ownerReferences: [1, 2].map(() => ({ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' })) },
  }),
  patch('strategic-merge-patch+json', 'another version strategically', `${MAP}?dryRun=All`, { apiVersion: 'v2' }),
  patch('strategic-merge-patch+json', 'nothing strategically', `${MAP}?dryRun=All`, null),
  apply('v2 is applied', 'one', 'v2', { metrics: [cpu] }),
  merge('v1 is updated', `${scalers('v1')}?fieldManager=two`, { spec: { targetCPUUtilizationPercentage: 70 } }),
  { name: 'read as v2', p: scalers('v2') },
  apply('in conflict with a field of v1', 'one', 'v2', { metrics: [cpu] }),
  { ...apply('v1 is applied by another', 'three', 'v1', { minReplicas: 2 }) },
  apply('what v1 applied goes by v2', 'three', 'v2', {}),
  { name: 'v1 asks for no metric', m: 'PUT', p: `${scalers('v1')}?fieldManager=four`, b: scaler('v1', {}) },
  merge('owners of versions that nobody serves', `${scalers('v1')}?fieldManager=five`, {
    metadata: { managedFields: [entry('autoscaling/v2beta2', 'old'), entry('autoscaling/v2', 'known')] },
  }),
];
