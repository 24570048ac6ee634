// Does: brings the API actor's writes and questions to the store: one session, writes of one turn in one batch, a few
// batches in flight, the same sequence again until an answer or the deadline. Never decides what is written.
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import { sleep } from '../../../lib/base/clock.ts';
import type { ActorContext } from '../../../lib/actor/context.ts';
import type {
  Cause,
  Compare,
  Operation,
  StoreQuery,
  StoreQueryReply,
  StoreRefusal,
  StoreWrite,
  StoreWriteReply,
  Txn,
  TxnResult,
} from '../../../lib/bus/messages.ts';
import { BusError } from '../../../lib/bus/bus.ts';
import { packTxns, unpackReply, type Packed, type PackedReply } from '../../../lib/bus/packed.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import { ReadRounds } from './read-rounds.ts';
import { isRefusal, StoreMembers } from './store-members.ts';

export interface TxnRequest {
  compares: Compare[];
  operations: Operation[];
  cause: Cause;
}

/** Leaves room for the envelope below the bus' payload limit. */
const BATCH_BYTES = 2_500_000;
const BATCH_TXNS = 512;
/** While one is on its way to the disks the next one gathers: with four, each was half as large, for the same trouble to all. */
const BATCHES_IN_FLIGHT = 2;
/** One attempt at one member; shorter than the deadline, so that a dead leader costs one attempt, not the write. */
const ATTEMPT_MS = 1_000;
const RETRY_PAUSE_MS = 50;

/** The store remembers answers by session. An answer that never came ends a session: it may not be counted as arrived. */
interface Session {
  name: string;
  /** Set with its first write. */
  since: number | undefined;
  sequence: number;
  unanswered: Set<number>;
}

interface Pending {
  session: Session;
  txn: Txn;
  bytes: number;
  deadline: number;
  resolve: (result: TxnResult) => void;
  reject: (error: Error) => void;
}

export class StoreClient {
  readonly members: StoreMembers;
  readonly #ctx: ActorContext;
  #session: Session;
  #pendingWrites = 0;
  #gaveUp: { at: number; error: Error } | undefined;
  #waiting: Pending[] = [];
  #inFlight = 0;
  #flushing = false;
  /** The highest log index that the store has told: a new session begins behind it. */
  #seen = 0;
  readonly #reads: ReadRounds<number>;

  constructor(ctx: ActorContext, stores: readonly string[]) {
    this.#ctx = ctx;
    this.members = new StoreMembers(stores);
    this.#session = this.#newSession();
    this.#reads = new ReadRounds(ctx.clock, (timeoutMs) => this.#askReadIndex(timeoutMs));
  }

  get pendingWrites(): number {
    return this.#pendingWrites;
  }

