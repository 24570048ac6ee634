// Shows which requests for certificates count as signed by their own key, and what is said of the others.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import test from 'ava';
import type { CertificateRequest } from '../api/certificate-request.ts';
import { signatureProblem } from './certificate-signature.ts';

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const ED25519 = '1.3.101.112';
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const edwards = generateKeyPairSync('ed25519');

function request(algorithm: string, publicKey: KeyObject, signature: Uint8Array): CertificateRequest {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { signed: Buffer.from('body'), algorithm, signature, publicKey: der } as unknown as CertificateRequest;
}
const signed = (digest: string | null, key: KeyObject): Uint8Array => sign(digest, Buffer.from('body'), key);

test('a request that its own key signed has no problem', (t) => {
  t.is(signatureProblem(request(ECDSA_SHA256, elliptic.publicKey, signed('sha256', elliptic.privateKey))), undefined);
  t.is(signatureProblem(request(ED25519, edwards.publicKey, signed(null, edwards.privateKey))), undefined);
});

test('another key, another algorithm and none that is known are told apart', (t) => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const byOther = signed('sha256', other.privateKey);
  t.is(signatureProblem(request(ECDSA_SHA256, elliptic.publicKey, byOther)), 'x509: ECDSA verification failure');
  t.is(signatureProblem(request(ED25519, edwards.publicKey, new Uint8Array(64))), 'x509: Ed25519 verification failure');
  t.is(
    signatureProblem(request(ECDSA_SHA256, edwards.publicKey, byOther)),
    'x509: signature algorithm specifies an ECDSA public key, but have public key of type ed25519.PublicKey',
  );
  t.is(
    signatureProblem(request('1.2.3', elliptic.publicKey, byOther)),
    'x509: cannot verify signature: algorithm unimplemented',
  );
});
