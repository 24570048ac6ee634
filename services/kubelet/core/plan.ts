// Does the bookkeeping of one decision: what shall be done, what shall be said, when to look again. Never decides.
import type { PodEffect, PodEvent } from './effects.ts';
import { isUnderWay, retryInMs, type Kill, type PodState } from './pod-state.ts';

export class Plan {
  readonly effects: PodEffect[] = [];
  readonly events: PodEvent[] = [];
  readonly now: number;
  state: PodState;
  againInMs: number | undefined;

  constructor(state: PodState, now: number) {
    this.state = state;
    this.now = now;
  }

  /** Asks for it, unless it is under way, or failed so recently that it must wait. */
  want(effect: PodEffect): void {
    if (isUnderWay(this.state, effect.key)) return;
    const waitMs = retryInMs(this.state, effect.key, this.now);
    if (waitMs > 0) this.lookAgainIn(waitMs);
    else this.effects.push(effect);
  }

  lookAgainIn(ms: number): void {
    this.againInMs = Math.min(this.againInMs ?? Number.POSITIVE_INFINITY, ms);
  }

  say(event: PodEvent): void {
    this.events.push(event);
  }

  /** Says it only once for the same `about`. */
  sayOnce(about: string, event: PodEvent): void {
    if (this.state.told[about] === true) return;
    this.state = { ...this.state, told: { ...this.state.told, [about]: true } };
    this.events.push(event);
  }

  setKill(id: string, kill: Kill): void {
    this.state = { ...this.state, kills: { ...this.state.kills, [id]: kill } };
  }
}
