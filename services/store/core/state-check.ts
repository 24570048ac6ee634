// Decides whether this member's state is what the others have: members tell each other the hash of their state after the
// same entries, and one that a majority contradicts is wrong. Never guesses: without a majority against it, it only says that
// there is a difference.
import { invariant } from '../../../lib/base/errors.ts';

export interface IndexedHash {
  index: number;
  hash: string;
}

export type Verdict =
  | { found: 'equal' }
  /** Nobody can say who is right. */
  | { found: 'different'; text: string }
  /** A majority of voters has another state than this member. */
  | { found: 'wrong'; text: string };

/** Entries between two looks, and ticks without a new entry after which the last one is looked at. */
const EVERY = 16;
const IDLE_TICKS = 20;
/** Looks that are remembered; and told at once. */
const KEPT = 256;
const TOLD = 32;

export class StateCheck {
  /** What the last difference without a majority was; '' = none. */
  difference = '';
  private readonly own = new Map<number, string>();
  /** By index and member. */
  private readonly heard = new Map<number, Map<string, string>>();
  private untold: IndexedHash[] = [];
  private idleTicks = 0;

  /** The state holds everything up to `index`. */
  applied(index: number, hash: () => string): void {
    this.idleTicks = 0;
    if (index % EVERY === 0) this.note(index, hash());
  }

  /** The state was replaced. */
  reset(): void {
    this.own.clear();
    this.untold = [];
  }

  /** Once a tick: what the others are to be told. */
  tick(index: number, hash: () => string): IndexedHash[] {
    if (++this.idleTicks === IDLE_TICKS && index > 0 && !this.own.has(index)) this.note(index, hash());
    const told = this.untold;
    this.untold = [];
    return told;
  }

  private note(index: number, hash: string): void {
    invariant(this.own.get(index) === undefined || this.own.get(index) === hash, `two states at entry ${index}`);
    this.own.set(index, hash);
    forgetOldest(this.own);
    this.untold = [...this.untold, { index, hash }].slice(-TOLD);
  }

  hears(member: string, { index, hash }: IndexedHash): void {
    const others = this.heard.get(index) ?? new Map<string, string>();
    others.set(member, hash);
    this.heard.set(index, others);
    forgetOldest(this.heard);
  }

  /** Every index of which this member knows its own hash and another's; each is looked at until a majority is equal. */
  verdict(self: string, voters: readonly string[]): Verdict {
    for (const [index, others] of this.heard) {
      const own = this.own.get(index);
      if (own === undefined) continue;
      const verdict = compare(index, { self, own, others, voters });
      if (verdict.found === 'wrong') return verdict;
      if (verdict.found === 'different') this.difference = verdict.text;
      else if (others.size >= voters.length - 1) this.heard.delete(index);
    }
    return this.difference === '' ? { found: 'equal' } : { found: 'different', text: this.difference };
  }
}

interface Look {
  self: string;
  own: string;
  others: ReadonlyMap<string, string>;
  voters: readonly string[];
}

function compare(index: number, { self, own, others, voters }: Look): Verdict {
  const counts = new Map<string, string[]>();
  for (const id of voters) {
    const hash = id === self ? own : others.get(id);
    if (hash !== undefined) counts.set(hash, [...(counts.get(hash) ?? []), id]);
  }
  const against = [...counts].filter(([hash]) => hash !== own);
  if (against.length === 0) return { found: 'equal' };
  const said = against.map(([hash, ids]) => `${ids.join(' ')} ${hash}`).join(', ');
  const text = `after entry ${index} the state here has hash ${own}, at ${said}`;
  const isWrong = against.some(([, ids]) => ids.length * 2 > voters.length);
  return isWrong ? { found: 'wrong', text } : { found: 'different', text };
}

/** A Map keeps the order of insertion. */
function forgetOldest(map: Map<number, unknown>): void {
  if (map.size > KEPT) map.delete(map.keys().next().value!);
}
