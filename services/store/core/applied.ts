// Decides how it is told what one entry did. Never does it: the state machine notes it in numbers, and objects are made of them
// when somebody asks, because only the leader tells.
import type { ByteWriter } from '../../../lib/base/bytes.ts';
import type { CommittedTxn, TxnResult } from '../../../lib/bus/messages.ts';
import { committedOf, type History } from './history.ts';
import { resultOf, type Outcome } from './sessions.ts';

/** Of what was committed, something may be forgotten when the next entry is applied. */
export class Applied {
  /** What became of the lease that the entry was about; undefined: there is no such lease. */
  lease: { ttlMs: number; remainingMs: number } | undefined = undefined;
  private readonly sequences: number[] = [];
  private readonly outcomes: Outcome[] = [];
  /** For each write, how many transactions it and those before it had. */
  private readonly ends: number[] = [];
  private readonly history: History;
  /** The last revision before those that the entry made, and the last of them. */
  readonly before: number;
  through: number;
  private readonly changed: number;
  /** Keys that the entry changed. */
  changes = 0;

  constructor(history: History) {
    this.history = history;
    this.before = history.lastRevision;
    this.through = history.lastRevision;
    this.changed = history.changed;
  }

  note(sequence: number, outcome: Outcome): void {
    this.sequences.push(sequence);
    this.outcomes.push(outcome);
  }

  endWrite(): void {
    this.ends.push(this.outcomes.length);
  }

  end(): void {
    this.through = this.history.lastRevision;
    this.changes = this.history.changed - this.changed;
  }

  /** Of all writes. */
  get transactions(): number {
    return this.outcomes.length;
  }

  /** One list a write, one result a transaction. */
  get results(): TxnResult[][] {
    return this.ends.map((end, i) => this.resultsFrom(i === 0 ? 0 : this.ends[i - 1]!, end));
  }

  private resultsFrom(first: number, end: number): TxnResult[] {
    const sequences = this.sequences.slice(first, end);
    return sequences.map((sequence, i) => resultOf(sequence, this.outcomes[first + i]!));
  }

  /** About what a revision takes in bytes. */
  bytesOf(revision: number): number {
    return this.history.bytesOf(revision);
  }

  /** A revision as others are told (lib/bus/packed.ts). */
  write(revision: number, out: ByteWriter): void {
    const { versions } = this.history;
    this.history.write(revision, out, (version) => versions.writeChange(version, out));
  }

  /** What was committed, oldest first. */
  get committed(): CommittedTxn[] {
    const revisions = Array.from({ length: this.through - this.before }, (_, i) => this.before + 1 + i);
    return revisions.map((revision) => committedOf(this.history.at(revision)));
  }
}
