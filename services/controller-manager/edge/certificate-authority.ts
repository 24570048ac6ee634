// Does: signs certificates with the key of the cluster's authority. Never decides who gets one.
import { X509Certificate, createPrivateKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AsnConvert } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import { TroubleError, messageOf } from '../../../lib/base/errors.ts';
import { signatureProblem } from '../../../lib/http/certificate-signature.ts';
import type { IssueCertificate } from '../controllers/certificate-signing.ts';
import { certificateBody, issuerOf, signedCertificate } from '../core/certificate.ts';

/** How a key of this type signs. Of RSA, the parameters are there and empty. */
const SIGNATURES: Readonly<Record<string, { algorithm: AlgorithmIdentifier; digest: string | null }>> = {
  ec: { algorithm: new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' }), digest: 'sha256' },
  rsa: {
    algorithm: new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: null }),
    digest: 'sha256',
  },
  ed25519: { algorithm: new AlgorithmIdentifier({ algorithm: '1.3.101.112' }), digest: null },
};

export interface AuthorityFiles {
  certFile: string;
  keyFile: string;
}

export async function openCertificateAuthority({ certFile, keyFile }: AuthorityFiles): Promise<IssueCertificate> {
  try {
    const certificate = new X509Certificate(await readFile(certFile));
    const key = createPrivateKey(await readFile(keyFile));
    if (!certificate.checkPrivateKey(key)) throw new TypeError('the key is not that of the certificate');
    return issuer(certificate, key);
  } catch (error) {
    const files = `${JSON.stringify(certFile)} and ${JSON.stringify(keyFile)}`;
    throw new TroubleError(
      `the authority that signs certificates could not be read from ${files} (signer): ${messageOf(error)}`,
      error,
    );
  }
}

function issuer(certificate: X509Certificate, key: KeyObject): IssueCertificate {
  const how = SIGNATURES[key.asymmetricKeyType ?? ''];
  if (how === undefined) throw new TypeError(`no certificates are signed with a key of type ${key.asymmetricKeyType}`);
  const { algorithm, digest } = how;
  const authority = { ...issuerOf(certificate.raw), notAfterMs: Date.parse(certificate.validTo) };
  return (request, terms) => {
    if (signatureProblem(request) !== undefined) return { problem: 'unable to verify certificate request signature' };
    if (terms.notBeforeMs >= authority.notAfterMs)
      return { problem: `the signer has expired: NotAfter=${certificate.validTo}` };
    const body = certificateBody(request, authority, { ...terms, serial: serial() }, algorithm);
    return { pem: signedCertificate(body, sign(digest, new Uint8Array(AsnConvert.serialize(body)), key)) };
  };
}

/** 127 bits, never negative, never with a leading zero. */
function serial(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}
