// Does: answers the store's subjects from one map in memory, with history, sessions and members that can be silenced, so
// that an API server can be tested alone. Never writes a disk and never elects anyone: the first member that is up leads.
import {
  MESSAGE_VERSION,
  type CommittedChange,
  type CommittedTxn,
  type KeyValue,
  type StoreCommitted,
  type StoreQuery,
  type StoreQueryReply,
  type StoreRefusal,
  type StoreWrite,
  type StoreWriteReply,
  type Txn,
  type TxnResult,
} from '../../lib/bus/messages.ts';
import type { MemoryNetwork } from '../../lib/bus/memory.ts';
import { emptyStatus } from '../../lib/bus/empty-status.ts';
import { packCommitted, packReply, unpackTxns, type Packed } from '../../lib/bus/packed.ts';
import { parseSubject, patternOf, subjectOf } from '../../lib/bus/subjects.ts';

interface Version {
  value: Uint8Array;
  createRevision: number;
  modRevision: number;
}

export class FakeStore {
  readonly members: readonly string[];
  readonly #cluster: string;
  readonly #network: MemoryNetwork;
  readonly #buses = new Map<string, ReturnType<MemoryNetwork['connect']>>();
  readonly #down = new Set<string>();
  #keys = new Map<string, Version>();
  readonly history: CommittedTxn[] = [];
  readonly #answers = new Map<string, TxnResult>();
  revision = 0;
  compacted = 0;
  /** Batches that arrived. */
  writes = 0;
  /** Answers are computed and then lost, this many times: the writer must ask again. */
  loseAnswers = 0;
  /** Committed messages are lost, this many times. */
  loseCommitted = 0;

  constructor(network: MemoryNetwork, cluster: string, members: readonly string[] = ['store-1', 'store-2', 'store-3']) {
    this.#network = network;
    this.#cluster = cluster;
    this.members = members;
    for (const member of members) this.#serve(member);
  }

  /** The members that are not named are dead. */
  up(...members: string[]): void {
    this.#down.clear();
    for (const member of this.members) if (!members.includes(member)) this.#down.add(member);
  }

  compact(): void {
    this.compacted = this.revision;
    this.history.length = 0;
  }

  get leader(): string {
    const alive = this.members.filter((member) => !this.#down.has(member));
    return alive.length * 2 > this.members.length ? alive[0]! : '';
  }

  #serve(member: string): void {
    const bus = this.#network.connect(member);
    this.#buses.set(member, bus);
    bus.subscribe(patternOf(this.#cluster, 'storeWrite', { member }), ({ data, respond }) => {
      if (this.#down.has(member)) return;
      this.writes++;
      const packed = data as Packed<StoreWrite>;
      const reply = packReply(this.#write(member, { ...packed, txns: unpackTxns(packed.txns) }));
      if (this.loseAnswers > 0) this.loseAnswers--;
      else respond?.(reply);
    });
    bus.subscribe(patternOf(this.#cluster, 'storeQuery', { member }), ({ data, respond, subject }) => {
      if (this.#down.has(member) || parseSubject('storeQuery', subject) === undefined) return;
      respond?.(this.#query(member, data as StoreQuery));
    });
    // Unanswered, the first Event of an API server would wait for its lease.
    bus.subscribe(patternOf(this.#cluster, 'storeOperate', { member }), ({ respond }) => {
      if (!this.#down.has(member))
        respond?.({ refused: 'invalid', leader: this.leader, message: 'nothing ends by itself' });
    });
  }

  #refusal(): StoreRefusal {
    const { leader } = this;
    return leader === ''
      ? { refused: 'noQuorum', leader: '', message: 'no majority of the members answers' }
      : { refused: 'notLeader', leader, message: `${leader} leads` };
  }

  #write(member: string, write: StoreWrite): StoreWriteReply {
    if (member !== this.leader) return this.#refusal();
    const previous = this.revision;
    const txns: CommittedTxn[] = [];
    const results = write.txns.map((txn) => this.#once(write.session, txn, txns));
    if (txns.length > 0) this.#publish(member, { version: MESSAGE_VERSION, member, term: 1, previous, txns });
    return { results };
  }

  #once(session: string, txn: Txn, txns: CommittedTxn[]): TxnResult {
    const id = `${session} ${txn.sequence}`;
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const result = this.#apply(txn, txns);
    this.#answers.set(id, result);
    return result;
  }

  #apply(txn: Txn, txns: CommittedTxn[]): TxnResult {
    const { sequence, compares, operations, cause } = txn;
    for (const { key, revision } of compares) {
      const current = this.#keys.get(key)?.modRevision ?? 0;
      if (current !== revision) return { sequence, ok: false, reason: 'conflict', key, current };
    }
    const revision = ++this.revision;
    const changes = operations.map((operation): CommittedChange => {
      const { key } = operation;
      const createRevision = this.#keys.get(key)?.createRevision ?? revision;
      if (operation.type === 'delete') {
        this.#keys.delete(key);
        return { type: 'delete', key, value: new Uint8Array(), createRevision };
      }
      this.#keys.set(key, { value: operation.value, createRevision, modRevision: revision });
      return { type: 'put', key, value: operation.value, createRevision };
    });
    const committed = { revision, changes, cause };
    this.history.push(committed);
    txns.push(committed);
    return { sequence, ok: true, revision };
  }

  #publish(member: string, committed: StoreCommitted): void {
    if (this.loseCommitted > 0) {
      this.loseCommitted--;
      return;
    }
    this.#buses.get(member)!.publish(subjectOf(this.#cluster, 'storeCommitted', { member }), packCommitted(committed));
  }

  #query(member: string, query: StoreQuery): StoreQueryReply {
    switch (query.query) {
      case 'readIndex':
        return member === this.leader ? { readIndex: { revision: this.revision } } : this.#refusal();
      case 'range':
        return this.#range(query);
      case 'history': {
        if (query.since < this.compacted) return { compacted: { oldest: this.compacted } };
        const after = this.history.filter((txn) => txn.revision > query.since);
        const txns = after.slice(0, query.limit);
        return { history: { txns, revision: this.revision, more: after.length > txns.length } };
      }
      case 'status':
        return {
          status: {
            ...emptyStatus(member, 'test', member === this.leader ? 'leader' : 'follower'),
            leader: this.leader,
            term: 1,
            commit: this.revision,
            applied: this.revision,
            lastIndex: this.revision,
            revision: this.revision,
            compactedRevision: this.compacted,
            keys: this.#keys.size,
            voters: [...this.members],
          },
        };
    }
  }

  #range(query: Extract<StoreQuery, { query: 'range' }>): StoreQueryReply {
    const at = query.revision === 0 ? this.revision : query.revision;
    if (at < this.compacted) return { compacted: { oldest: this.compacted } };
    const state = at === this.revision ? this.#keys : this.#stateAt(at);
    const all = [...state]
      .filter(([key]) => key.startsWith(query.prefix) && key > query.after)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    const items = all.slice(0, query.limit).map(([key, version]): KeyValue => ({ key, ...version }));
    return { range: { items, revision: at, more: all.length > items.length } };
  }

  #stateAt(revision: number): Map<string, Version> {
    const state = new Map<string, Version>();
    for (const txn of this.history) {
      if (txn.revision > revision) break;
      for (const change of txn.changes)
        if (change.type === 'delete') state.delete(change.key);
        else
          state.set(change.key, {
            value: change.value,
            createRevision: change.createRevision,
            modRevision: txn.revision,
          });
    }
    return state;
  }
}
