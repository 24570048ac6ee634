// Decides nothing: what is remembered of one request while it is served, for its span: how long each stage took, and what
// each step of admission made of it. Never holds a value of the object.
import type { RequestTrace } from '../../../lib/bus/messages.ts';

export class RequestStory {
  readonly stagesMs: Record<string, number> = {};
  /** A span tells of it already. */
  isTold = false;
  #at: number;
  #admission: NonNullable<RequestTrace['admission']> = { passed: [], changed: [] };

  /** Milliseconds of a clock that never goes back. */
  constructor(now: number) {
    this.#at = now;
  }

  /** What went on since the last mark was this. */
  mark(stage: string, now: number): void {
    this.stagesMs[stage] = (this.stagesMs[stage] ?? 0) + now - this.#at;
    this.#at = now;
  }

  /** A plan is made, perhaps again: only the last one's steps count. */
  planning(): void {
    this.#admission = { passed: [], changed: [] };
  }

  step(name: string, verdict: 'passed' | 'changed' | 'refused'): void {
    if (verdict === 'refused') this.#admission.refused = name;
    else this.#admission[verdict].push(name);
  }

  /** Undefined: admission was not asked. */
  get admission(): RequestTrace['admission'] {
    const { passed, changed, refused } = this.#admission;
    return passed.length + changed.length === 0 && refused === undefined ? undefined : this.#admission;
  }
}
