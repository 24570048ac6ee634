// Shows which requests for a certificate are signed and for how long, what is said of the others, and when a request goes.
import test from 'ava';
import { toTime } from '../../../lib/base/clock.ts';
import { makeCertificateRequest, type WantedCertificate } from '../../../test/kit/certificate-requests.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import type { Terms } from '../core/certificate.ts';
import { certificateCleaner } from './certificate-cleaner.ts';
import { SIGNING_REQUESTS, certificateSigning, type SigningRequest } from './certificate-signing.ts';

const HOUR_MS = 3_600_000;
const CLIENT = ['digital signature', 'key encipherment', 'client auth'];
const NODE = { commonName: 'system:node:n1', organizations: ['system:nodes'] };

interface Asked {
  signer?: string;
  usages?: string[];
  conditions?: object[];
  wanted?: WantedCertificate;
  expirationSeconds?: number;
}

async function asked({ signer = 'kube-apiserver-client', usages = CLIENT, wanted, conditions, ...more }: Asked) {
  const model = new ApiModel();
  const now = model.now();
  const terms: Array<Omit<Terms, 'serial'>> = [];
  const controller = certificateSigning((_request, given) => {
    terms.push(given);
    return { pem: 'PEM' };
  });
  const loops = new ModelLoops(model, [controller], { lags: false });
  const { request } = await makeCertificateRequest(wanted ?? { commonName: 'alice' });
  model.create(SIGNING_REQUESTS, {
    metadata: { name: 'r' },
    spec: { request, signerName: `kubernetes.io/${signer}`, usages, ...more },
  });
  const decide = (copy: SigningRequest): void => {
    copy.status = { conditions: (conditions ?? [{ type: 'Approved', status: 'True' }]) as [] };
  };
  model.change(SIGNING_REQUESTS, '', 'r', decide, 'status');
  await loops.settle();
  const status = model.get<SigningRequest>(SIGNING_REQUESTS, '', 'r')?.status;
  return { status, terms, now };
}

test('an approved request is signed, once', async (t) => {
  const { status, terms, now } = await asked({});
  t.is(status?.certificate, Buffer.from('PEM').toString('base64'));
  t.is(terms.length, 1);
  t.deepEqual(terms[0]!.usages, CLIENT);
  t.is(terms[0]!.notAfterMs - terms[0]!.notBeforeMs, 365 * 24 * HOUR_MS);
  t.true(terms[0]!.notBeforeMs < now);
});

test('a certificate lasts as long as was asked for, within a year', async (t) => {
  const lasts = async (expirationSeconds: number): Promise<number> => {
    const { terms, now } = await asked({ expirationSeconds });
    return (terms[0]!.notAfterMs - now) / 1000;
  };
  t.is(await lasts(600), 600);
  t.is(await lasts(24 * 3600), 24 * 3600 - 300);
  t.is(await lasts(1000 * 24 * 3600), 365 * 24 * 3600 - 300);
});

test('what nobody approved, was denied or is for another signer is left alone', async (t) => {
  const one = (type: string): object => ({ type, status: 'True' });
  for (const conditions of [[], [one('Denied')], [one('Approved'), one('Failed')]]) {
    const { status, terms } = await asked({ conditions });
    t.deepEqual([status?.certificate, terms.length], [undefined, 0]);
  }
  t.is((await asked({ signer: 'somebody-else' })).terms.length, 0);
});

const REFUSED: ReadonlyArray<[why: string, asked: Asked]> = [
  ['invalid usage for client certificate: server auth', { usages: ['server auth'] }],
  ['missing required usage for client certificate: client auth', { usages: ['digital signature'] }],
  ['subject organization is not system:nodes', { signer: 'kube-apiserver-client-kubelet' }],
  [
    'subject common name does not begin with system:node:',
    { signer: 'kubelet-serving', wanted: { ...NODE, commonName: 'n1' } },
  ],
  ['DNS or IP subjectAltName is required', { signer: 'kubelet-serving', wanted: NODE }],
  [
    'IP subjectAltNames are not allowed',
    { signer: 'kube-apiserver-client-kubelet', wanted: { ...NODE, ips: ['10.0.0.1'] } },
  ],
  [
    'usages did not match [digital signature key encipherment server auth]',
    { signer: 'kubelet-serving', wanted: { ...NODE, ips: ['10.0.0.1'] } },
  ],
];

for (const [why, wrong] of REFUSED)
  test(`a request that its signer must not sign has failed: ${why}`, async (t) => {
    const { status, terms } = await asked(wrong);
    t.is(terms.length, 0);
    const failed = status?.conditions?.find(({ type }) => type === 'Failed');
    t.is(failed?.reason, 'SignerValidationFailure');
    t.is(failed?.message, why);
    t.is(status?.certificate, undefined);
  });

test('kubelets get what they ask for, whatever their key', async (t) => {
  for (const usages of [CLIENT, ['digital signature', 'client auth']]) {
    const { status } = await asked({ signer: 'kube-apiserver-client-kubelet', wanted: NODE, usages });
    t.truthy(status?.certificate);
  }
  const serving = await asked({
    signer: 'kubelet-serving',
    wanted: { ...NODE, dnsNames: ['n1'], ips: ['10.0.0.1'] },
    usages: ['digital signature', 'server auth'],
  });
  t.truthy(serving.status?.certificate);
  t.truthy((await asked({ signer: 'legacy-unknown', usages: ['any'] })).status?.certificate);
});

test('a request goes when it has served', (t) => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  const actionsFor = (hoursAgo: number, status: object): string[] => {
    const time = toTime(now - hoursAgo * HOUR_MS);
    const conditions = ((status as { types?: string[] }).types ?? []).map((type) => ({
      type,
      status: 'True',
      lastUpdateTime: time,
    }));
    const object = {
      metadata: { name: 'r', uid: 'u', creationTimestamp: time },
      spec: { request: '', signerName: '' },
      status: { ...status, conditions },
    };
    const view = { get: () => object } as unknown as Parameters<typeof certificateCleaner.reconcile>[0];
    return certificateCleaner.reconcile(view, { namespace: '', name: 'r' }, now).actions.map(({ type }) => type);
  };
  t.deepEqual(actionsFor(23, {}), []);
  t.deepEqual(actionsFor(25, {}), ['delete']);
  t.deepEqual(actionsFor(48, { types: ['Approved'] }), []);
  t.deepEqual(actionsFor(0.5, { types: ['Approved'], certificate: 'x' }), []);
  t.deepEqual(actionsFor(1.5, { types: ['Approved'], certificate: 'x' }), ['delete']);
  t.deepEqual(actionsFor(1.5, { types: ['Denied'] }), ['delete']);
  t.deepEqual(actionsFor(1.5, { types: ['Approved', 'Failed'] }), ['delete']);
});
