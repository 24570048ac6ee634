// Shows who may write which part of a request for a certificate once it stands.
import test from 'ava';
import { kindFor } from '../kind.ts';
import type { KubeObject } from '../object.ts';

const KIND = kindFor('certificates.k8s.io', 'v1', 'certificatesigningrequests')!;
const NOW = '2026-11-22T08:00:00Z';
const PEM = Buffer.from('-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n').toString('base64');

const one = (type: string, more: object = {}): object => ({ type, status: 'True', reason: 'r', ...more });

function request(status: object): KubeObject {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { request: 'x', signerName: 'example.com/s', usages: ['any'] },
    status,
  } as unknown as KubeObject;
}

function problems(part: 'status' | 'approval', was: object, now: object): string[] {
  const object = request(now);
  KIND.prepareForStatusUpdate(object, request(was), NOW, part);
  return KIND.validateStatusUpdate(object, request(was), part).map(({ path, message }) => `${path}: ${message}`);
}

test('a decision is made through approval alone, and lasts', (t) => {
  const approved = { conditions: [one('Approved')] };
  t.deepEqual(problems('approval', {}, approved), []);
  t.deepEqual(problems('status', {}, approved), [
    'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
  ]);
  t.deepEqual(problems('approval', approved, { conditions: [] }), [
    'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
  ]);
  t.deepEqual(problems('approval', approved, { conditions: [one('Approved'), one('Denied')] }), [
    'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
  ]);
  const object = request({ conditions: [one('Approved', { reason: 'other' })], certificate: PEM });
  KIND.prepareForStatusUpdate(object, request(approved), NOW);
  t.like(object['status'].conditions, [{ type: 'Approved', reason: 'r' }]);
});

test('a condition has a type and a status, once', (t) => {
  const conditions = [one('Failed', { status: 'False' }), { status: 'Maybe', type: 'X' }, {}, one('X')];
  t.deepEqual(problems('status', {}, { conditions }), [
    'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    'status.conditions[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    'status.conditions[2].type: Required value',
    'status.conditions[2].status: Required value',
    'status.conditions[3].type: Duplicate value: "X"',
  ]);
});

test('a certificate is set once, and is one', (t) => {
  t.deepEqual(problems('status', {}, { certificate: PEM }), []);
  t.deepEqual(problems('status', { certificate: PEM }, { certificate: 'AAAA' }), [
    'status.certificate: Forbidden: updates may not modify existing certificate content',
  ]);
  t.regex(
    problems('status', {}, { certificate: 'AAAA' })[0]!,
    /^status\.certificate: Invalid value: "<certificate data>"/,
  );
});

test('a condition has the times that its writer gave it, or those of the write', (t) => {
  const [past, given] = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z'];
  const times = (part: 'status' | 'approval', was: object[], conditions: object[]): unknown[] => {
    const object = request({ conditions });
    KIND.prepareForStatusUpdate(object, request({ conditions: was }), NOW, part);
    const all: { lastUpdateTime: string; lastTransitionTime: string }[] = object['status'].conditions;
    return all.map(({ lastUpdateTime, lastTransitionTime }) => [lastUpdateTime, lastTransitionTime]);
  };
  t.deepEqual(times('approval', [], [one('Approved')]), [[NOW, NOW]]);
  t.deepEqual(times('status', [], [one('Failed', { lastUpdateTime: given })]), [[given, NOW]]);
  const known = one('Failed', { lastUpdateTime: past, lastTransitionTime: past });
  t.deepEqual(times('status', [known], [one('Failed')]), [[NOW, past]]);
  t.deepEqual(times('approval', [one('X', { status: 'False', lastTransitionTime: past })], [one('X')]), [[NOW, NOW]]);
});

test('what was asked for never changes, and nobody is told', (t) => {
  const object = request({});
  object['spec'].usages = ['client auth'];
  KIND.prepareForUpdate(object, request({}));
  t.deepEqual(object['spec'].usages, ['any']);
});
