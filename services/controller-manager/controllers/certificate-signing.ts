// Decides which approved requests for a certificate get one, for how long, and what is said of those that must not. Never approves
// a request, never holds a key.
import { parseCertificateRequest, type CertificateRequest } from '../../../lib/api/certificate-request.ts';
import type { CertificateSigningRequest } from '../../../lib/api/generated/types.ts';
import { resourceRef } from '../../../lib/api/resource.ts';
import { toTime } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import { selfKey, type Controller, type KubeObject, type Reconciled } from '../../../lib/reconcile/controller.ts';
import type { Terms } from '../core/certificate.ts';
import { updateOf } from '../core/actions.ts';

export const SIGNING_REQUESTS = resourceRef('certificates.k8s.io', 'v1', 'certificatesigningrequests');

export type SigningRequest = CertificateSigningRequest & KubeObject;

/** Signs, or says why this one cannot be signed. PEM. */
export type IssueCertificate = (
  request: CertificateRequest,
  terms: Omit<Terms, 'serial'>,
) => { pem: string } | { problem: string };

const LONGEST_SECONDS = 365 * 24 * 3600;
const SHORTEST_SECONDS = 600;
/** Clocks of clients differ. */
const BACKDATE_SECONDS = 300;
/** Of a shorter one, the backdating takes nothing away. */
const SHORT_SECONDS = 8 * 3600;

export function certificateSigning(issue: IssueCertificate): Controller {
  return {
    name: 'certificate-signing',
    kind: 'CertificateSigningRequest',
    account: 'certificate-controller',
    watches: [{ ref: SIGNING_REQUESTS, keys: selfKey }],
    reconcile(view, { name }, now) {
      const object = view.get<SigningRequest>(SIGNING_REQUESTS, '', name);
      if (object === undefined) return { actions: [], saw: 'no such request' };
      const rule = SIGNERS[object.spec.signerName];
      if (rule === undefined) return { actions: [], saw: `for the signer ${object.spec.signerName}` };
      if ((object.status?.certificate ?? '') !== '') return { actions: [], saw: 'issued' };
      if (!hasCondition(object, 'Approved') || hasCondition(object, 'Denied') || hasCondition(object, 'Failed'))
        return { actions: [], saw: 'not approved, or refused' };
      return answer(object, rule, issue, now);
    },
  };
}

const hasCondition = ({ status }: SigningRequest, type: string): boolean =>
  (status?.conditions ?? []).some((one) => one.type === type && one.status === 'True');

function answer(object: SigningRequest, rule: Rule, issue: IssueCertificate, now: number): Reconciled {
  const request = parsed(object.spec.request);
  if (typeof request === 'string') return { actions: [], saw: 'no request that can be read', why: request };
  const { usages = [], expirationSeconds } = object.spec;
  const refusal = rule(request, usages);
  if (refusal !== undefined) return failed(object, refusal, now);
  const issued = issue(request, { usages, ...validity(expirationSeconds, now) });
  if ('problem' in issued) return failed(object, issued.problem, now);
  const certificate = new TextEncoder().encode(issued.pem).toBase64();
  const status = { ...object.status, certificate };
  return { actions: [updateOf(SIGNING_REQUESTS, { ...object, status }, 'updateStatus')], saw: 'approved, not issued' };
}

function parsed(request: string): CertificateRequest | string {
  try {
    return parseCertificateRequest(request);
  } catch (error) {
    return messageOf(error);
  }
}

function failed(object: SigningRequest, message: string, now: number): Reconciled {
  const time = toTime(now);
  const condition = {
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: time,
    lastTransitionTime: time,
  };
  const status = { ...object.status, conditions: [...(object.status?.conditions ?? []), condition] };
  return { actions: [updateOf(SIGNING_REQUESTS, { ...object, status }, 'updateStatus')], saw: message };
}

function validity(asked: number | undefined, now: number): { notBeforeMs: number; notAfterMs: number } {
  const seconds = Math.min(Math.max(asked ?? LONGEST_SECONDS, SHORTEST_SECONDS), LONGEST_SECONDS);
  const backdate = BACKDATE_SECONDS * 1000;
  const notAfterMs = now + seconds * 1000 - (seconds < SHORT_SECONDS ? 0 : backdate);
  return { notBeforeMs: now - backdate, notAfterMs };
}

/** What is wrong with a request to this signer. */
type Rule = (request: CertificateRequest, usages: readonly string[]) => string | undefined;

const SIGNERS: Readonly<Record<string, Rule>> = {
  'kubernetes.io/kube-apiserver-client': (_request, usages) => clientUsages(usages),
  'kubernetes.io/kube-apiserver-client-kubelet': kubeletClient,
  'kubernetes.io/kubelet-serving': kubeletServing,
  'kubernetes.io/legacy-unknown': () => undefined,
};

function clientUsages(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = usages.find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

const NOT_A_NODES_GROUP = 'subject organization is not system:nodes';
const NOT_A_NODES_NAME = 'subject common name does not begin with system:node:';

const isOfNodes = ({ organizations }: CertificateRequest): boolean => organizations.join('\0') === 'system:nodes';

function kubeletClient(request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return NOT_A_NODES_GROUP;
  const { dns, email, ip, uri } = request.names;
  if (dns > 0) return 'DNS subjectAltNames are not allowed';
  if (email > 0) return 'Email subjectAltNames are not allowed';
  if (ip > 0) return 'IP subjectAltNames are not allowed';
  if (uri > 0) return 'URI subjectAltNames are not allowed';
  if (!request.commonName.startsWith('system:node:')) return NOT_A_NODES_NAME;
  return exactUsages(usages, ['client auth', 'digital signature', 'key encipherment']);
}

function kubeletServing(request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return NOT_A_NODES_GROUP;
  if (!request.commonName.startsWith('system:node:')) return NOT_A_NODES_NAME;
  const { dns, email, ip, uri } = request.names;
  if (dns === 0 && ip === 0) return 'DNS or IP subjectAltName is required';
  if (email > 0) return 'Email subjectAltNames are not allowed';
  if (uri > 0) return 'URI subjectAltNames are not allowed';
  return exactUsages(usages, ['digital signature', 'key encipherment', 'server auth']);
}

/** Keys that are not RSA encipher nothing: they may leave that out. */
function exactUsages(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const given = new Set(usages);
  const optional = 'key encipherment';
  const isExact =
    wanted.every((usage) => usage === optional || given.has(usage)) && usages.every((usage) => wanted.includes(usage));
  return isExact ? undefined : `usages did not match [${wanted.join(' ')}]`;
}
