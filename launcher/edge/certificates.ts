// Does: keeps the cluster's certificate authority, the servers' certificates, the owner's client certificate and the
// ServiceAccount key. Never replaces one that is still good: every kubeconfig out there hangs on them.
import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { readIfThere, writeFileAtomic } from './files.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 825;
/** Renewed by the first `up` within this time of its end. */
const RENEW_DAYS = 30;

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const USAGES = { server: [SERVER_AUTH], client: [CLIENT_AUTH], peer: [SERVER_AUTH, CLIENT_AUTH] };

export interface CertificateFiles {
  cert: string;
  key: string;
}

export interface LeafRequest {
  commonName: string;
  organizations?: string[];
  /** `peer`: both, as servers of the bus are to each other. */
  usage: 'server' | 'client' | 'peer';
  dnsNames?: string[];
  ips?: string[];
}

export interface Authority {
  certPem: string;
  issue(request: LeafRequest, files: CertificateFiles): Promise<void>;
}

/** The CA of the files, made when there is none. */
export async function openAuthority(name: string, files: CertificateFiles): Promise<Authority> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const certPem = readIfThere(files.cert);
  const keyPem = readIfThere(files.key);
  if (certPem === undefined || keyPem === undefined) await createAuthority(name, files);
  const certificate = new x509.X509Certificate(readIfThere(files.cert)!);
  const key = await importKey(readIfThere(files.key)!);
  return {
    certPem: readIfThere(files.cert)!,
    async issue(request, leafFiles) {
      if (!isGood(leafFiles, request, certificate)) await issueLeaf(request, leafFiles, certificate, key);
    },
  };
}

/** An EC P-256 key in PKCS#8, made when there is none. */
export async function ensurePrivateKey(path: string): Promise<void> {
  if (readIfThere(path) !== undefined) return;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  writeFileAtomic(path, await exportKey(keys.privateKey));
}

async function createAuthority(name: string, files: CertificateFiles): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [name] }],
    ...validity(CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeFileAtomic(files.key, await exportKey(keys.privateKey));
  writeFileAtomic(files.cert, `${certificate.toString('pem')}\n`);
}

async function issueLeaf(
  request: LeafRequest,
  files: CertificateFiles,
  ca: x509.X509Certificate,
  caKey: webcrypto.CryptoKey,
): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ips ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    issuer: ca.subjectName,
    subject: [...(request.organizations ?? []).map((name) => ({ O: [name] })), { CN: [request.commonName] }],
    ...validity(LEAF_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(USAGES[request.usage]),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  // Key first: a crash in between leaves a pair that does not match, which the next start sees and replaces.
  writeFileAtomic(files.key, await exportKey(keys.privateKey));
  writeFileAtomic(files.cert, `${certificate.toString('pem')}\n`);
}

/** Ours, not near its end, its key matches, and it names everything that it must. */
function isGood(files: CertificateFiles, request: LeafRequest, ca: x509.X509Certificate): boolean {
  const certPem = readIfThere(files.cert);
  const keyPem = readIfThere(files.key);
  if (certPem === undefined || keyPem === undefined) return false;
  try {
    const certificate = new NodeCertificate(certPem);
    const authority = new NodeCertificate(ca.toString('pem'));
    const names = new Set(
      (certificate.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, '')),
    );
    return (
      certificate.verify(authority.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(keyPem)) &&
      Date.parse(certificate.validTo) - Date.now() > RENEW_DAYS * DAY_MS &&
      [...(request.dnsNames ?? []), ...(request.ips ?? [])].every((name) => names.has(name))
    );
  } catch {
    return false;
  }
}

/** An hour back: clocks of clients differ. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + days * DAY_MS) };
}

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0]! &= 0x7f;
  bytes[0]! |= 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
