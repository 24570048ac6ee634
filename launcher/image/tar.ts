// Decides the bytes of a tar archive (POSIX ustar), the same for the same entries on every machine. Never reads a file.

export type TarEntry =
  | { type: 'file'; name: string; mode: number; data: Uint8Array }
  | { type: 'directory'; name: string; mode: number }
  | { type: 'link'; name: string; target: string };

const BLOCK_BYTES = 512;
const TYPE_FLAG = { file: '0', link: '2', directory: '5' } as const;

export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => [headerOf(entry), ...bodyOf(entry)]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function bodyOf(entry: TarEntry): Uint8Array[] {
  if (entry.type !== 'file') return [];
  const rest = entry.data.length % BLOCK_BYTES;
  return rest === 0 ? [entry.data] : [entry.data, Buffer.alloc(BLOCK_BYTES - rest)];
}

/** Owner root, time 0: an image's digest must not depend on when or by whom it was built. */
function headerOf(entry: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const text = (at: number, length: number, value: string): void => {
    if (Buffer.byteLength(value) > length) throw new Error(`"${value}" is too long for a tar header (${length} bytes)`);
    header.write(value, at, 'utf8');
  };
  const octal = (at: number, length: number, value: number): void =>
    text(at, length, `${value.toString(8).padStart(length - 1, '0')}\0`);
  text(0, 100, entry.type === 'directory' ? `${entry.name}/` : entry.name);
  octal(100, 8, entry.type === 'link' ? 0o777 : entry.mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, entry.type === 'file' ? entry.data.length : 0);
  octal(136, 12, 0);
  header.fill(' ', 148, 156);
  text(156, 1, TYPE_FLAG[entry.type]);
  if (entry.type === 'link') text(157, 100, entry.target);
  text(257, 8, 'ustar\x0000');
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(148, 8, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}