  /** Throws ApiError when the store has not answered by `deadline` (monotonic ms): then the write may yet happen, once. */
  write(request: TxnRequest, deadline: number): Promise<TxnResult> {
    const bytes = request.operations.reduce(
      (sum, op) => sum + op.key.length + (op.type === 'put' ? op.value.length : 0),
      0,
    );
    const session = this.#session;
    const sequence = ++session.sequence;
    session.unanswered.add(sequence);
    this.#pendingWrites++;
    const { compares, operations, cause } = request;
    return new Promise<TxnResult>((resolve, reject) => {
      this.#waiting.push({
        session,
        txn: { sequence, compares, operations, cause },
        bytes,
        deadline,
        resolve,
        reject,
      });
      this.#flushLater();
    });
  }

  /** A revision that includes every write acknowledged before the question. Those who ask together share one answer, as a promise. */
  readIndex(timeoutMs: number): Promise<number> {
    return this.#reads.join(timeoutMs);
  }

  /** Asks the given member, or any that answers. */
  async query(query: StoreQuery, timeoutMs: number, member?: string): Promise<StoreQueryReply> {
    const deadline = this.#ctx.clock.monotonic() + timeoutMs;
    const heard = new Heard();
    while (this.#ctx.clock.monotonic() < deadline) {
      const to = member ?? this.members.next();
      try {
        const reply = await this.#ask(to, query, Math.min(ATTEMPT_MS, deadline - this.#ctx.clock.monotonic()));
        if (!isRefusal(reply)) return reply;
        heard.refusal(to, reply);
      } catch (error) {
        heard.trouble(to, error);
      }
      await sleep(this.#ctx.clock, RETRY_PAUSE_MS);
    }
    throw new ApiError('ServiceUnavailable', `the store does not answer a ${query.query} query: ${heard.text}`, {
      retryAfterSeconds: 1,
    });
  }

  async #askReadIndex(timeoutMs: number): Promise<number> {
    const deadline = this.#ctx.clock.monotonic() + timeoutMs;
    const heard = new Heard();
    let to = this.members.likelyLeader;
    while (this.#ctx.clock.monotonic() < deadline) {
      try {
        const left = deadline - this.#ctx.clock.monotonic();
        const asked = this.#ask(to, { query: 'readIndex' }, Math.max(1, Math.min(ATTEMPT_MS, left)));
        const reply = await this.members.unlessMoved(to, asked);
        if ('readIndex' in reply) {
          this.members.leads(to);
          this.#seen = Math.max(this.#seen, reply.readIndex.index ?? 0);
          return reply.readIndex.revision;
        }
        if (isRefusal(reply)) {
          this.members.refusedBy(to, reply);
          heard.refusal(to, reply);
        }
      } catch (error) {
        this.members.lost(to);
        heard.trouble(to, error);
      }
      if (this.members.noneLeft(heard.without)) break;
      to = this.members.after(to);
      await sleep(this.#ctx.clock, RETRY_PAUSE_MS);
    }
    throw new ApiError('ServiceUnavailable', `the store has no quorum: ${heard.text}`, { retryAfterSeconds: 1 });
  }

  #ask(member: string, query: StoreQuery, timeoutMs: number): Promise<StoreQueryReply> {
    const { bus, cluster, instance } = this.#ctx;
    const subject = subjectOf(cluster, 'storeQuery', { member, noun: query.query, from: instance });
    return bus.request(subject, query, { timeoutMs }) as Promise<StoreQueryReply>;
  }

  /** One batch holds what one turn of the event loop wrote; when enough batches are out, it grows until one is back. */
  #flushLater(): void {
    if (this.#flushing || this.#inFlight >= BATCHES_IN_FLIGHT || this.#waiting.length === 0) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      while (this.#inFlight < BATCHES_IN_FLIGHT && this.#waiting.length > 0) void this.#send(this.#takeBatch());
    });
  }

  #takeBatch(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#waiting) {
      if (pending.session !== this.#waiting[0]!.session) break;
      if (count > 0 && (bytes + pending.bytes > BATCH_BYTES || count >= BATCH_TXNS)) break;
      bytes += pending.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(batch: Pending[]): Promise<void> {
    this.#inFlight++;
    let left = batch;
    const heard = new Heard();
    let to = this.members.likelyLeader;
    while (left.length > 0) {
      const now = this.members.noneLeft(heard.without) ? Infinity : this.#ctx.clock.monotonic();
      for (const late of left.filter((pending) => pending.deadline <= now)) this.#giveUp(late, noQuorum(heard.text));
      left = left.filter((pending) => pending.deadline > now);
      if (left.length === 0) break;
      try {
        const reply = await this.members.unlessMoved(to, this.#write(to, left));
        if (isRefusal(reply)) {
          this.members.refusedBy(to, reply);
          heard.refusal(to, reply);
        } else {
          this.members.leads(to);
          this.#seen = Math.max(this.#seen, reply.index ?? 0);
          left = this.#settle(left, reply.results);
          continue;
        }
      } catch (error) {
        this.members.lost(to);
        heard.trouble(to, error);
      }
      to = this.members.after(to);
      await sleep(this.#ctx.clock, RETRY_PAUSE_MS);
    }
    this.#inFlight--;
    this.#flushLater();
  }

  async #write(member: string, batch: readonly Pending[]): Promise<StoreWriteReply> {
    const { bus, cluster, instance } = this.#ctx;
    const { session } = batch[0]!;
    session.since ??= this.#seen;
    const write: Packed<StoreWrite> = {
      session: session.name,
      acknowledged: (session.unanswered.values().next().value ?? session.sequence + 1) - 1,
      since: session.since,
      txns: packTxns(batch.map((pending) => pending.txn)),
    };
    const left = Math.min(...batch.map((pending) => pending.deadline)) - this.#ctx.clock.monotonic();
    const subject = subjectOf(cluster, 'storeWrite', { member, from: instance });
    const timeoutMs = Math.max(1, Math.min(ATTEMPT_MS, left));
    return unpackReply((await bus.request(subject, write, { timeoutMs })) as PackedReply);
  }

  #newSession(): Session {
    return {
      name: `${this.#ctx.instance}/${this.#ctx.chance.uuid()}`,
      since: undefined,
      sequence: 0,
      unanswered: new Set(),
    };
  }

  /** The refusal of a write that was given up after `since` (monotonic ms): who waited behind it need not wait as long. */
  gaveUpSince(since: number): Error | undefined {
    return this.#gaveUp !== undefined && this.#gaveUp.at >= since ? this.#gaveUp.error : undefined;
  }

  /** A write could not even be prepared, since the store did not answer. */
  noteGivenUp(error: Error): void {
    this.#gaveUp = { at: this.#ctx.clock.monotonic(), error };
  }

  #giveUp(pending: Pending, error: Error): void {
    this.noteGivenUp(error);
    if (pending.session === this.#session) this.#session = this.#newSession();
    this.#pendingWrites--;
    pending.reject(error);
  }

  /** Hands out the answers that came; returns those that are still without one. */
  #settle(batch: readonly Pending[], results: readonly TxnResult[]): Pending[] {
    const bySequence = new Map(results.map((result) => [result.sequence, result]));
    return batch.filter((pending) => {
      const result = bySequence.get(pending.txn.sequence);
      if (result === undefined) return true;
      pending.session.unanswered.delete(result.sequence);
      if (!result.ok && result.reason === 'forgotten') this.#giveUp(pending, forgotten(result.message));
      else {
        this.#pendingWrites--;
        pending.resolve(result);
      }
      return false;
    });
  }
}

