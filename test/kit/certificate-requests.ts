// Does: makes requests for certificates as a client would, signed with a new key. Never sends one.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  },
} as const;

export interface WantedCertificate {
  commonName: string;
  organizations?: string[];
  dnsNames?: string[];
  ips?: string[];
  key?: keyof typeof ALGORITHMS;
}

export interface MadeRequest {
  /** As `spec.request` holds it. */
  request: string;
  /** PKCS#8. */
  keyPem: string;
}

export async function makeCertificateRequest(wanted: WantedCertificate): Promise<MadeRequest> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const signingAlgorithm = ALGORITHMS[wanted.key ?? 'ec'];
  const keys = (await webcrypto.subtle.generateKey(signingAlgorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const names = [
    ...(wanted.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(wanted.ips ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...(wanted.organizations ?? []).map((name) => ({ O: [name] })), { CN: [wanted.commonName] }],
    keys,
    signingAlgorithm,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    request: Buffer.from(`${made.toString('pem')}\n`).toString('base64'),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}
