// Decides what a request for a certificate is: a PEM request, whom it is for, and how it may be approved. Never signs one.
import { ageOf, humanDuration } from '../age.ts';
import { messageOf } from '../../base/errors.ts';
import { cloneJson } from '../../base/clone.ts';
import { parseCertificateRequest } from '../certificate-request.ts';
import {
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  required,
  tooLong,
  type FieldError,
} from '../field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../formats.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../generated/types.ts';
import { defineKind } from '../object.ts';

type Condition = CertificateSigningRequestCondition;

const USAGES =
  'signing|digital signature|content commitment|key encipherment|key agreement|data encipherment|cert sign|crl sign|encipher only|decipher only|any|server auth|client auth|code signing|email protection|s/mime|ipsec end system|ipsec tunnel|ipsec user|timestamping|ocsp signing|microsoft sgc|netscape sgc'.split(
    '|',
  );
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
/** What signers are promised never to undo; true or not there. */
const LASTING = ['Approved', 'Denied', 'Failed'];
const DECISIONS = ['Approved', 'Denied'];
const STATUSES = ['False', 'True', 'Unknown'];

function requestProblem(request: string): string | undefined {
  try {
    parseCertificateRequest(request);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function validateSpec({ spec }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const request = spec.request ?? '';
  const problem = requestProblem(request);
  if (problem !== undefined) errors.push(invalidValue('spec.request', request, problem));
  const usages = spec.usages ?? [];
  if (usages.length === 0) errors.push(required('spec.usages'));
  usages.forEach((usage, i) => {
    if (!USAGES.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, USAGES.toSorted()));
  });
  usages.forEach((usage, i) => {
    if (usages.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
  });
  if (spec.signerName !== LEGACY_SIGNER) errors.push(...validateSignerName(spec.signerName ?? ''));
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600)
    errors.push(
      invalidValue(
        'spec.expirationSeconds',
        spec.expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    );
  return errors;
}

const LONGEST_DOMAIN = 253;
const LONGEST_PATH = 253 + 1 + 63;

function validateSignerName(signer: string): FieldError[] {
  const path = 'spec.signerName';
  const invalid = (value: string, told: string): FieldError => invalidValue(path, value, told);
  const errors = signer === '' ? [required(path)] : [];
  const [domain = '', name = '', ...more] = signer.split('/');
  if (!signer.includes('/') || more.length > 0)
    return [
      ...errors,
      invalid(signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
    ];
  if (domain.length > LONGEST_DOMAIN) errors.push(tooLong(path, LONGEST_DOMAIN));
  const labels = domain.split('.');
  for (const label of labels)
    for (const told of dns1123Label(label)) errors.push(invalid(domain, `validating label "${label}": ${told}`));
  if (labels.length < 2)
    errors.push(invalid(domain, 'should be a domain with at least two segments separated by dots'));
  for (const label of name.split('.'))
    for (const told of dns1123Subdomain(label)) errors.push(invalid(name, `validating label "${label}": ${told}`));
  if (name.length > LONGEST_PATH) errors.push(tooLong(path, LONGEST_PATH));
  return errors;
}

function validateConditions(conditions: readonly Condition[]): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  conditions.forEach(({ type, status }, i) => {
    const path = `status.conditions[${i}]`;
    const allowed = LASTING.includes(type) ? ['True'] : STATUSES;
    if (!type) errors.push(required(`${path}.type`));
    if (!status) errors.push(required(`${path}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${path}.status`, status, allowed));
    const opposite = DECISIONS.includes(type) && DECISIONS.some((other) => other !== type && seen.has(other));
    if (opposite)
      errors.push(invalidValue(`${path}.type`, type, 'Approved and Denied conditions are mutually exclusive'));
    if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
    seen.add(type);
  });
  return errors;
}

/** Who may sign may not approve, and the other way round. */
function validateStatus(
  object: CertificateSigningRequest,
  old: CertificateSigningRequest,
  part: 'status' | 'approval',
): FieldError[] {
  const now = object.status?.conditions ?? [];
  const was = old.status?.conditions ?? [];
  const errors = validateConditions(now);
  const of = (list: readonly Condition[], type: string): Condition[] => list.filter((one) => one.type === type);
  const refuse = (what: string, type: string): void =>
    void errors.push(forbidden('status.conditions', `updates may not ${what} a condition of type "${type}"`));
  for (const type of LASTING) if (of(now, type).length < of(was, type).length) refuse('remove', type);
  if (part === 'status')
    for (const type of DECISIONS) if (of(now, type).length > of(was, type).length) refuse('add', type);
  const certificate = object.status?.certificate ?? '';
  const issued = old.status?.certificate ?? '';
  if (certificate !== issued && issued !== '')
    errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
  else if (certificate !== issued && !isPem(certificate))
    errors.push(
      invalidValue('status.certificate', '<certificate data>', 'invalid certificate, expected PEM CERTIFICATE blocks'),
    );
  return errors;
}

function isPem(base64: string): boolean {
  try {
    const text = new TextDecoder().decode(Uint8Array.fromBase64(base64));
    return /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(text);
  } catch {
    return false;
  }
}

/** What was decided stays in the words in which it was: a signer that sends them otherwise changes nothing. */
function keepDecisions(object: CertificateSigningRequest, old: CertificateSigningRequest): void {
  const conditions = object.status?.conditions;
  for (const type of DECISIONS) {
    const was = (old.status?.conditions ?? []).filter((one) => one.type === type);
    if (conditions === undefined || conditions.filter((one) => one.type === type).length !== was.length) continue;
    conditions.forEach((one, i) => {
      if (one.type === type) conditions[i] = cloneJson(was.shift()!);
    });
  }
}

/** When each condition came, where its writer did not say. */
function tellTimes(object: CertificateSigningRequest, old: CertificateSigningRequest, time: string): void {
  for (const condition of object.status?.conditions ?? []) {
    condition.lastUpdateTime ||= time;
    const same = old.status?.conditions?.find(
      ({ type, status }) => type === condition.type && status === condition.status,
    );
    condition.lastTransitionTime ||= same?.lastTransitionTime ?? time;
  }
}

function conditionText({ status }: CertificateSigningRequest): string {
  const types = (status?.conditions ?? []).map(({ type }) => type);
  const told = ['Approved', 'Denied', 'Failed'].filter((type) => types.includes(type));
  if (told.length === 0) return 'Pending';
  return (status?.certificate ?? '') === '' ? told.join(',') : [...told, 'Issued'].join(',');
}

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  nameRule: 'pathSegment',
  validate: validateSpec,
  validateCreate: ({ spec: { signerName } }) =>
    signerName === LEGACY_SIGNER
      ? [invalidValue('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version')]
      : [],
  prepareForUpdate(object, old) {
    object.spec = cloneJson(old.spec);
  },
  prepareForStatusUpdate(object, old, time, part) {
    if (part === 'status') keepDecisions(object, old);
    tellTimes(object, old, time);
  },
  validateStatusUpdate: validateStatus,
  cells: (object, now) => [
    object.metadata.name,
    ageOf(object.metadata.creationTimestamp, now),
    object.spec.signerName ?? '<none>',
    object.spec.username ?? '',
    object.spec.expirationSeconds === undefined ? '<none>' : humanDuration(object.spec.expirationSeconds * 1000),
    conditionText(object),
  ],
  fields: { 'spec.signerName': (object) => object.spec.signerName ?? '' },
});
