// Does: writes to and reads from a store as an API actor would: one session, the same sequence until there is an answer,
// the leader as far as members name it. Never gives up before its time, and never hides a refusal.
import { systemClock } from '../../lib/actor/system.ts';
import { sleep } from '../../lib/base/clock.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import type {
  CommittedTxn,
  Compare,
  KeyValue,
  Operation,
  StoreQuery,
  StoreQueryReply,
  StoreRefusal,
  StoreWrite,
  StoreWriteReply,
  TxnResult,
} from '../../lib/bus/messages.ts';
import { packWrite, unpackReply, type PackedReply } from '../../lib/bus/packed.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import { patience } from './patience.ts';

/** Short, since a dead leader never answers what it was asked; asking again is safe. */
const ATTEMPT_MS = 300;
/** Of one direct question: an answer that comes late on a busy machine is an answer. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 10;
let sessions = 0;

export class StoreTestClient {
  readonly session: string;
  private readonly bus: Bus;
  private readonly cluster: string;
  private readonly members: readonly string[];
  private readonly unanswered = new Set<number>();
  private sequence = 0;
  private turn = 0;
  private leader: string | undefined;

  constructor(bus: Bus, cluster: string, members: readonly string[], session?: string) {
    this.bus = bus;
    this.cluster = cluster;
    this.members = members;
    this.session = session ?? `${bus.instance}/test/${process.pid}/${++sessions}`;
  }

  put(key: string, value: string | Uint8Array, timeoutMs?: number): Promise<TxnResult> {
    return this.txn([{ type: 'put', key, value: Buffer.from(value) }], [], timeoutMs);
  }

  /** Throws when no member has answered in time: then the transaction may or may not be applied. */
  async txn(operations: Operation[], compares: Compare[] = [], timeoutMs = 120_000): Promise<TxnResult> {
    const sequence = ++this.sequence;
    this.unanswered.add(sequence);
    const cause = { span: `${this.session}/${sequence}`, actor: this.bus.instance };
    const write = (): StoreWrite => ({
      session: this.session,
      acknowledged: Math.min(...this.unanswered) - 1,
      txns: [{ sequence, compares, operations, cause }],
    });
    const reply = await this.untilAnswered(timeoutMs, (member) => this.writeTo(member, write(), ATTEMPT_MS));
    this.unanswered.delete(sequence);
    return (reply as { results: TxnResult[] }).results[0]!;
  }

  /** One attempt, one member: what it says, a refusal too. */
  writeTo(member: string, write: StoreWrite, timeoutMs = PATIENCE_MS): Promise<StoreWriteReply> {
    return this.sendWrite(member, packWrite(write), timeoutMs);
  }

  /** Whatever it is. */
  async sendWrite(member: string, data: unknown, timeoutMs = PATIENCE_MS): Promise<StoreWriteReply> {
    const subject = subjectOf(this.cluster, 'storeWrite', { member, from: this.bus.instance });
    return unpackReply((await this.bus.request(subject, data, { timeoutMs })) as PackedReply);
  }

  async ask(member: string, query: StoreQuery, timeoutMs = PATIENCE_MS): Promise<StoreQueryReply> {
    const subject = subjectOf(this.cluster, 'storeQuery', { member, noun: query.query, from: this.bus.instance });
    return (await this.bus.request(subject, query, { timeoutMs })) as StoreQueryReply;
  }

  async readIndex(timeoutMs = 120_000): Promise<number> {
    const reply = await this.untilAnswered(timeoutMs, (member) => this.ask(member, { query: 'readIndex' }, ATTEMPT_MS));
    return (reply as { readIndex: { revision: number } }).readIndex.revision;
  }

  /** Everything that begins with `prefix`, linearizable: at a revision that holds every write acknowledged before. */
  async read(prefix: string, timeoutMs = 120_000): Promise<KeyValue[]> {
    const revision = await this.readIndex(timeoutMs);
    const items: KeyValue[] = [];
    for (let more = true; more;) {
      const query: StoreQuery = { query: 'range', prefix, after: items.at(-1)?.key ?? '', limit: 500, revision };
      const reply = await this.untilAnswered(timeoutMs, (member) => this.ask(member, query, ATTEMPT_MS));
      if (!('range' in reply)) throw new Error(`range of ${prefix}: ${JSON.stringify(reply)}`);
      items.push(...reply.range.items);
      more = reply.range.more;
    }
    return items;
  }

  /** All committed transactions after `since`, from any member. */
  async history(since: number, timeoutMs = 120_000): Promise<CommittedTxn[]> {
    const txns: CommittedTxn[] = [];
    for (let more = true; more;) {
      const query: StoreQuery = { query: 'history', since: txns.at(-1)?.revision ?? since, limit: 500 };
      const reply = await this.untilAnswered(timeoutMs, (member) => this.ask(member, query, ATTEMPT_MS));
      if (!('history' in reply)) throw new Error(`history since ${since}: ${JSON.stringify(reply)}`);
      txns.push(...reply.history.txns);
      more = reply.history.more;
    }
    return txns;
  }

  private async untilAnswered<T extends object>(
    timeoutMs: number,
    attempt: (member: string) => Promise<T | StoreRefusal>,
  ): Promise<T> {
    let last = '';
    for (const goesOn = patience(timeoutMs); goesOn();) {
      const member = this.leader ?? this.members[this.turn++ % this.members.length]!;
      try {
        const reply = await attempt(member);
        if (!('refused' in reply)) {
          this.leader = member;
          return reply;
        }
        last = reply.message;
        if (reply.refused === 'invalid') break;
        this.leader = reply.leader === '' || reply.leader === member ? undefined : reply.leader;
      } catch (error) {
        this.leader = undefined;
        last = messageOf(error);
      }
      await sleep(systemClock, PAUSE_MS);
    }
    throw new Error(`not answered (${timeoutMs} ms at most): ${last}`);
  }
}
