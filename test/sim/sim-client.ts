// Decides what a simulated API actor asks of the store and how it asks again: one session, the same sequence until there
// is an answer. Writes down what it saw, when, for the check of the whole history.
import type { Chance } from '../../lib/base/chance.ts';
import { sleep } from '../../lib/base/clock.ts';
import type {
  Compare,
  KeyValue,
  Operation,
  StoreQuery,
  StoreQueryReply,
  StoreRefusal,
  Txn,
  TxnResult,
} from '../../lib/bus/messages.ts';
import { packWrite, unpackReply, type PackedReply } from '../../lib/bus/packed.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { SimBus } from './sim-bus.ts';
import type { World } from './world.ts';

export interface DoneTxn {
  type: 'txn';
  client: string;
  session: string;
  txn: Txn;
  /** undefined: it gave up. */
  result: TxnResult | undefined;
  call: number;
  return: number;
  /** The highest revision that any client had seen before the call. */
  floor: number;
}

export interface DoneRead {
  type: 'read';
  client: string;
  /** A prefix, or one key. */
  prefix: string;
  answer: { revision: number; items: KeyValue[] } | undefined;
  call: number;
  return: number;
  floor: number;
}

export type Done = DoneTxn | DoneRead;

/** What clients do, drawn once for a run. */
export interface Habits {
  keys: number;
  pauseMs: { min: number; max: number };
  attemptMs: number;
  patienceMs: number;
  valueBytes: number;
  /** Shares of operations. */
  reads: number;
  deletes: number;
  compares: number;
  many: number;
  batches: number;
  sendsTwice: number;
  newSession: number;
}

export function drawHabits(world: World): Habits {
  return {
    keys: 1 + world.chance.int(8),
    pauseMs: { min: 2, max: world.draw(60, 600) },
    attemptMs: 150 + world.chance.int(600),
    patienceMs: world.draw(600, 6_000),
    valueBytes: world.draw(10, 1_500),
    reads: 0.15 + world.chance.float() * 0.4,
    deletes: world.chance.float() * 0.4,
    compares: world.chance.float(),
    many: world.chance.float() * 0.4,
    batches: world.chance.float() * 0.4,
    sendsTwice: world.odds(0.5) ? world.chance.float() * 0.4 : 0,
    newSession: world.chance.float() * 0.1,
  };
}

/** What all clients share. */
export interface Journal {
  done: Done[];
  /** The highest revision that anybody was told. */
  seenRevision: number;
  /** Of the log, as answers told it. */
  seenIndex: number;
}

export class SimClient {
  readonly bus: SimBus;
  answered = 0;
  stopped = false;
  private readonly world: World;
  private readonly chance: Chance;
  private readonly cluster: string;
  private readonly members: readonly string[];
  private readonly habits: Habits;
  private readonly journal: Journal;
  private readonly knownRevisions = new Map<string, number>();
  private session = '';
  private since = 0;
  private sessions = 0;
  private sequence = 0;
  private readonly unanswered = new Set<number>();
  private leader: string | undefined;
  private turn = 0;
  private number = 0;

  constructor(
    world: World,
    bus: SimBus,
    cluster: string,
    members: readonly string[],
    habits: Habits,
    journal: Journal,
  ) {
    this.world = world;
    this.chance = world.chance;
    this.bus = bus;
    this.cluster = cluster;
    this.members = members;
    this.habits = habits;
    this.journal = journal;
    this.newSession();
  }

  /** Goes on until it is stopped. */
  async live(): Promise<void> {
    while (!this.stopped) {
      await sleep(this.bus.process.clock, this.world.draw(this.habits.pauseMs.min, this.habits.pauseMs.max));
      if (this.world.odds(this.habits.newSession)) this.newSession();
      if (this.world.odds(this.habits.reads)) await this.read();
      else await this.write();
    }
  }

  /** Begun anew, as after a crash: what was unanswered will never be known. */
  private newSession(): void {
    if (this.sessions > 0) this.world.count('client-new-session');
    this.session = `${this.bus.instance}/${++this.sessions}`;
    this.since = this.journal.seenIndex;
    this.sequence = 0;
    this.unanswered.clear();
  }

  private key(): string {
    return `/k${this.chance.int(this.habits.keys)}`;
  }

  private value(): Uint8Array {
    const text = `${this.bus.instance}:${++this.number} `;
    return Buffer.from(text.padEnd(1 + this.chance.int(this.habits.valueBytes), 'x'), 'latin1');
  }

  private txn(): Txn {
    const { habits, world } = this;
    const count = world.odds(habits.many) ? 2 + this.chance.int(3) : 1;
    const operations: Operation[] = [];
    const compares: Compare[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.key();
      // One operation a key: what several on one key do is for the store's own tests.
      if (operations.some((operation) => operation.key === key)) continue;
      if (world.odds(habits.deletes)) operations.push({ type: 'delete', key });
      else {
        if (world.odds(habits.compares)) compares.push({ key, revision: this.knownRevisions.get(key) ?? 0 });
        operations.push({ type: 'put', key, value: this.value() });
      }
    }
    const sequence = ++this.sequence;
    return { sequence, compares, operations, cause: { span: `${this.session}#${sequence}`, actor: this.bus.instance } };
  }

