// Decides what a request for a certificate is: a PEM request, whom it is for, and how it may be approved. Never signs one.
import { ageOf, humanDuration } from '../age.ts';
import { equalObjects } from '../equality.ts';
import { duplicate, forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { isSubdomain } from '../formats.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../generated/types.ts';
import { defineKind } from '../object.ts';

type Condition = CertificateSigningRequestCondition;

const USAGES =
  'signing|digital signature|content commitment|key encipherment|key agreement|data encipherment|cert sign|crl sign|encipher only|decipher only|any|server auth|client auth|code signing|email protection|s/mime|ipsec end system|ipsec tunnel|ipsec user|timestamping|ocsp signing|microsoft sgc|netscape sgc'.split(
    '|',
  );
/** What signers are promised never to undo. */
const LASTING = ['Approved', 'Denied', 'Failed'];

function isPemRequest(base64: string): boolean {
  try {
    const text = new TextDecoder().decode(Uint8Array.fromBase64(base64));
    return /-----BEGIN (NEW )?CERTIFICATE REQUEST-----[\s\S]+-----END (NEW )?CERTIFICATE REQUEST-----/.test(text);
  } catch {
    return false;
  }
}

function validateSpec({ spec }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const request = spec.request ?? '';
  if (!isPemRequest(request))
    errors.push(invalidValue('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST'));
  const usages = spec.usages ?? [];
  if (usages.length === 0) errors.push(required('spec.usages', 'usages must be provided'));
  usages.forEach((usage, i) => {
    if (!USAGES.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, USAGES.toSorted()));
    if (usages.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage));
  });
  const signer = spec.signerName ?? '';
  const [domain = '', ...path] = signer.split('/');
  if (signer === '') errors.push(required('spec.signerName'));
  else if (path.length !== 1 || !domain.includes('.') || !isSubdomain(domain) || path[0] === '')
    errors.push(
      invalidValue(
        'spec.signerName',
        signer,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'",
      ),
    );
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600)
    errors.push(
      invalidValue(
        'spec.expirationSeconds',
        spec.expirationSeconds,
        'may not specify a duration less than 600 seconds',
      ),
    );
  return errors;
}

function validateConditions(now: readonly Condition[], was: readonly Condition[]): FieldError[] {
  const has = (list: readonly Condition[], type: string): boolean => list.some((one) => one.type === type);
  const errors: FieldError[] = [];
  if (has(now, 'Approved') && has(now, 'Denied'))
    errors.push(invalidValue('status.conditions', '', 'Approved and Denied conditions are mutually exclusive'));
  for (const type of LASTING)
    if (has(was, type) && !has(now, type))
      errors.push(forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`));
  return errors;
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
  validate: validateSpec,
  validateUpdate: ({ spec }, { spec: was }) =>
    equalObjects(spec, was) ? [] : [invalidValue('spec', spec, 'field is immutable')],
  validateStatusUpdate: ({ status }, old) => validateConditions(status?.conditions ?? [], old.status?.conditions ?? []),
  columns: [
    ['Name', 'string', 'name', 0],
    ['Age', 'string', '', 0],
    ['SignerName', 'string', '', 0],
    ['Requestor', 'string', '', 0],
    ['RequestedDuration', 'string', '', 0],
    ['Condition', 'string', '', 0],
  ],
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
