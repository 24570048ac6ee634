// Decides whether this member's state is what the others have: members tell each other the hash of their state after the
// same entries, and one that a majority contradicts is wrong. Never guesses: without a majority against it, it only says that
// there is a difference.
export interface IndexedHash {
  index: number;
  /** '': the sender does not tell its own, but asks for the receiver's. */
  hash: string;
}

export type Verdict =
  | { found: 'equal' }
  /** Nobody can say who is right. */
  | { found: 'different'; text: string }
  /** A majority of voters has another state than this member. */
  | { found: 'wrong'; text: string };

/** What the others say to the state after one entry; 'silent': too few have said anything for too long. */
export type Agreement = 'agreed' | 'differs' | 'silent' | 'open';

/** Who decides: `outgoing` too, while there are any. */
export interface Voters {
  voters: readonly string[];
  outgoing: readonly string[];
}

/** Entries between two looks, and ticks without a new entry after which the last one is looked at. */
const EVERY = 16;
const IDLE_TICKS = 20;
/** Own hashes that are remembered, to answer whoever asks later; looks that are remembered; and told at once. */
const OWN_KEPT = 2_048;
const KEPT = 256;
const TOLD = 32;
/** A question is asked again after so many ticks, and answered by silence after so many. */
const ASK_TICKS = 4;
const PATIENCE_TICKS = 40;

interface Question extends IndexedHash {
  ticks: number;
  told: Map<string, string>;
}

export class StateCheck {
  /** The last difference without a majority, until all are equal again; '' = none. */
  difference = '';
  private differsAt = 0;
  /** After each of the last entries. */
  private readonly own = new Map<number, string>();
  /** By index and member. */
  private readonly heard = new Map<number, Map<string, string>>();
  /** What others have asked for and this member has not applied yet. */
  private readonly asked = new Set<number>();
  private question: Question | undefined;
  private untold: IndexedHash[] = [];
  private idleTicks = 0;

  /** The state holds everything up to `index`. */
  applied(index: number, hash: string): void {
    this.idleTicks = 0;
    this.own.set(index, hash);
    forgetOldest(this.own, OWN_KEPT);
    if (index % EVERY === 0 || this.asked.delete(index)) this.tell(index, hash);
  }

  /** The state was replaced. */
  reset(): void {
    this.own.clear();
    this.untold = [];
    this.question = undefined;
  }

  /** What the others have after entry `index`, where this member has `hash`; one question at a time, until `answer` says more than 'open'. */
  ask(index: number, hash: string): void {
    this.question = { index, hash, ticks: 0, told: new Map(this.heard.get(index)) };
  }

  /** The question is over unless it is 'open'. */
  answer(self: string, voters: Voters): Agreement {
    const { question } = this;
    if (question === undefined) return 'silent';
    const { index, hash, told, ticks } = question;
    const said = agreement({ self, hash, told, voters, isLate: ticks >= PATIENCE_TICKS });
    if (said === 'differs') this.differs(index, differenceText(index, hash, told));
    if (said !== 'open') this.question = undefined;
    return said;
  }

  /** Whether a majority has said that its state after entry `index` is another than this one. */
  isContradicted(index: number, hash: string, { voters }: Voters): boolean {
    const told = this.heard.get(index) ?? new Map<string, string>();
    const { own, others } = asFarAsAllTell(hash, told);
    return voters.filter((id) => (others.get(id) ?? own) !== own).length * 2 > voters.length;
  }

  /** Once a tick: what the others are to be told. */
  tick(index: number, hash: () => string): IndexedHash[] {
    if (++this.idleTicks === IDLE_TICKS && index > 0) this.look(index, hash());
    if (this.question !== undefined && this.question.ticks++ % ASK_TICKS === 0)
      for (const said of [this.question.hash, '']) this.tell(this.question.index, said);
    const told = this.untold;
    this.untold = [];
    return told;
  }

  /** Once more, for it may have become another while nothing was applied. */
  private look(index: number, hash: string): void {
    this.own.set(index, hash);
    this.tell(index, hash);
  }

  private tell(index: number, hash: string): void {
    if (this.untold.some((each) => each.index === index && each.hash === hash)) return;
    this.untold = [...this.untold, { index, hash }].slice(-TOLD);
  }

  hears(member: string, { index, hash }: IndexedHash): void {
    if (hash === '') return this.isAsked(index);
    const others = this.heard.get(index) ?? new Map<string, string>();
    others.set(member, hash);
    this.heard.set(index, others);
    forgetOldest(this.heard, KEPT);
    if (this.question?.index === index) this.question.told.set(member, hash);
  }

