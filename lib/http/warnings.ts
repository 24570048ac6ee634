// Decides how a warning is written into an HTTP header so that clients print it. Never decides what to warn of.

/** `299 - "text"` (RFC 7234, 5.5), as Kubernetes' clients read it, in UTF-8. */
export function warningHeader(text: string): string {
  const told = `299 - "${text.replaceAll(/["\\]/g, (char) => `\\${char}`)}"`;
  return isAscii(told) ? told : bytesOf(told);
}

/** What upstream leaves out, in silence: no header can say it. */
// eslint-disable-next-line no-control-regex
export const isTellable = (text: string): boolean => !/[\x00-\x1f\x7f-\x9f]/.test(text);

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Node writes each character of a header as one byte. */
const bytesOf = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));
