// Decides whether a request for a certificate was signed with the key that it is for: else a certificate would tie a name to
// somebody else's key. Never looks at the name.
import { createPublicKey, verify } from 'node:crypto';
import type { CertificateRequest } from '../api/certificate-request.ts';

interface Algorithm {
  /** null: the algorithm takes its own. */
  digest: string | null;
  /** As node calls the type of its keys. */
  keys: string;
  /** How upstream's library says that a signature does not fit. */
  failure: string;
}

const RSA = { keys: 'rsa', failure: 'crypto/rsa: verification error' };
const ECDSA = { keys: 'ec', failure: 'x509: ECDSA verification failure' };
/** By object id. SHA-1 is no longer safe for certificates, but a request is only ever signed for the moment. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  '1.2.840.113549.1.1.5': { ...RSA, digest: 'sha1' },
  '1.2.840.113549.1.1.11': { ...RSA, digest: 'sha256' },
  '1.2.840.113549.1.1.12': { ...RSA, digest: 'sha384' },
  '1.2.840.113549.1.1.13': { ...RSA, digest: 'sha512' },
  '1.2.840.10045.4.1': { ...ECDSA, digest: 'sha1' },
  '1.2.840.10045.4.3.2': { ...ECDSA, digest: 'sha256' },
  '1.2.840.10045.4.3.3': { ...ECDSA, digest: 'sha384' },
  '1.2.840.10045.4.3.4': { ...ECDSA, digest: 'sha512' },
  '1.3.101.112': { keys: 'ed25519', failure: 'x509: Ed25519 verification failure', digest: null },
};
const KEY_NAMES: Readonly<Record<string, string>> = { rsa: 'RSA', ec: 'ECDSA', ed25519: 'Ed25519' };
const KEY_TYPES: Readonly<Record<string, string>> = {
  rsa: '*rsa.PublicKey',
  ec: '*ecdsa.PublicKey',
  ed25519: 'ed25519.PublicKey',
};

/** Undefined: it was. */
export function signatureProblem(request: CertificateRequest): string | undefined {
  const how = ALGORITHMS[request.algorithm];
  if (how === undefined) return 'x509: cannot verify signature: algorithm unimplemented';
  try {
    const key = createPublicKey({ key: Buffer.from(request.publicKey), format: 'der', type: 'spki' });
    const type = key.asymmetricKeyType ?? '';
    if (type !== how.keys)
      return `x509: signature algorithm specifies an ${KEY_NAMES[how.keys]} public key, but have public key of type ${KEY_TYPES[type] ?? type}`;
    return verify(how.digest, request.signed, key, request.signature) ? undefined : how.failure;
  } catch {
    return how.failure;
  }
}
