// Decides what a run looks like at one moment, and which of its changes are worth a line. Never draws.
import type { Target } from '../contract.ts';
import type { Cell } from './availability.ts';
import { durationText } from './duration.ts';

export interface Lane {
  name: string;
  cells: readonly Cell[];
  ok: number;
  failed: number;
  longestGapMs: number;
}

export interface Line {
  atMs: number;
  text: string;
  kind: 'broken' | 'healed' | 'seen' | 'wrong';
}

/** Everything that is shown. */
export interface Board {
  cluster: string;
  title: string;
  hypothesis: string;
  phase: string;
  elapsedMs: number;
  lastsMs: number;
  cellMs: number;
  members: Target[];
  lanes: Lane[];
  lastWrite: string;
  lastRead: string;
  pods: { total: number; ready: number; disturbed: number; restarted: number };
  broken: string[];
  lines: Line[];
}

/** A gap that is shorter than this is no news. */
const NEWS_MS = 1000;

const isGood = (answer: string): boolean => /^20\d /.test(answer);

/** During a silence the last good answer is old: whoever asked since is still waiting. */
export function answerNow(last: string, sinceOkMs: number): string {
  return isGood(last) && sinceOkMs >= NEWS_MS ? `no answer for ${durationText(sinceOkMs)} (before: ${last})` : last;
}

/** Why nothing good was answered since then, as far as anybody said. */
export function sinceThen(last: string): string {
  return isGood(last) ? 'no answer at all' : last;
}

/** What members say now and did not say before. */
export function memberNews(before: readonly Target[], after: readonly Target[]): string[] {
  const was = new Map(before.map((target) => [target.name, target]));
  return after.flatMap((target) => {
    const last = was.get(target.name);
    if (last === undefined) return [];
    if (last.state !== target.state) return [`${target.name} is ${target.state}`];
    if (target.store === undefined || last.store?.role === target.store.role) return [];
    if (target.store.role === 'leader') return [`${target.name} leads in term ${target.store.term}`];
    if (last.store?.role === 'leader') return [`${target.name} leads no more (term ${target.store.term})`];
    return [];
  });
}

/** Tells when answers stop and when they go on, once each. */
export class GapNews {
  readonly #what: string;
  #lastOkMs: number;
  #ok = 0;
  #isTold = false;

  constructor(what: string, startMs: number) {
    this.#what = what;
    this.#lastOkMs = startMs;
  }

  /** `ok`: how many were answered until now. */
  look(nowMs: number, ok: number, said: string): string | undefined {
    const gapMs = nowMs - this.#lastOkMs;
    if (ok > this.#ok) {
      this.#ok = ok;
      this.#lastOkMs = nowMs;
      const wasTold = this.#isTold;
      this.#isTold = false;
      return wasTold ? `${this.#what} go on after ${durationText(gapMs)}` : undefined;
    }
    if (this.#isTold || gapMs < NEWS_MS) return undefined;
    this.#isTold = true;
    return `no ${this.#what} for ${durationText(gapMs)}: ${said}`;
  }
}
