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
];
