// Decides what a PKCS#10 request asks for: whose key, in which name, for which addresses. Never checks its signature.
import { DER, objectIdText, readDer, type DerValue } from './der.ts';

export interface CertificateRequest {
  /** What its sender signed. */
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
const NAME_TAGS = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 };
const BMP_STRING = 0x1e;

const PEM = /-----BEGIN CERTIFICATE REQUEST-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE REQUEST-----/;

/** `base64`: of the PEM text, as it stands in a CertificateSigningRequest. Throws an Error that says what is wrong. */
export function parseCertificateRequest(base64: string): CertificateRequest {
  const [whole, ...more] = readDer(pemBody(base64));
  if (whole?.tag !== DER.sequence) throw new TypeError("asn1: structure error: tags don't match");
  if (more.length > 0) throw new TypeError('x509: trailing data after certificate request');
  const [info, algorithm, signature] = children(whole, 3);
  const [, subject, publicKey, attributes] = children(info!, 3);
  const found = attributesOf(subject!);
  const otherNames = attributes === undefined ? undefined : namesExtension(attributes);
  return {
    signed: info!.bytes,
    algorithm: objectIdText(children(algorithm!, 1)[0]!.content),
    signature: signature!.content.subarray(1),
    subject: subject!.bytes,
    publicKey: publicKey!.bytes,
    commonName: found.findLast(([id]) => id === COMMON_NAME)?.[1] ?? '',
    organizations: found.filter(([id]) => id === ORGANIZATION).map(([, text]) => text),
    names: countNames(otherNames),
    otherNames,
  };
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

function children(value: DerValue, least: number): DerValue[] {
  const found = readDer(value.content);
  if (found.length < least) throw new TypeError('asn1: structure error: sequence is too short');
  return found;
}

/** Object ids and texts of a Name, in their order. */
function attributesOf(name: DerValue): Array<[string, string]> {
  return readDer(name.content).flatMap((set) =>
    readDer(set.content).map((one): [string, string] => {
      const [id, text] = children(one, 2);
      return [objectIdText(id!.content), textOf(text!)];
    }),
  );
}

const textOf = ({ tag, content }: DerValue): string =>
  new TextDecoder(tag === BMP_STRING ? 'utf-16be' : 'utf-8').decode(content);

function namesExtension(attributes: DerValue): Uint8Array | undefined {
  for (const attribute of readDer(attributes.content)) {
    const [id, values] = children(attribute, 2);
    if (objectIdText(id!.content) !== EXTENSION_REQUEST) continue;
    for (const extension of children(values!, 1).flatMap((list) => readDer(list.content))) {
      const parts = children(extension, 2);
      if (objectIdText(parts[0]!.content) === SUBJECT_ALT_NAME) return parts.at(-1)!.content;
    }
  }
  return undefined;
}

function countNames(otherNames: Uint8Array | undefined): CertificateRequest['names'] {
  const names = otherNames === undefined ? [] : readDer(otherNames).flatMap((list) => readDer(list.content));
  const count = (tag: number): number => names.filter((name) => name.tag === tag).length;
  return {
    dns: count(NAME_TAGS.dns),
    email: count(NAME_TAGS.email),
    ip: count(NAME_TAGS.ip),
    uri: count(NAME_TAGS.uri),
  };
}