  private isAsked(index: number): void {
    const own = this.own.get(index);
    if (own !== undefined) return this.tell(index, own);
    this.asked.add(index);
    forgetOldest(this.asked, KEPT);
  }

  /** Every index of which this member knows its own hash and another's; each is looked at until a majority is equal. */
  verdict(self: string, voters: readonly string[]): Verdict {
    for (const [index, others] of this.heard) {
      const own = this.own.get(index);
      if (own === undefined) continue;
      const verdict = compare(index, { self, own, others, voters });
      if (verdict.found === 'wrong') return verdict;
      if (verdict.found === 'different') this.differs(index, verdict.text);
      else if (others.size >= voters.length - 1) this.settles(index);
    }
    return this.difference === '' ? { found: 'equal' } : { found: 'different', text: this.difference };
  }

  private differs(index: number, text: string): void {
    if (index < this.differsAt) return;
    this.differsAt = index;
    this.difference = text;
  }

  /** All have the same again: whoever was wrong was given another state. */
  private settles(index: number): void {
    this.heard.delete(index);
    if (index <= this.differsAt) return;
    for (const earlier of this.heard.keys()) if (earlier < index) this.heard.delete(earlier);
    this.difference = '';
  }
}

interface Look {
  self: string;
  own: string;
  others: ReadonlyMap<string, string>;
  voters: readonly string[];
}

/**
 * A member of an older version tells the hash of its keys alone, which the others' begin with: as long as there is one, nothing but that
 * is compared.
 */
function asFarAsAllTell(hash: string, told: ReadonlyMap<string, string>): { own: string; others: Map<string, string> } {
  let shortest = hash.length;
  for (const other of told.values()) if (other !== '') shortest = Math.min(shortest, other.length);
  return {
    own: hash.slice(0, shortest),
    others: new Map([...told].map(([id, other]) => [id, other.slice(0, shortest)])),
  };
}

function compare(index: number, look: Look): Verdict {
  const { self, voters } = look;
  const { own, others } = asFarAsAllTell(look.own, look.others);
  const counts = new Map<string, string[]>();
  for (const id of voters) {
    const hash = id === self ? own : others.get(id);
    if (hash !== undefined) counts.set(hash, [...(counts.get(hash) ?? []), id]);
  }
  const against = [...counts].filter(([hash]) => hash !== own);
  if (against.length === 0) return { found: 'equal' };
  const said = new Map(against.flatMap(([hash, ids]) => ids.map((id) => [id, hash])));
  const text = differenceText(index, own, said);
  const isWrong = against.some(([, ids]) => ids.length * 2 > voters.length);
  return isWrong ? { found: 'wrong', text } : { found: 'different', text };
}

function differenceText(index: number, own: string, told: ReadonlyMap<string, string>): string {
  const ids = new Map<string, string[]>();
  for (const [id, hash] of told) if (hash !== own) ids.set(hash, [...(ids.get(hash) ?? []), id]);
  const said = [...ids].map(([hash, members]) => `${members.join(' ')} ${hash}`).join(', ');
  return `after entry ${index} the state here has hash ${own}, at ${said}`;
}

interface Asked {
  self: string;
  hash: string;
  told: ReadonlyMap<string, string>;
  voters: Voters;
  isLate: boolean;
}

/** More than half, of both halves of a joint configuration. */
function agreement({ self, hash: whole, told: all, voters: { voters, outgoing }, isLate }: Asked): Agreement {
  const { own: hash, others: told } = asFarAsAllTell(whole, all);
  const said = (id: string): string => (id === self ? hash : (told.get(id) ?? ''));
  const halves = [voters, outgoing].filter((ids) => ids.length > 0);
  const agreeing = (ids: readonly string[]): number => ids.filter((id) => said(id) === hash).length;
  const differing = (ids: readonly string[]): number => ids.filter((id) => !['', hash].includes(said(id))).length;
  if (halves.every((ids) => agreeing(ids) * 2 > ids.length)) return 'agreed';
  if (halves.some((ids) => differing(ids) * 2 >= ids.length)) return 'differs';
  if (!isLate) return 'open';
  return halves.some((ids) => differing(ids) > 0) ? 'differs' : 'silent';
}

/** A Map and a Set keep the order of insertion. */
function forgetOldest(kept: Map<number, unknown> | Set<number>, most: number): void {
  if (kept.size > most) kept.delete(kept.keys().next().value!);
}
