// Requests that upstream's own conformance suite found us to answer otherwise. Never a case that another area has.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = '/api/v1/namespaces/suite';
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const REVIEW = { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } };
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const TWICE =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\ndata:\n  a: "1"\n  b: "1"\n  a: "2"\n  b: "2"\n';
const apply = (name: string, b: string, fieldValidation: string): Case => ({
  name,
  m: 'PATCH',
  p: `${NS}/configmaps/twice?fieldManager=suite&fieldValidation=${fieldValidation}`,
  h: APPLY,
  b,
});

const webhook = (name: string, service: object): Case => ({
  name,
  m: 'POST',
  p: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  b: {
    metadata: { name: 'suite' },
    webhooks: [
      {
        name: 'suite.example.com',
        clientConfig: { service },
        rules: [{ operations: ['CREATE'], apiGroups: ['none.example.com'], apiVersions: ['v1'], resources: ['none'] }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  },
});

const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const SUITE = '/apis/suite.example.com/v1/namespaces/suite';
const DEEP = { a: { b: 1 }, l: [1] };
const KNOWN = { type: 'object', properties: { b: { type: 'integer' }, c: { type: 'integer' } } };
const SOME = {
  set: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
  known: KNOWN,
  half: { ...ANYTHING, properties: { known: KNOWN } },
};

const type = (plural: string, kind: string, openAPIV3Schema: object, subresources?: object): Case => ({
  name: `type ${kind}`,
  m: 'POST',
  p: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  b: {
    metadata: { name: `${plural}.suite.example.com` },
    spec: {
      group: 'suite.example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, subresources }],
    },
  },
});
const served = (plural: string): Case => ({
  name: `${plural} are served`,
  p: `${SUITE}/${plural}/none`,
  until: ({ body }) => body?.details?.name === 'none',
});
const one = (kind: string, more: object): object => ({
  apiVersion: 'suite.example.com/v1',
  kind,
  metadata: { name: 'one', labels: { a: 'b' } },
  ...more,
});
const rat = (name: string, by: string, b: object, part = ''): Case => ({
  name: `any field: ${name}`,
  m: 'PATCH',
  p: `${SUITE}/rats/one${part}?fieldManager=${by}`,
  h: APPLY,
  b: one('Rat', b),
});
const mouse = (name: string, by: string, b: object): Case => ({
  name: `without /status: ${name}`,
  m: 'PATCH',
  p: `${SUITE}/mice/one?fieldManager=${by}`,
  h: APPLY,
  b: one('Mouse', b),
});
/** A client's that knows nothing of apply. */
const updated = (plural: string, b: object): Case => ({
  name: `${plural} updated`,
  m: 'PATCH',
  p: `${SUITE}/${plural}/one?fieldManager=four`,
  h: { 'content-type': 'application/merge-patch+json' },
  b,
});

const MAPS = `${NS}/configmaps`;
const withRevision = (name: string, resourceVersion: string, more: object = {}, query = ''): Case => ({
  name: `created with a revision: ${name}`,
  m: 'POST',
  p: `${MAPS}${query}`,
  b: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'revised', resourceVersion }, ...more },
});

const secured = (level: string): Case => ({
  name: `namespace of ${level} pods`,
  m: 'PATCH',
  p: NS,
  h: { 'content-type': 'application/merge-patch+json' },
  b: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } } },
});
const securedPod = (name: string, container: object, spec: object = {}): Case => ({
  name: `pod security: ${name}`,
  m: 'POST',
  p: `${NS}/pods?dryRun=All`,
  b: { metadata: { name: 'secured' }, spec: { ...spec, containers: [{ name: 'a', image: 'b', ...container }] } },
});

