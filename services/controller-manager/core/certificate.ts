// Decides what a certificate says that answers a request: the body of an X.509 v3 certificate (RFC 5280). Never signs it.
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import type { CertificateRequest } from '../../../lib/api/certificate-request.ts';

export interface Issuer {
  /** As in its own certificate: that is how a chain is followed. */
  name: Name;
  keyId: ArrayBuffer | undefined;
  notAfterMs: number;
}

export interface Terms {
  serial: Uint8Array;
  /** As CertificateSigningRequests name them. */
  usages: readonly string[];
  notBeforeMs: number;
  notAfterMs: number;
}

const KEY_USAGES: Readonly<Record<string, KeyUsageFlags>> = {
  signing: KeyUsageFlags.digitalSignature,
  'digital signature': KeyUsageFlags.digitalSignature,
  'content commitment': KeyUsageFlags.nonRepudiation,
  'key encipherment': KeyUsageFlags.keyEncipherment,
  'data encipherment': KeyUsageFlags.dataEncipherment,
  'key agreement': KeyUsageFlags.keyAgreement,
  'cert sign': KeyUsageFlags.keyCertSign,
  'crl sign': KeyUsageFlags.cRLSign,
  'encipher only': KeyUsageFlags.encipherOnly,
  'decipher only': KeyUsageFlags.decipherOnly,
};

const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/** Object ids of extensions. */
const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  otherNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** `signature`: of the signature that it will get. */
export function certificateBody(
  request: CertificateRequest,
  issuer: Issuer,
  terms: Terms,
  signature: AlgorithmIdentifier,
): TBSCertificate {
  const subject = AsnConvert.parse(request.subject, Name);
  return new TBSCertificate({
    version: Version.v3,
    serialNumber: terms.serial.slice().buffer,
    signature,
    issuer: issuer.name,
    validity: new Validity({
      notBefore: new Date(terms.notBeforeMs),
      notAfter: new Date(Math.min(terms.notAfterMs, issuer.notAfterMs)),
    }),
    subject,
    subjectPublicKeyInfo: AsnConvert.parse(request.publicKey, SubjectPublicKeyInfo),
    extensions: new Extensions([...extensions(request, subject, issuer, terms.usages)]),
  });
}

function* extensions(
  { otherNames }: CertificateRequest,
  subject: Name,
  issuer: Issuer,
  usages: readonly string[],
): Generator<Extension> {
  const flags = usages.reduce((sum, usage) => sum | (KEY_USAGES[usage] ?? 0), 0);
  if (flags !== 0) yield extension(EXTENSION.keyUsage, true, new KeyUsage(flags));
  const ids = [...new Set(usages.flatMap((usage) => EXTENDED_KEY_USAGES[usage] ?? []))];
  if (ids.length > 0) yield extension(EXTENSION.extendedKeyUsage, false, new ExtendedKeyUsage(ids));
  // No authority itself, whatever was asked for.
  yield extension(EXTENSION.basicConstraints, true, new BasicConstraints({ cA: false }));
  if (issuer.keyId !== undefined) {
    const keyIdentifier = new KeyIdentifier(issuer.keyId);
    yield extension(EXTENSION.authorityKeyId, false, new AuthorityKeyIdentifier({ keyIdentifier }));
  }
  if (otherNames !== undefined)
    yield new Extension({
      extnID: EXTENSION.otherNames,
      critical: subject.length === 0,
      extnValue: new OctetString(otherNames),
    });
}

function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** What of an authority's own certificate (DER) goes into those that it signs. */
export function issuerOf(certificate: Uint8Array): Pick<Issuer, 'name' | 'keyId'> {
  const { subject, extensions: own } = AsnConvert.parse(certificate, Certificate).tbsCertificate;
  const keyId = own?.find(({ extnID }) => extnID === EXTENSION.subjectKeyId);
  return { name: subject, keyId: keyId && AsnConvert.parse(keyId.extnValue.buffer, SubjectKeyIdentifier).buffer };
}

/** PEM. */
export function signedCertificate(body: TBSCertificate, signature: Uint8Array): string {
  const certificate = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm: body.signature,
    signatureValue: signature.slice().buffer,
  });
  const lines = new Uint8Array(AsnConvert.serialize(certificate)).toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
