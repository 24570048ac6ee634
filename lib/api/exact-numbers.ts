// Decides which whole numbers are carried: those that a number of JavaScript holds as they were written. Never reads a text as a
// whole.

/** No number of this length or less is changed. */
const SHORT = 15;
const INT64_END = 2n ** 63n;

/**
 * Throws SyntaxError for a whole number of 64 bits that would be kept as another one: it is refused, since what is acknowledged is
 * what was sent. Longer ones are floating point to upstream, too. `source`: as it was written.
 */
export function requireExact(source: string): void {
  if (source.length <= SHORT || !/^-?\d+$/.test(source)) return;
  const meant = BigInt(source);
  if (meant >= INT64_END || meant < -INT64_END || meant === BigInt(Number(source))) return;
  throw new SyntaxError(
    `json: cannot unmarshal number ${source}: whole numbers beyond ±${Number.MAX_SAFE_INTEGER} are not kept exactly; give it as a string`,
  );
}