/** What the members said last: a refusal tells more than the silence of the others. */
class Heard {
  #refusal: string | undefined;
  #trouble: string | undefined;
  /** Members that know of no leader, or are not there. One that might still say yes is not among them. */
  readonly without = new Map<string, 'noQuorum' | 'gone'>();

  get text(): string {
    return this.#refusal ?? this.#trouble ?? 'no member was asked';
  }

  refusal(member: string, reply: StoreRefusal): void {
    this.#refusal = `${member}: ${reply.message}`;
    if (reply.refused === 'noQuorum') this.without.set(member, 'noQuorum');
    else this.without.delete(member);
  }

  trouble(member: string, error: unknown): void {
    this.#trouble = messageOf(error);
    if (error instanceof BusError && error.kind === 'no-responders') this.without.set(member, 'gone');
    else this.without.delete(member);
  }
}

function forgotten(message: string): ApiError {
  return new ApiError(
    'ServiceUnavailable',
    `the store cannot say any more whether the write was applied (${message}); read before you try again`,
    { retryAfterSeconds: 1 },
  );
}

function noQuorum(last: string): ApiError {
  return new ApiError(
    'ServiceUnavailable',
    `the store has no quorum: the write was not acknowledged (${last}); it may be applied later, read before you try again`,
    { retryAfterSeconds: 1 },
  );
}
