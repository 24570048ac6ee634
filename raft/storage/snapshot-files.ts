// Decides how snapshots lie on the disk: a header block, then the bytes of the state machine; durable and whole before
// the file gets its name. Never knows what the bytes mean.
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { invariant } from '../../lib/base/errors.ts';
import type { Configuration, Index, SnapshotDescription, Term } from '../core/types.ts';
import { DamagedError, type Disk, type DiskFile } from './disk.ts';

/** The header takes this much, whatever is in it, so that byte n of the state is at HEADER + n. */
const HEADER_BYTES = 8192;
export const SNAPSHOT_HEADER_BYTES = HEADER_BYTES;
const READ_BYTES = 65_536;
const NAME = /^snapshot-(\d{16})$/;
const OWN_STAGE = 'taking.snapshot';
const INCOMING_STAGE = 'incoming.snapshot';

export interface SnapshotHeader {
  version: 1;
  clusterId: string;
  snapshot: SnapshotDescription;
}

export interface SnapshotWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** Durable under its name when this resolves. */
  finish(): Promise<SnapshotDescription>;
  abandon(): Promise<void>;
}

interface Stage {
  snapshot: SnapshotDescription;
  file: DiskFile;
  offset: number;
  hash: Hash;
  whole: boolean;
}

export class SnapshotFiles {
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly clusterId: string;
  private readonly known = new Map<Index, SnapshotDescription>();
  private readonly open = new Map<Index, DiskFile>();
  private stage: Stage | undefined;
  /** Readers by snapshot; what is released while it is read goes when the last lets go. */
  private readonly holders = new Map<Index, number>();
  private readonly releasedWhileHeld = new Set<Index>();

  private constructor(disk: Disk, directory: string, clusterId: string) {
    this.disk = disk;
    this.directory = directory;
    this.clusterId = clusterId;
  }

  /** Keeps the newest snapshot only; removes what an interrupted write left. */
  static async open(disk: Disk, directory: string, clusterId: string): Promise<SnapshotFiles> {
    const files = new SnapshotFiles(disk, directory, clusterId);
    const names = await disk.list(directory);
    for (const name of names.filter((candidate) => candidate === OWN_STAGE || candidate === INCOMING_STAGE))
      await disk.remove(`${directory}/${name}`);
    const indexes = names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
    const newest = indexes.at(-1);
    // Before anything older goes: the newest name may still be only in the page cache of a killed process.
    await disk.syncDirectory(directory);
    for (const index of indexes) {
      if (index !== newest) await disk.remove(files.path(index));
      else files.known.set(index, await files.readHeader(index));
    }
    return files;
  }

  get newest(): SnapshotDescription | undefined {
    return [...this.known.values()].toSorted((a, b) => b.index - a.index)[0];
  }

  get bytes(): number {
    return [...this.known.values()].reduce((sum, snapshot) => sum + snapshot.sizeBytes, 0);
  }

  // ---- an own snapshot --------------------------------------------------------------------------------------------

  async begin(at: { index: Index; term: Term; configuration: Configuration }): Promise<SnapshotWriter> {
    const path = `${this.directory}/${OWN_STAGE}`;
    await this.disk.remove(path);
    const file = await this.disk.open(path, { create: true });
    const hash = createHash('sha256');
    let sizeBytes = 0;
    return {
      write: async (chunk) => {
        hash.update(chunk);
        await file.write(chunk, HEADER_BYTES + sizeBytes);
        sizeBytes += chunk.length;
      },
      finish: async () => {
        const snapshot: SnapshotDescription = { ...at, sizeBytes, hash: hash.digest('hex') };
        await this.seal(file, snapshot);
        await file.close();
        await this.publish(path, snapshot);
        return snapshot;
      },
      abandon: async () => {
        await file.close();
        await this.disk.remove(path);
      },
    };
  }

  // ---- a snapshot that comes in chunks ----------------------------------------------------------------------------

  /** Bytes staged so far of this snapshot. Resolves with it after the chunk; when `last`, all is durable and right. */
  async writeChunk(snapshot: SnapshotDescription, offset: number, data: Uint8Array, last: boolean): Promise<number> {
    if (offset === 0 || this.stage === undefined) await this.beginStage(snapshot);
    const stage = this.stage!;
    if (stage.snapshot.index !== snapshot.index || stage.snapshot.hash !== snapshot.hash || stage.offset !== offset)
      throw new Error(
        `a chunk of snapshot ${snapshot.index} at ${offset}: staged is snapshot ${stage.snapshot.index} up to ${stage.offset}`,
      );
    stage.hash.update(data);
    await stage.file.write(data, HEADER_BYTES + offset);
    stage.offset += data.length;
    if (last) await this.endStage(stage);
    return stage.offset;
  }

  private async beginStage(snapshot: SnapshotDescription): Promise<void> {
    await this.dropStage();
    const file = await this.disk.open(`${this.directory}/${INCOMING_STAGE}`, { create: true });
    this.stage = { snapshot, file, offset: 0, hash: createHash('sha256'), whole: false };
  }

  private async endStage(stage: Stage): Promise<void> {
    const hash = stage.hash.digest('hex');
    if (hash !== stage.snapshot.hash || stage.offset !== stage.snapshot.sizeBytes) {
      await this.dropStage();
      throw new Error(
        `snapshot ${stage.snapshot.index} arrived as ${stage.offset} bytes with hash ${hash}, ` +
          `announced were ${stage.snapshot.sizeBytes} with ${stage.snapshot.hash}`,
      );
    }
    await this.seal(stage.file, stage.snapshot);
    stage.whole = true;
  }

  async dropStage(): Promise<void> {
    await this.stage?.file.close();
    this.stage = undefined;
    await this.disk.remove(`${this.directory}/${INCOMING_STAGE}`);
  }