  private async write(): Promise<void> {
    const { session, since, journal, world } = this;
    const count = world.odds(this.habits.batches) ? 2 + this.chance.int(4) : 1;
    const txns = Array.from({ length: count }, () => this.txn());
    for (const { sequence } of txns) this.unanswered.add(sequence);
    const done = txns.map((txn): DoneTxn => ({
      type: 'txn',
      client: this.bus.instance,
      session,
      txn,
      result: undefined,
      call: world.nowMs,
      return: Infinity,
      floor: journal.seenRevision,
    }));
    journal.done.push(...done);
    const reply = await this.untilAnswered((member) => {
      const write = packWrite({ session, since, acknowledged: Math.min(...this.unanswered) - 1, txns });
      if (world.odds(this.habits.sendsTwice)) {
        world.count('client-sent-twice');
        void this.request('storeWrite', world.pick(this.members), write).catch(() => undefined);
      }
      return (this.request('storeWrite', member, write) as Promise<PackedReply>).then(unpackReply);
    });
    for (const { sequence } of txns) this.unanswered.delete(sequence);
    if (reply === undefined) return world.count('client-gave-up', count);
    this.answered++;
    journal.seenIndex = Math.max(journal.seenIndex, reply.index ?? 0);
    for (const [i, each] of done.entries()) this.learn(each, reply.results[i]);
  }

  private learn(done: DoneTxn, result: TxnResult | undefined): void {
    if (result?.sequence !== done.txn.sequence)
      return this.world.fail(new Error(`${done.session}#${done.txn.sequence} is answered ${JSON.stringify(result)}`));
    done.result = result;
    done.return = this.world.nowMs;
    if (result.ok) {
      this.world.count('write-done');
      this.saw(result.revision);
      for (const { key, type } of done.txn.operations)
        this.knownRevisions.set(key, type === 'put' ? result.revision : 0);
    } else {
      this.world.count(`write-${result.reason}`);
      if (result.reason === 'conflict') this.knownRevisions.set(result.key, result.current);
      // Nobody can say what became of it; a careful writer begins anew.
      if (result.reason === 'forgotten' && done.session === this.session) this.newSession();
    }
  }

  private saw(revision: number): void {
    this.journal.seenRevision = Math.max(this.journal.seenRevision, revision);
  }

  private async read(): Promise<void> {
    const prefix = this.world.odds(0.3) ? '/' : this.key();
    const done: DoneRead = {
      type: 'read',
      client: this.bus.instance,
      prefix,
      answer: undefined,
      call: this.world.nowMs,
      return: Infinity,
      floor: this.journal.seenRevision,
    };
    this.journal.done.push(done);
    const asked = await this.untilAnswered((member) => this.ask(member, { query: 'readIndex' }));
    if (asked === undefined || !('readIndex' in asked)) return this.world.count('client-gave-up');
    const answer = await this.range(prefix, asked.readIndex.revision);
    if (answer === undefined) return this.world.count('client-gave-up');
    const { items, revision } = answer;
    this.saw(revision);
    this.answered++;
    done.answer = answer;
    done.return = this.world.nowMs;
    this.world.count('read-done');
    for (const item of items) this.knownRevisions.set(item.key, item.modRevision);
  }

  /** From any member, page by page. undefined: gave up, or history went on without it. */
  private async range(prefix: string, from: number): Promise<DoneRead['answer']> {
    const items: KeyValue[] = [];
    // 0 is the latest, whatever that is there: the first page says which, the others must be of the same.
    let revision = from;
    const limit = 1 + this.chance.int(4);
    for (let more = true; more;) {
      const query: StoreQuery = { query: 'range', prefix, after: items.at(-1)?.key ?? '', limit, revision };
      const reply = await this.untilAnswered((member) => this.ask(this.world.odds(0.5) ? this.any() : member, query));
      if (reply !== undefined && 'compacted' in reply) this.world.count('read-compacted');
      if (reply === undefined || !('range' in reply)) return undefined;
      items.push(...reply.range.items);
      ({ more, revision } = reply.range);
    }
    return { items, revision };
  }

  private any(): string {
    return this.members[this.turn++ % this.members.length]!;
  }

  private ask(member: string, query: StoreQuery): Promise<StoreQueryReply> {
    return this.request('storeQuery', member, query, query.query) as Promise<StoreQueryReply>;
  }

  private request(name: 'storeWrite' | 'storeQuery', member: string, data: unknown, noun = ''): Promise<unknown> {
    const from = this.bus.instance;
    const subject =
      name === 'storeWrite'
        ? subjectOf(this.cluster, name, { member, from })
        : subjectOf(this.cluster, name, { member, noun, from });
    return this.bus.request(subject, data, { timeoutMs: this.habits.attemptMs });
  }

  private async untilAnswered<T extends object>(
    attempt: (member: string) => Promise<T | StoreRefusal>,
  ): Promise<T | undefined> {
    const until = this.world.nowMs + this.habits.patienceMs;
    for (let tries = 0; this.world.nowMs < until; tries++) {
      if (tries > 0) this.world.count('client-retried');
      const member = this.leader ?? this.any();
      try {
        const reply = await attempt(member);
        if (!('refused' in reply)) {
          this.leader = member;
          return reply;
        }
        this.world.count(`refused-${reply.refused}`);
        if (reply.refused === 'invalid') this.world.fail(new Error(`refused as invalid: ${reply.message}`));
        this.leader = reply.leader === '' || reply.leader === member ? undefined : reply.leader;
      } catch {
        this.leader = undefined;
      }
      await sleep(this.bus.process.clock, 5 + this.chance.int(20));
    }
    return undefined;
  }
}
