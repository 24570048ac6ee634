// Does: reads who a TLS client says it is from its certificate. Never trusts one: `trusted` is what OpenSSL found.
import type { TLSSocket } from 'node:tls';

export interface PeerCertificate {
  /** Signed by a CA that the server asks for, and in its time. */
  trusted: boolean;
  commonName: string;
  organizations: string[];
}

/** Undefined when the client showed no certificate. */
export function peerCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerCertificate();
  const subject = certificate?.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  if (subject === undefined) return undefined;
  return { trusted: socket.authorized, commonName: listOf(subject.CN)[0] ?? '', organizations: listOf(subject.O) };
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
