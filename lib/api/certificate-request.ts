// Decides what a PKCS#10 request asks for: whose key, in which name, for which addresses. Never checks its signature.
import { CertificationRequest, type CertificationRequestInfo } from '@peculiar/asn1-csr';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Extensions, SubjectAlternativeName, type Extension, type Name } from '@peculiar/asn1-x509';
import { messageOf } from '../base/errors.ts';

export interface CertificateRequest {
  /** What its sender signed, in DER. */
  signed: Uint8Array;
  /** Object id of how. */
  algorithm: string;
  signature: Uint8Array;
  /** A Name, in DER. */
  subject: Uint8Array;
  /** SubjectPublicKeyInfo, in DER. */
  publicKey: Uint8Array;
  commonName: string;
  organizations: string[];
  /** How many names of each form it asks for besides. */
  names: { dns: number; email: number; ip: number; uri: number };
  /** The value of the extension with those names: GeneralNames, in DER. */
  otherNames: Uint8Array | undefined;
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALT_NAME = '2.5.29.17';

const PEM = /-----BEGIN CERTIFICATE REQUEST-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE REQUEST-----/;

/** `base64`: of the PEM text, as it stands in a CertificateSigningRequest. Throws TypeError that says what is wrong. */
export function parseCertificateRequest(base64: string): CertificateRequest {
  const body = pemBody(base64);
  try {
    return requestOf(AsnConvert.parse(body, CertificationRequest));
  } catch (error) {
    throw new TypeError(`asn1: structure error: ${messageOf(error)}`, { cause: error });
  }
}

function pemBody(base64: string): Uint8Array {
  try {
    const body = PEM.exec(new TextDecoder().decode(Uint8Array.fromBase64(base64)))?.[1];
    if (body !== undefined) return Uint8Array.fromBase64(body);
  } catch {
    // Neither of them is told apart from text that is no PEM at all.
  }
  throw new TypeError('PEM block type must be CERTIFICATE REQUEST');
}

function requestOf(request: CertificationRequest): CertificateRequest {
  const { certificationRequestInfo: info, certificationRequestInfoRaw: raw, signatureAlgorithm, signature } = request;
  const otherNames = extensionsOf(info).find(({ extnID }) => extnID === SUBJECT_ALT_NAME)?.extnValue;
  const values = (type: string): string[] => textsOf(info.subject, type);
  return {
    signed: new Uint8Array(raw ?? AsnConvert.serialize(info)),
    algorithm: signatureAlgorithm.algorithm,
    signature: new Uint8Array(signature),
    subject: new Uint8Array(AsnConvert.serialize(info.subject)),
    publicKey: new Uint8Array(AsnConvert.serialize(info.subjectPKInfo)),
    commonName: values(COMMON_NAME).at(-1) ?? '',
    organizations: values(ORGANIZATION),
    names: countNames(otherNames?.buffer),
    otherNames: otherNames === undefined ? undefined : new Uint8Array(otherNames.buffer),
  };
}

/** The classes of ASN.1 lists make lists of their own kind: what is made of one begins with an array. */
const textsOf = (name: Name, type: string): string[] =>
  [...name].flatMap((set) => [...set].filter((one) => one.type === type).map(({ value }) => value.toString()));

function extensionsOf(info: CertificationRequestInfo): Extension[] {
  // Some senders leave the attributes out where there are none.
  const attributes = (info.attributes as typeof info.attributes | undefined) ?? [];
  const lists = [...attributes].filter(({ type }) => type === EXTENSION_REQUEST).flatMap(({ values }) => values);
  return lists.flatMap((list) => [...AsnConvert.parse(list, Extensions)]);
}

function countNames(otherNames: ArrayBuffer | undefined): CertificateRequest['names'] {
  const names = otherNames === undefined ? [] : [...AsnConvert.parse(otherNames, SubjectAlternativeName)];
  return {
    dns: names.filter(({ dNSName }) => dNSName !== undefined).length,
    email: names.filter(({ rfc822Name }) => rfc822Name !== undefined).length,
    ip: names.filter(({ iPAddress }) => iPAddress !== undefined).length,
    uri: names.filter(({ uniformResourceIdentifier }) => uniformResourceIdentifier !== undefined).length,
  };
}
