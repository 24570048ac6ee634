// Decides which names are safe to put on the bus, and how any other name is encoded. Never invents names.

/** What one subject token may be without encoding. nats.js 2 does not check subjects: nothing else may reach it. */
const PLAIN_TOKEN = /^[A-Za-z0-9-]+$/;

/**
 * One subject token for any text: plain names stay readable, every other byte becomes `_xx` (hex of UTF-8).
 * Injective, so two names never share a subject; the empty text (cluster scope) is a single `_`.
 */
export function encodeToken(text: string): string {
  if (text === '') return '_';
  if (PLAIN_TOKEN.test(text)) return text;
  let out = '';
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    out += PLAIN_TOKEN.test(char) ? char : `_${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

/** The inverse of `encodeToken`. */
export function decodeToken(token: string): string {
  if (token === '_') return '';
  if (!token.includes('_')) return token;
  const bytes: number[] = [];
  for (let i = 0; i < token.length; i++) {
    if (token[i] === '_') {
      bytes.push(Number.parseInt(token.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(token.charCodeAt(i));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
