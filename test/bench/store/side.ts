// Decides nothing: what the bench asks of a store, so that every row is the same load on both sides.

/** What a process of one side has used; for ratios of work, which drift less than ratios of time. */
export type Processes = Record<string, number>;

export interface Side {
  readonly name: 'etcd' | 'ours';
  /** Resolves with the revision of the write. */
  put(key: string, value: Uint8Array): Promise<number>;
  /** Writes `value` if the key's last revision is still `revision` (0: there is none); undefined: it is not. */
  swap(key: string, revision: number, value: Uint8Array): Promise<number | undefined>;
  /** A read that sees every write acknowledged before. */
  readLinearizable(key: string): Promise<void>;
  /** The same, and the value comes from a member and not from the reader's cache. */
  readLinearizableFromMember(key: string): Promise<void>;
  /** From any member's own state, however old. */
  readFromMember(key: string): Promise<void>;
  /** One attempt to write; rejects when it was not acknowledged in time. */
  probe(key: string, value: Uint8Array): Promise<void>;
  /** Arguments for `watchers.ts`. */
  watcherArguments(count: number): string[];
  members(): readonly string[];
  leader(): Promise<string>;
  /** SIGKILL; resolves when it is gone. */
  kill(member: string): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  signal(member: string, signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Starts a killed member again. */
  launch(member: string): void;
  /** Waits until `member` answers a read of `key` from its own state. */
  answers(member: string, key: string): Promise<void>;
  /** Server processes by name. */
  processes(): Processes;
  stop(): Promise<void>;
}

/** Keys that both sides write: 29 characters, as etcd's own benchmark has them, spread over `KEYS`. */
export const KEYS = 100_000;
export const keyOf = (i: number): string => `/bench/${String((i * 7_919) % KEYS).padStart(22, '0')}`;
export const WATCHED = '/watched/';
