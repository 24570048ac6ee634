// Decides what the store must have done, given the committed entries in order: the same rules as services/store/core, but
// written naively, with plain maps and all of history. Never forgets, so that every answer can be held against it.
import type { CommittedChange, KeyValue, Operation, StoreWrite, Txn, TxnResult } from '../../lib/bus/messages.ts';
import { decodeCommand, type LeaseCommand } from '../../services/store/core/command.ts';

interface ModelVersion {
  revision: number;
  createRevision: number;
  /** undefined: deleted. */
  value: string | undefined;
  lease: string | undefined;
}

interface ModelLease {
  ttlMs: number;
  /** In the store's time; 0: revoked. */
  deadlineMs: number;
}

export interface ModelTxn {
  revision: number;
  span: string;
  changes: string[];
}

interface ModelSession {
  acknowledged: number;
  openedAt: number;
  results: Map<number, TxnResult>;
}

export interface ModelLimits {
  quotaBytes: number;
  sessions: number;
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
export const changeText = ({ type, key, value, createRevision }: CommittedChange): string =>
  `${type} ${key} ${createRevision} ${textOf(value)}`;

/** Results that mean the same have the same text; explanations do not count. */
export function resultText(result: TxnResult): string {
  if (result.ok) return `ok ${result.revision}`;
  return result.reason === 'conflict' ? `conflict ${result.key} ${result.current}` : result.reason;
}

export class StoreModel {
  /** By revision; [0] is nothing. */
  readonly txns: ModelTxn[] = [{ revision: 0, span: '', changes: [] }];
  /** Revision after each index of the log. */
  readonly revisionAt: number[] = [0];
  private readonly versions = new Map<string, ModelVersion[]>();
  private forgottenThrough = 0;
  sessionsForgotten = 0;
  private readonly sessions = new Map<string, ModelSession>();
  /** Every result that a transaction ever got, by session and sequence. */
  private readonly results = new Map<string, Set<string>>();
  private readonly executed = new Set<string>();
  private readonly limits: ModelLimits;
  private bytes = 0;
  /** The store's own time, and who lives in it. */
  private timeMs = 0;
  readonly leases = new Map<string, ModelLease>();
  /** Told of each lease whose time has come; not of those that were revoked. */
  onLeaseOver: (id: string) => void = () => {};

  constructor(limits: ModelLimits) {
    this.limits = limits;
  }

  get revision(): number {
    return this.txns.length - 1;
  }

  /** The next entry of the log; undefined data: not for the state machine. */
  apply(data: Uint8Array | undefined): void {
    const command = data === undefined ? undefined : decodeCommand(data);
    if (command?.type === 'writes') for (const write of command.writes) this.write(write);
    if (command?.type === 'lease') this.lease(command);
    if (command?.type === 'time') this.passTo(command.atMs);
    this.revisionAt.push(this.revision);
  }

  /** May the store have answered this? */
  mayAnswer(session: string, result: TxnResult): boolean {
    return this.results.get(`${session}#${result.sequence}`)?.has(resultText(result)) ?? false;
  }

  /** Keys that begin with `prefix` as they were at `revision`, in order. */
  range(prefix: string, revision: number): { key: string; value: string; item: ModelVersion }[] {
    const found = [];
    for (const key of [...this.versions.keys()].toSorted()) {
      if (!key.startsWith(prefix)) continue;
      const item = this.versions.get(key)!.findLast((version) => version.revision <= revision);
      if (item?.value !== undefined) found.push({ key, value: item.value, item });
    }
    return found;
  }

  /** Why these are not the items of a range; undefined if they are. */
  whyWrongItems(prefix: string, revision: number, items: readonly KeyValue[]): string | undefined {
    const seen = items.map((item) => `${item.key} ${item.createRevision} ${item.modRevision} ${textOf(item.value)}`);
    const right = this.range(prefix, revision).map(
      ({ key, value, item }) => `${key} ${item.createRevision} ${item.revision} ${value}`,
    );
    return seen.join('\n') === right.join('\n')
      ? undefined
      : `at revision ${revision} '${prefix}' holds [${right.join('; ')}], answered was [${seen.join('; ')}]`;
  }

  private write({ session: name, acknowledged, since = 0, txns }: StoreWrite): void {
    const known = this.sessions.get(name);
    this.sessions.delete(name);
    const isNew = acknowledged === 0 && since >= this.forgottenThrough;
    const session =
      known ?? (isNew ? { acknowledged: 0, results: new Map(), openedAt: this.revisionAt.length } : undefined);
    if (session !== undefined) {
      if (known === undefined && this.sessions.size >= this.limits.sessions) this.forgetOldest();
      this.sessions.set(name, session);
      session.acknowledged = Math.max(session.acknowledged, acknowledged);
    }
    for (const txn of txns) this.record(name, this.once(name, session, txn));
  }