export const cases: readonly Case[] = [
  ...createNamespace('suite'),
  apply('apply YAML with keys that come again, strictly', TWICE, 'Strict'),
  apply('apply YAML with keys that come again, with warnings', TWICE, 'Warn'),
  apply(
    'apply JSON with a key that comes again, strictly',
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}',
    'Strict',
  ),
  apply('apply YAML with keys that come again, silently', TWICE, 'Ignore'),
  { name: 'review as a table', m: 'POST', p: REVIEWS, h: { accept: TABLE }, b: REVIEW },
  webhook('webhook of a Service with a path that is none', { namespace: 'suite', name: 'web', path: 'none' }),
  webhook('webhook of a Service of no name and no path', { path: '' }),
  {
    name: 'pod',
    m: 'POST',
    p: `${NS}/pods`,
    b: { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
  {
    name: 'an ephemeral container counts as a change of the spec',
    m: 'PATCH',
    p: `${NS}/pods/web/ephemeralcontainers`,
    h: { 'content-type': 'application/strategic-merge-patch+json' },
    b: { spec: { ephemeralContainers: [{ name: 'look', image: 'busybox' }] } },
  },
  webhook('webhook of a Service with an empty path', { namespace: 'suite', name: 'web', path: '' }),
  type('rats', 'Rat', { ...ANYTHING, properties: SOME }, { status: {} }),
  served('rats'),
  rat('applied', 'one', {
    set: ['a', 'b'],
    known: { b: 1 },
    half: { known: { b: 1 }, other: DEEP },
    other: DEEP,
    status: { b: 1 },
    empty: {},
  }),
  rat('in conflict', 'two', { set: ['b', 'c'], other: { a: { b: 2 } } }),
  rat('less is applied', 'one', { set: ['a'], half: { other: { a: { c: 1 } } } }),
  rat('status', 'three', { status: { c: 1 }, spec: { d: 1 }, other: { d: 1 } }, '/status'),
  updated('rats', { set: null, known: { b: 2 }, half: { known: { b: 3 }, other: { x: {} } }, more: { e: 'f' } }),
  {
    name: 'rat made',
    m: 'POST',
    p: `${SUITE}/rats?fieldManager=five`,
    b: one('Rat', { metadata: { name: 'new' }, other: DEEP, known: { b: 1 } }),
  },
  type('mice', 'Mouse', { type: 'object', properties: { ...SOME, spec: KNOWN, status: KNOWN } }),
  served('mice'),
  mouse('applied', 'one', { set: ['a'], spec: { b: 1 }, status: { b: 1 }, half: { known: { b: 1 }, other: DEEP } }),
  mouse('in conflict', 'two', { status: { b: 2 } }),
  updated('mice', { status: { c: 3 } }),
  mouse('less is applied', 'one', { status: { b: 1 } }),
  withRevision('of a text', 'x', {}, '?dryRun=All'),
  withRevision('dry', '5', {}, '?dryRun=All'),
  withRevision('invalid', '5', { data: { '..': 'x' } }),
  withRevision('of another namespace', '5', { metadata: { name: 'a', namespace: 'other', resourceVersion: '5' } }),
  withRevision('none but zero', '0'),
  withRevision('that is there', '5'),
  withRevision('that is there, of a text', 'x'),
  {
    ...withRevision('of a pod', '5'),
    p: `${NS}/pods`,
    b: {
      metadata: { name: 'p', resourceVersion: '5' },
      spec: { serviceAccountName: 'nobody', containers: [{ name: 'a', image: 'b' }] },
    },
  },
  secured('baseline'),
  securedPod('a hook and a probe of another host', {
    lifecycle: { postStart: { httpGet: { host: '10.0.0.1', port: 80 } } },
    livenessProbe: { tcpSocket: { host: '10.0.0.2', port: 80 } },
  }),
  securedPod(
    'much that a baseline forbids',
    { securityContext: { privileged: true, procMount: 'Unmasked' }, ports: [{ containerPort: 1, hostPort: 1 }] },
    { hostNetwork: true, hostUsers: false, volumes: [{ name: 'h', hostPath: { path: '/' } }] },
  ),
  secured('restricted'),
  securedPod('nothing is said', {}),
];
