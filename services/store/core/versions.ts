// Decides which value a key has at a revision, and keeps only versions that some readable revision needs. Never decides
// which revisions are readable.
import { invariant } from '../../../lib/base/errors.ts';
import { OrderedKeys } from './ordered-keys.ts';
import { addHash, hashItem, subtractHash, type Hash64 } from './state-hash.ts';
import { Values, valueOf, type Chunk, type Holder } from './values.ts';

/** One key, as long as any version of it is kept. */
export interface Item {
  readonly key: string;
  newest: Version;
}

/** One state of one key. */
export class Version implements Holder, Hash64 {
  readonly revision: number;
  /** Of the put that began this life of the key. */
  readonly createRevision: number;
  /** The lease that the key ends with. */
  readonly lease: string | undefined;
  /** The hash of key, revisions and value: in place, because an object for each would be a third of what a version costs. */
  low = 0;
  high = 0;
  older: Version | undefined = undefined;
  chunk: Chunk | undefined = undefined;
  offset = 0;
  length = 0;
  released = false;

  constructor(revision: number, createRevision: number, lease: string | undefined) {
    this.revision = revision;
    this.createRevision = createRevision;
    this.lease = lease;
  }

  get isDeleted(): boolean {
    return this.chunk === undefined;
  }

  /** undefined: deleted. */
  get value(): Uint8Array | undefined {
    return valueOf(this);
  }
}

export class Versions {
  private readonly byKey = new Map<string, Item>();
  private readonly order = new OrderedKeys();
  private readonly values = new Values();
  readonly hash: Hash64 = { low: 0, high: 0 };
  liveKeys = 0;
  liveBytes = 0;

  /** What there is of the key, alive or not. */
  item(key: string): Item | undefined {
    return this.byKey.get(key);
  }

  /** The living version, or undefined. */
  live(key: string): Version | undefined {
    return liveOf(this.byKey.get(key));
  }

  put(key: string, revision: number, value: Uint8Array, lease?: string): Version {
    return this.putItem(key, this.byKey.get(key), revision, value, lease);
  }

  /** As `put`, for who has looked for the item already. */
  putItem(key: string, item: Item | undefined, revision: number, value: Uint8Array, lease?: string): Version {
    const createRevision = liveOf(item)?.createRevision ?? revision;
    return this.add(key, item, this.made(key, revision, createRevision, value, lease));
  }

  /** The key must be alive. */
  delete(key: string, revision: number): Version {
    const item = this.byKey.get(key);
    const before = liveOf(item);
    invariant(before !== undefined, `key ${key} is deleted at revision ${revision} and does not exist`);
    return this.add(key, item, new Version(revision, before.createRevision, undefined));
  }

  /** A put whose life may have begun before what is readable: from a snapshot. */
  set(key: string, revision: number, createRevision: number, value: Uint8Array, lease?: string): Version {
    return this.add(key, this.byKey.get(key), this.made(key, revision, createRevision, value, lease));
  }

  private made(
    key: string,
    revision: number,
    createRevision: number,
    value: Uint8Array,
    lease: string | undefined,
  ): Version {
    const version = new Version(revision, createRevision, lease);
    const { low, high } = hashItem(key, createRevision, revision, value);
    version.low = low;
    version.high = high;
    this.values.place(version, value);
    return version;
  }

  private add(key: string, item: Item | undefined, version: Version): Version {
    const before = liveOf(item);
    if (before !== undefined) this.count(key, before, -1);
    if (!version.isDeleted) this.count(key, version, 1);
    if (item !== undefined) {
      version.older = item.newest;
      item.newest = version;
    } else {
      this.byKey.set(key, { key, newest: version });
      this.order.add(key);
    }
    return version;
  }

  private count(key: string, version: Version, sign: 1 | -1): void {
    this.liveKeys += sign;
    this.liveBytes += sign * (key.length + version.length);
    if (sign === 1) addHash(this.hash, version);
    else subtractHash(this.hash, version);
  }

  /**
   * Nothing before `version` can be seen any more: drops it, and a deletion with it. From here and not from the newest, or a
   * key that changes all the time would be walked through for each of its changes.
   */
  prune(key: string, version: Version): void {
    for (let old = version.older; old !== undefined; old = old.older) this.values.release(old);
    version.older = undefined;
    // A deletion that a later life has followed goes when that is pruned.
    if (!version.isDeleted || this.byKey.get(key)?.newest !== version) return;
    this.byKey.delete(key);
    this.order.remove(key);
  }

  /** Every key there is after `after`, alive at `revision` or not: so that a walk can be bounded by what it passes. */
  *walk(after: string, revision: number): Generator<{ key: string; version: Version | undefined }> {
    for (const key of this.order.from(after, after !== ''))
      yield { key, version: versionAt(this.byKey.get(key)!, revision) };
  }

  /** Keys alive at `revision` that begin with `prefix`, after `after` ('' = from the first). */
  *range(prefix: string, after: string, revision: number): Generator<{ key: string; version: Version }> {
    const exclusive = after >= prefix && after !== '';
    for (const key of this.order.from(exclusive ? after : prefix, exclusive)) {
      if (!key.startsWith(prefix)) return;
      const version = versionAt(this.byKey.get(key)!, revision);
      if (version !== undefined && !version.isDeleted) yield { key, version };
    }
  }

  /** Of all keys, dead ones too. */
  get kept(): number {
    let count = 0;
    for (const { newest } of this.byKey.values())
      for (let each: Version | undefined = newest; each !== undefined; each = each.older) count++;
    return count;
  }
}

export function liveOf(item: Item | undefined): Version | undefined {
  return item === undefined || item.newest.isDeleted ? undefined : item.newest;
}

export function itemBytes(key: string, value: Uint8Array | undefined): number {
  return key.length + (value?.length ?? 0);
}

function versionAt(item: Item, revision: number): Version | undefined {
  let version: Version | undefined = item.newest;
  while (version !== undefined && version.revision > revision) version = version.older;
  return version;
}