  /** The staged snapshot becomes the newest. Durable when this resolves; the log must be reset after that. */
  async install(snapshot: SnapshotDescription): Promise<void> {
    const { stage } = this;
    invariant(
      stage?.whole === true && stage.snapshot.index === snapshot.index && stage.snapshot.hash === snapshot.hash,
      'snapshot % is installed before all of it is here',
      snapshot.index,
    );
    await stage.file.close();
    this.stage = undefined;
    await this.publish(`${this.directory}/${INCOMING_STAGE}`, snapshot);
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  async read(index: Index, offset: number, length: number): Promise<Uint8Array> {
    const file = await this.opened(index);
    return file.read(HEADER_BYTES + offset, length);
  }

  /** All bytes of the snapshot that has come in whole and is not installed yet. */
  async *readStaged(snapshot: SnapshotDescription): AsyncGenerator<Uint8Array> {
    const { stage } = this;
    invariant(
      stage?.whole === true && stage.snapshot.hash === snapshot.hash,
      'snapshot % is read before all of it is here',
      snapshot.index,
    );
    for (let offset = 0; offset < snapshot.sizeBytes; offset += READ_BYTES)
      yield await stage.file.read(HEADER_BYTES + offset, Math.min(READ_BYTES, snapshot.sizeBytes - offset));
  }

  /** All bytes in order; throws DamagedError at the end when they are not what was written. */
  async *readAll(snapshot: SnapshotDescription): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    for (let offset = 0; offset < snapshot.sizeBytes;) {
      const chunk = await this.read(snapshot.index, offset, Math.min(READ_BYTES, snapshot.sizeBytes - offset));
      if (chunk.length === 0) break;
      hash.update(chunk);
      offset += chunk.length;
      yield chunk;
    }
    if (hash.digest('hex') !== snapshot.hash)
      throw new DamagedError(this.path(snapshot.index), 'its bytes do not have the hash that they were written with');
  }

  /** Reads the newest again, a piece at each step; throws DamagedError when it is not what was written. */
  async *verify(): AsyncGenerator<void> {
    const { newest } = this;
    if (newest === undefined) return;
    this.hold(newest.index);
    try {
      await this.readHeader(newest.index);
      for await (const piece of this.readAll(newest)) if (piece.length > 0) yield;
    } finally {
      await this.letGo(newest.index);
    }
  }

  /** Until `letGo`, as often as it was held, the file stays. */
  hold(index: Index): void {
    this.holders.set(index, (this.holders.get(index) ?? 0) + 1);
  }

  async letGo(index: Index): Promise<void> {
    const left = (this.holders.get(index) ?? 1) - 1;
    if (left > 0) return void this.holders.set(index, left);
    this.holders.delete(index);
    if (this.releasedWhileHeld.delete(index)) await this.release(index);
  }

  async release(index: Index): Promise<void> {
    if (this.holders.has(index)) return void this.releasedWhileHeld.add(index);
    if (!this.known.delete(index)) return;
    await this.open.get(index)?.close();
    this.open.delete(index);
    await this.disk.remove(this.path(index));
  }

  async close(): Promise<void> {
    await this.stage?.file.close();
    for (const file of this.open.values()) await file.close();
    this.open.clear();
  }

  // ---- files ------------------------------------------------------------------------------------------------------

  private path(index: Index): string {
    return `${this.directory}/snapshot-${String(index).padStart(16, '0')}`;
  }

  private async opened(index: Index): Promise<DiskFile> {
    const file = this.open.get(index) ?? (await this.disk.open(this.path(index), { create: false }));
    this.open.set(index, file);
    return file;
  }

  private async seal(file: DiskFile, snapshot: SnapshotDescription): Promise<void> {
    await file.write(encodeHeader({ version: 1, clusterId: this.clusterId, snapshot }), 0);
    await file.datasync();
  }

  private async publish(stage: string, snapshot: SnapshotDescription): Promise<void> {
    await this.open.get(snapshot.index)?.close();
    this.open.delete(snapshot.index);
    await this.disk.rename(stage, this.path(snapshot.index));
    await this.disk.syncDirectory(this.directory);
    this.known.set(snapshot.index, snapshot);
  }

  private async readHeader(index: Index): Promise<SnapshotDescription> {
    const path = this.path(index);
    const file = await this.opened(index);
    const header = decodeSnapshotHeader(path, Buffer.from(await file.read(0, HEADER_BYTES)));
    if (header.clusterId !== this.clusterId)
      throw new Error(`${path} belongs to cluster ${header.clusterId}, not to ${this.clusterId}`);
    if (header.snapshot.index !== index || (await file.size()) < HEADER_BYTES + header.snapshot.sizeBytes)
      throw new DamagedError(path, `its header does not fit its name or its size`);
    return header.snapshot;
  }
}

function encodeHeader(header: SnapshotHeader): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  invariant(text.length + 8 <= HEADER_BYTES, 'a snapshot header of % bytes', text.length);
  const out = Buffer.alloc(HEADER_BYTES);
  out.writeUInt32LE(crc32(text), 0);
  out.writeUInt32LE(text.length, 4);
  out.set(text, 8);
  return out;
}

/** Throws DamagedError when its checksum is wrong. */
export function decodeSnapshotHeader(path: string, bytes: Buffer): SnapshotHeader {
  const length = bytes.length < 8 ? HEADER_BYTES : bytes.readUInt32LE(4);
  const text = bytes.subarray(8, 8 + length);
  if (length + 8 > HEADER_BYTES || text.length !== length || crc32(text) !== bytes.readUInt32LE(0))
    throw new DamagedError(path, 'its header has a wrong checksum');
  return JSON.parse(text.toString('utf8')) as SnapshotHeader;
}
