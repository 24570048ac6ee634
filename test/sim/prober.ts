// Decides whether a member answers rightly what nobody usually asks: a watch from the beginning, from what is compacted, from
// a revision that does not exist yet; a message that is too large; the whole state as one file. Never changes anything.
import { createHash } from 'node:crypto';
import { LIMITS } from '../../lib/base/limits.ts';
import type { StoreSnapshotOffer } from '../../lib/bus/messages.ts';
import { SnapshotLoader } from '../../services/store/core/snapshot.ts';
import type { StateMachine } from '../../services/store/core/state-machine.ts';
import { askOnce, isRefusal, operateOnce, type Asking } from './asking.ts';
import type { Journal } from './sim-client.ts';
import type { StoreInvariants } from './store-invariants.ts';

/** Pieces of a snapshot that are asked for again before the reader gives up. */
const READ_TRIES = 6;

export class Prober {
  /** The last state that was saved. */
  saved: StateMachine | undefined;
  private readonly asking: Asking;
  private readonly invariants: StoreInvariants;
  private readonly journal: Journal;
  private readonly mayBeWrong: () => boolean;

  /** `mayBeWrong`: the state of some member was made wrong in memory. */
  constructor(asking: Asking, invariants: StoreInvariants, journal: Journal, mayBeWrong: () => boolean) {
    this.asking = asking;
    this.invariants = invariants;
    this.journal = journal;
    this.mayBeWrong = mayBeWrong;
  }

  /** Any member, from any revision: what comes is everything after it, or the word that it is gone. */
  async watchFrom(kind: 'zero' | 'compacted' | 'future'): Promise<void> {
    const { world, members } = this.asking;
    const { model } = this.invariants;
    const since =
      kind === 'zero'
        ? 0
        : kind === 'future'
          ? model.revision + 1 + world.chance.int(50)
          : world.chance.int(model.revision + 1);
    const limit = 1 + world.chance.int(60);
    const reply = await askOnce(this.asking, world.pick(members), { query: 'history', since, limit });
    if (reply === undefined || isRefusal(reply)) return world.count(`watch-from-${kind}-refused`);
    if ('compacted' in reply) {
      world.count(`watch-from-${kind}-compacted`);
      const { oldest } = reply.compacted;
      if (oldest <= since) throw new Error(`history after ${since} is called compacted at ${oldest}`);
      return;
    }
    if (!('history' in reply)) throw new Error(`history is answered with ${Object.keys(reply).join()}`);
    world.count(`watch-from-${kind}-told`);
    const { txns, revision, more } = reply.history;
    if (revision < since) throw new Error(`history after ${since} is answered by a member at revision ${revision}`);
    for (const [i, txn] of txns.entries()) {
      const said = `history after ${since} gives revision ${txn.revision}`;
      if (txn.revision !== since + i + 1) throw new Error(`${said} as number ${i + 1}`);
      this.invariants.isTrue(txn, said);
    }
    if (!more && since + txns.length !== revision) throw new Error(`history after ${since} ends before ${revision}`);
  }

  /** What is larger than a message may be never leaves, and costs nobody a connection. */
  async sendTooMuch(): Promise<void> {
    const { world, members } = this.asking;
    const prefix = '/'.repeat(LIMITS.busPayloadBytes);
    const query = { query: 'range', prefix, after: '', limit: 1, revision: 0 } as const;
    const reply = await askOnce(this.asking, world.pick(members), query);
    if (reply !== undefined) throw new Error(`a question of ${prefix.length} bytes is answered`);
    world.count('oversize-refused');
  }

  /** As `flotilla store save`: one file, piece by piece, while the store goes on. */
  async save(): Promise<void> {
    const { world, members } = this.asking;
    const member = world.pick(members);
    const { seenRevision } = this.journal;
    const opened = await operateOnce(this.asking, member, { operation: 'snapshotOpen' });
    if (opened === undefined || !('snapshot' in opened)) return world.count('save-refused');
    const bytes = await this.fetch(member, opened.snapshot);
    if (bytes === undefined) return world.count('save-broken-off');
    const { index, hash, isCurrent } = opened.snapshot;
    const said = `the state that ${member} gave at entry ${index}`;
    if (createHash('sha256').update(bytes).digest('hex') !== hash) throw new Error(`${said} is not what it announced`);
    const loader = new SnapshotLoader(undefined);
    loader.feed(bytes);
    const state = loader.finish();
    const right = this.invariants.model.revisionAt[index];
    if (state.revision !== right) throw new Error(`${said} is of revision ${state.revision}, right is ${right}`);
    if (isCurrent && state.revision < seenRevision)
      throw new Error(`${said} is called current at revision ${state.revision}, ${seenRevision} was seen before`);
    const page = state.range('', '', 10_000, 0);
    const wrong = page === 'compacted' ? page : this.invariants.model.whyWrongItems('', state.revision, page.items);
    // From who was made wrong, while none of the others was there to say so.
    if (wrong !== undefined && this.mayBeWrong()) return world.count('save-of-wrong-state');
    if (wrong !== undefined) throw new Error(`${said}: ${wrong}`);
    this.saved = state;
    world.count('save-done');
  }

  private async fetch(member: string, offer: StoreSnapshotOffer): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    let offset = 0;
    for (let tries = 0; offset < offer.sizeBytes && tries < READ_TRIES; tries++) {
      const reply = await operateOnce(this.asking, member, { operation: 'snapshotRead', index: offer.index, offset });
      if (reply === undefined || !('data' in reply) || reply.data.length === 0) continue;
      pieces.push(reply.data);
      offset += reply.data.length;
      tries = 0;
    }
    return offset < offer.sizeBytes ? undefined : Buffer.concat(pieces);
  }
}
