// Does: reads who a TLS client says it is from its certificate. Never trusts one: `trusted` is what OpenSSL found.
import type { TLSSocket } from 'node:tls';

export interface PeerCertificate {
  /** Signed by a CA that the server asks for, and in its time. */
  trusted: boolean;
  commonName: string;
  organizations: string[];
  /** Which certificate it was: `X509SHA256=<hash>`. */
  credentialId: string;
}

/** Read once a connection: a certificate cannot change on it. */
const known = new WeakMap<TLSSocket, PeerCertificate | 'none'>();

/** Undefined when the client showed no certificate. */
export function peerCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const found = known.get(socket) ?? read(socket) ?? 'none';
  known.set(socket, found);
  return found === 'none' ? undefined : found;
}

function read(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerCertificate();
  const subject = certificate?.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  if (subject === undefined) return undefined;
  const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    trusted: socket.authorized,
    commonName: listOf(subject.CN)[0] ?? '',
    organizations: listOf(subject.O),
    credentialId: `X509SHA256=${hash}`,
  };
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
