// Decides what a certificate says that answers a request: an X.509 v3 body (RFC 5280) in DER. Never signs it.
import type { CertificateRequest } from '../../../lib/api/certificate-request.ts';
import { DER, readDer, writeDer, writeObjectId, objectIdText } from '../../../lib/api/der.ts';

export interface Issuer {
  /** Its Name, in DER, byte for byte as in its own certificate: that is how a chain is followed. */
  name: Uint8Array;
  keyId: Uint8Array | undefined;
  notAfterMs: number;
}

export interface Terms {
  serial: Uint8Array;
  /** As CertificateSigningRequests name them. */
  usages: readonly string[];
  notBeforeMs: number;
  notAfterMs: number;
}

/** Bits of KeyUsage. */
const KEY_USAGES: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
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

const TRUE = writeDer(DER.boolean, Uint8Array.of(0xff));
const VERSION_3 = writeDer(DER.explicit(0), writeDer(DER.integer, Uint8Array.of(2)));
const FIRST_GENERALIZED_YEAR = 2050;

/** `algorithm`: AlgorithmIdentifier of the signature that it will get, in DER. */
export function certificateBody(
  request: CertificateRequest,
  issuer: Issuer,
  terms: Terms,
  algorithm: Uint8Array,
): Uint8Array {
  return writeDer(
    DER.sequence,
    VERSION_3,
    writeDer(DER.integer, terms.serial),
    algorithm,
    issuer.name,
    writeDer(DER.sequence, timeOf(terms.notBeforeMs), timeOf(Math.min(terms.notAfterMs, issuer.notAfterMs))),
    request.subject,
    request.publicKey,
    writeDer(DER.explicit(3), writeDer(DER.sequence, ...extensions(request, issuer, terms.usages))),
  );
}

function* extensions(request: CertificateRequest, issuer: Issuer, usages: readonly string[]): Generator<Uint8Array> {
  const bits = usages.flatMap((usage) => KEY_USAGES[usage] ?? []);
  if (bits.length > 0) yield extension('2.5.29.15', true, writeBits(bits));
  const ids = [...new Set(usages.flatMap((usage) => EXTENDED_KEY_USAGES[usage] ?? []))];
  if (ids.length > 0) yield extension('2.5.29.37', false, writeDer(DER.sequence, ...ids.map(writeObjectId)));
  // An empty sequence: no authority itself, whatever was asked for.
  yield extension('2.5.29.19', true, writeDer(DER.sequence));
  if (issuer.keyId !== undefined)
    yield extension('2.5.29.35', false, writeDer(DER.sequence, writeDer(0x80, issuer.keyId)));
  const hasSubject = readDer(request.subject)[0]!.content.length > 0;
  if (request.otherNames !== undefined) yield extension('2.5.29.17', !hasSubject, request.otherNames);
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [TRUE] : [];
  return writeDer(DER.sequence, writeObjectId(id), ...critical, writeDer(DER.octetString, value));
}

/** Bit 0 is the highest of the first byte; zeros at the end are left out. */
function writeBits(bits: readonly number[]): Uint8Array {
  const highest = Math.max(...bits);
  const bytes = new Uint8Array(1 + Math.floor(highest / 8) + 1);
  bytes[0] = 7 - (highest % 8);
  for (const bit of bits) bytes[1 + Math.floor(bit / 8)]! |= 0x80 >> (bit % 8);
  return writeDer(DER.bitString, bytes);
}

function timeOf(ms: number): Uint8Array {
  const text = `${new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`;
  const isLate = Number(text.slice(0, 4)) >= FIRST_GENERALIZED_YEAR;
  const encode = (digits: string): Uint8Array => new TextEncoder().encode(digits);
  return isLate ? writeDer(DER.generalizedTime, encode(text)) : writeDer(DER.utcTime, encode(text.slice(2)));
}

export function signedCertificate(body: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return writeDer(DER.sequence, body, algorithm, writeDer(DER.bitString, Uint8Array.of(0), signature));
}

export function pemOf(certificate: Uint8Array): string {
  const lines = certificate.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const SUBJECT_KEY_ID = '2.5.29.14';

/** What of an authority's own certificate (DER) goes into those that it signs. */
export function issuerOf(certificate: Uint8Array): Pick<Issuer, 'name' | 'keyId'> {
  const [body] = readDer(readDer(certificate)[0]!.content);
  const fields = readDer(body!.content);
  // Version, serial, algorithm, issuer, validity, subject.
  const name = fields[5]!.bytes;
  const list = fields.find(({ tag }) => tag === DER.explicit(3));
  const all = list === undefined ? [] : readDer(readDer(list.content)[0]!.content);
  for (const parts of all.map(({ content }) => readDer(content)))
    if (objectIdText(parts[0]!.content) === SUBJECT_KEY_ID)
      return { name, keyId: readDer(parts.at(-1)!.content)[0]!.content };
  return { name, keyId: undefined };
}
