// Decides how a saved state lies in one file: a head of fixed size with everything about it and a checksum of its own, then
// the bytes of the state. Never leaves half a file under the name that was asked for.
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StateMachine } from '../core/state-machine.ts';
import { loadState } from '../edge/applier.ts';

export interface SnapshotFileHead {
  format: 'flotilla-store-snapshot';
  version: 1;
  clusterId: string;
  /** Who gave it. */
  member: string;
  index: number;
  term: number;
  sizeBytes: number;
  /** Of the state's bytes. */
  sha256: string;
  /** RFC 3339. */
  savedAt: string;
}

/** The state begins here. */
const HEAD_BYTES = 4_096;
const READ_BYTES = 65_536;

/** `head.sha256` and `sizeBytes` are checked when they are given, else taken from what was written. */
export async function writeSnapshotFile(
  path: string,
  head: Omit<SnapshotFileHead, 'format' | 'version' | 'sizeBytes' | 'sha256'> & { sizeBytes?: number; sha256?: string },
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<SnapshotFileHead> {
  const part = `${path}.part`;
  await rm(part, { force: true });
  const file = await open(part, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const piece of pieces) {
      hash.update(piece);
      await file.write(piece, 0, piece.length, HEAD_BYTES + sizeBytes);
      sizeBytes += piece.length;
    }
    const whole: SnapshotFileHead = {
      format: 'flotilla-store-snapshot',
      version: 1,
      ...head,
      sizeBytes,
      sha256: hash.digest('hex'),
    };
    if (whole.sizeBytes !== (head.sizeBytes ?? sizeBytes) || whole.sha256 !== (head.sha256 ?? whole.sha256))
      throw new Error(
        `what arrived for ${path} are ${sizeBytes} bytes with SHA-256 ${whole.sha256}, announced were ` +
          `${head.sizeBytes} with ${head.sha256}: try again`,
      );
    await file.write(encodeHead(whole), 0, HEAD_BYTES, 0);
    await file.sync();
    await file.close();
    await rename(part, path);
    await syncDirectory(dirname(path));
    return whole;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}

/** Reads and checks all of it: the head, the bytes against their hash, the state against its own. */
export async function readSnapshotFile(path: string): Promise<{ head: SnapshotFileHead; state: StateMachine }> {
  const file = await open(path, 'r');
  try {
    const first = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(first, 0, HEAD_BYTES, 0);
    const head = decodeHead(path, first.subarray(0, bytesRead));
    const { size } = await file.stat();
    if (size !== HEAD_BYTES + head.sizeBytes)
      throw new Error(`${path} is ${size} bytes long, its head says ${HEAD_BYTES + head.sizeBytes}: it is not whole`);
    return { head, state: await loadState(statePieces(path, file, head), {}) };
  } finally {
    await file.close();
  }
}

async function* statePieces(
  path: string,
  file: Awaited<ReturnType<typeof open>>,
  head: SnapshotFileHead,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < head.sizeBytes;) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, head.sizeBytes - offset));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, HEAD_BYTES + offset);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    offset += bytesRead;
    yield piece;
  }
  if (hash.digest('hex') !== head.sha256)
    throw new Error(`${path} is damaged: its bytes do not have the SHA-256 that its head says; use another copy`);
}

function encodeHead(head: SnapshotFileHead): Buffer {
  const text = JSON.stringify(head);
  const sum = createHash('sha256').update(text).digest('hex');
  return Buffer.from(`${text}\n${sum}\n`.padEnd(HEAD_BYTES, '\n'));
}

function decodeHead(path: string, bytes: Buffer): SnapshotFileHead {
  const [text = '', sum = ''] = bytes.toString('utf8').split('\n');
  if (!text.startsWith('{"format":"flotilla-store-snapshot"'))
    throw new Error(`${path} is no snapshot of a store: it does not begin as one`);
  if (createHash('sha256').update(text).digest('hex') !== sum)
    throw new Error(`${path} is damaged: its head has a wrong checksum; use another copy`);
  const head = JSON.parse(text) as SnapshotFileHead;
  if (head.version !== 1) throw new Error(`${path} has version ${String(head.version)}, this program reads 1`);
  return head;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