  private forgetOldest(): void {
    const [name, { openedAt }] = this.sessions.entries().next().value!;
    this.sessions.delete(name);
    this.sessionsForgotten++;
    this.forgottenThrough = Math.max(this.forgottenThrough, openedAt);
  }

  private record(name: string, result: TxnResult): void {
    const id = `${name}#${result.sequence}`;
    const results = this.results.get(id) ?? new Set();
    this.results.set(id, results.add(resultText(result)));
  }

  private once(name: string, session: ModelSession | undefined, txn: Txn): TxnResult {
    const { sequence } = txn;
    const forgotten: TxnResult = { sequence, ok: false, reason: 'forgotten', message: '' };
    if (session === undefined) return forgotten;
    // Acknowledged answers are forgotten at once.
    if (sequence <= session.acknowledged) return forgotten;
    const known = session.results.get(sequence);
    if (known !== undefined) return known;
    const id = `${name}#${sequence}`;
    if (this.executed.has(id)) throw new Error(`transaction ${id} is executed a second time`);
    this.executed.add(id);
    const result = this.execute(txn);
    session.results.set(sequence, result);
    return result;
  }

  private lease({ action, id, ttlMs, atMs }: LeaseCommand): void {
    this.timeMs = Math.max(this.timeMs, atMs);
    const lease = this.leases.get(id);
    const lives = lease !== undefined && lease.deadlineMs > this.timeMs;
    if (action === 'grant') this.leases.set(id, { ttlMs, deadlineMs: this.timeMs + ttlMs });
    else if (lives) lease.deadlineMs = action === 'revoke' ? 0 : this.timeMs + lease.ttlMs;
    this.passTo(atMs);
  }

  /** All keys of a lease go in one transaction, in the order of their names. */
  private passTo(atMs: number): void {
    this.timeMs = Math.max(this.timeMs, atMs);
    for (const [id, { deadlineMs }] of this.leases) {
      if (deadlineMs > this.timeMs) continue;
      if (deadlineMs > 0) this.onLeaseOver(id);
      this.leases.delete(id);
      const keys = [...this.versions.keys()].filter((key) => this.live(key)?.lease === id).toSorted();
      if (keys.length === 0) continue;
      this.commit(
        keys.map((key) => ({ type: 'delete', key })),
        `lease/${id}`,
      );
    }
  }

  private live(key: string): ModelVersion | undefined {
    const last = this.versions.get(key)?.at(-1);
    return last?.value === undefined ? undefined : last;
  }

  private execute({ sequence, compares, operations, cause }: Txn): TxnResult {
    for (const { key, revision } of compares) {
      const current = this.live(key)?.revision ?? 0;
      if (current !== revision) return { sequence, ok: false, reason: 'conflict', key, current };
    }
    const last = new Map(operations.map((operation) => [operation.key, operation]));
    const effective = [...last.values()].filter(({ type, key }) => type === 'put' || this.live(key) !== undefined);
    const isHeld = (id: string): boolean => (this.leases.get(id)?.deadlineMs ?? 0) > this.timeMs;
    if (effective.some((each) => each.type === 'put' && each.lease !== undefined && !isHeld(each.lease)))
      return { sequence, ok: false, reason: 'no-lease', message: '' };
    let growth = 0;
    for (const operation of effective) {
      const before = this.live(operation.key);
      if (before !== undefined) growth -= operation.key.length + before.value!.length;
      if (operation.type === 'put') growth += operation.key.length + operation.value.length;
    }
    const isNew = effective.some(({ type, key }) => type === 'put' && this.live(key) === undefined);
    // A reserve of a thirty-second for what is there already.
    const allowed = this.limits.quotaBytes * (isNew ? 1 : 33 / 32);
    if (growth > 0 && this.bytes + growth > allowed) return { sequence, ok: false, reason: 'quota', message: '' };
    if (effective.length > 0) this.commit(effective, cause.span);
    return { sequence, ok: true, revision: this.revision };
  }

  private commit(operations: readonly Operation[], span: string): void {
    const revision = this.revision + 1;
    const changes = operations.map((operation): string => {
      const { key } = operation;
      const before = this.live(key);
      const createRevision = before?.createRevision ?? revision;
      const value = operation.type === 'put' ? textOf(operation.value) : undefined;
      if (before !== undefined) this.bytes -= key.length + before.value!.length;
      if (value !== undefined) this.bytes += key.length + value.length;
      const versions = this.versions.get(key) ?? [];
      this.versions.set(key, versions);
      versions.push({
        revision,
        createRevision,
        value,
        lease: operation.type === 'put' ? operation.lease : undefined,
      });
      return `${operation.type} ${key} ${createRevision} ${value ?? ''}`;
    });
    this.txns.push({ revision, span, changes });
  }
}
