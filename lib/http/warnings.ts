// Decides how a warning is written into an HTTP header so that clients print it. Never decides what to warn of.

/** `299 - "text"` (RFC 7234, 5.5), as Kubernetes' clients read it. */
export function warningHeader(text: string): string {
  const printable = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return `299 - "${printable.replaceAll(/["\\]/g, (char) => `\\${char}`)}"`;
}
