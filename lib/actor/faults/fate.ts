// Decides what becomes of one message under the rules that are in force: lost, late, doubled. Never carries it.
import type { Chance } from '../../base/chance.ts';
import { matches } from '../../bus/memory.ts';
import type { MessageRule } from '../../bus/messages.ts';
import { endsOf, type Ends } from './ends.ts';

export interface SeenMessage {
  subject: string;
  direction: 'in' | 'out';
  /** An answer has the subject of its request, and goes the other way. */
  isAnswer: boolean;
  data: unknown;
}

/** When no rule says how late. */
export const DEFAULT_DELAY_MS = 200;

/** One number a copy: how many milliseconds late it arrives. Nothing: the message is lost. */
export type Fate = readonly number[];

const UNTOUCHED: Fate = [0];

/** Rules act one after the other on what those before left. */
export function fateOf(rules: readonly MessageRule[], message: SeenMessage, chance: Chance): Fate {
  const tokens = message.subject.split('.').slice(1);
  let fate = UNTOUCHED;
  for (const rule of rules) {
    if (!concerns(rule, message, tokens)) continue;
    if (rule.probability !== undefined && chance.float() >= rule.probability) continue;
    fate = act(rule, fate, chance);
    if (fate.length === 0) break;
  }
  return fate;
}

function concerns(rule: MessageRule, message: SeenMessage, tokens: readonly string[]): boolean {
  return (
    (rule.direction === undefined || rule.direction === message.direction) &&
    matches(rule.subject.split('.'), tokens) &&
    (rule.peer === undefined || rule.peer === peerOf(message))
  );
}

/** Who is at the other end, as the actor that evaluates its rules sees it. */
function peerOf({ subject, direction, isAnswer, data }: SeenMessage): string | undefined {
  const ends: Ends = endsOf(subject, isAnswer ? undefined : data);
  return (direction === 'in') === isAnswer ? ends.to : ends.from;
}

function act(rule: MessageRule, fate: Fate, chance: Chance): Fate {
  const delayMs = rule.delayMs ?? DEFAULT_DELAY_MS;
  switch (rule.action) {
    case 'drop':
      return [];
    case 'delay':
      return fate.map((ms) => ms + delayMs);
    case 'duplicate':
      return [...fate, ...fate];
    // Each waits for a time of its own: what was said later may overtake it.
    case 'reorder':
      return fate.map((ms) => ms + Math.round(chance.float() * delayMs));
  }
}
