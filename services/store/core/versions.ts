// Decides which value a key has at a revision, and keeps only versions that some readable revision needs. Never decides
// which revisions are readable.
import { invariant } from '../../../lib/base/errors.ts';
import { OrderedKeys } from './ordered-keys.ts';
import { addHash, hashItem, subtractHash, type Hash64 } from './state-hash.ts';

/** One state of one key. */
export interface Version {
  revision: number;
  /** Of the put that began this life of the key. */
  createRevision: number;
  /** undefined: deleted. */
  value: Uint8Array | undefined;
  /** The lease that the key ends with. */
  lease?: string | undefined;
  hash: Hash64;
}

const NO_HASH: Hash64 = { low: 0, high: 0 };

export class Versions {
  private readonly byKey = new Map<string, Version[]>();
  private readonly order = new OrderedKeys();
  readonly hash: Hash64 = { low: 0, high: 0 };
  liveKeys = 0;
  liveBytes = 0;

  /** The living version, or undefined. */
  live(key: string): Version | undefined {
    const last = this.byKey.get(key)?.at(-1);
    return last?.value === undefined ? undefined : last;
  }

  put(key: string, revision: number, value: Uint8Array, lease?: string): Version {
    const before = this.live(key);
    return this.set(key, revision, before?.createRevision ?? revision, value, lease);
  }

  /** The key must be alive. */
  delete(key: string, revision: number): Version {
    const before = this.live(key);
    invariant(before !== undefined, `key ${key} is deleted at revision ${revision} and does not exist`);
    return this.push(key, { revision, createRevision: before.createRevision, value: undefined, hash: NO_HASH });
  }

  /** A put whose life may have begun before what is readable: from a snapshot. */
  set(key: string, revision: number, createRevision: number, value: Uint8Array, lease?: string): Version {
    const hash = hashItem(key, createRevision, revision, value);
    return this.push(key, { revision, createRevision, value, lease, hash });
  }

  private push(key: string, version: Version): Version {
    const versions = this.byKey.get(key);
    const before = this.live(key);
    if (before !== undefined) this.count(key, before, -1);
    if (version.value !== undefined) this.count(key, version, 1);
    if (versions !== undefined) versions.push(version);
    else {
      this.byKey.set(key, [version]);
      this.order.add(key);
    }
    return version;
  }

  private count(key: string, version: Version, sign: 1 | -1): void {
    this.liveKeys += sign;
    this.liveBytes += sign * itemBytes(key, version.value);
    if (sign === 1) addHash(this.hash, version.hash);
    else subtractHash(this.hash, version.hash);
  }

  /** Drops what no revision from `oldest` on can see of this key. */
  prune(key: string, oldest: number): void {
    const versions = this.byKey.get(key);
    if (versions === undefined) return;
    let keep = 0;
    while (keep + 1 < versions.length && versions[keep + 1]!.revision <= oldest) keep++;
    if (versions[keep]!.value === undefined && versions[keep]!.revision <= oldest) keep++;
    if (keep === 0) return;
    if (keep < versions.length) versions.splice(0, keep);
    else {
      this.byKey.delete(key);
      this.order.remove(key);
    }
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
      if (version?.value !== undefined) yield { key, version };
    }
  }
}

export function itemBytes(key: string, value: Uint8Array | undefined): number {
  return key.length + (value?.length ?? 0);
}

function versionAt(versions: readonly Version[], revision: number): Version | undefined {
  for (let i = versions.length - 1; i >= 0; i--) if (versions[i]!.revision <= revision) return versions[i];
  return undefined;
}
