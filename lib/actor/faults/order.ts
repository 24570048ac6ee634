// Decides whether what came as a fault order is one. Never carries it out.
import type { FaultOrder, MessageRule } from '../../bus/messages.ts';

const ACTIONS = new Set(['drop', 'delay', 'duplicate', 'reorder']);
const MAX_LEASE_MS = 60_000;
const MAX_DELAY_MS = 60_000;

/** The order, or why it is none. */
export function asFaultOrder(data: unknown): FaultOrder | string {
  const order = data as FaultOrder;
  if (typeof data !== 'object' || data === null) return 'a fault order is { version, id, leaseMs, faults }';
  if (typeof order.id !== 'string' || order.id === '') return 'a fault order has an id';
  if (!within(order.leaseMs, 0, MAX_LEASE_MS)) return `leaseMs ${String(order.leaseMs)}: must be 0 to ${MAX_LEASE_MS}`;
  const { faults } = order;
  if (typeof faults !== 'object' || faults === null)
    return 'a fault order has faults: { messages?, disk?, clockSkewMs? }';
  const wrong = messagesWrong(faults.messages) ?? diskWrong(faults.disk) ?? skewWrong(faults.clockSkewMs);
  return wrong ?? order;
}

function messagesWrong(rules: unknown): string | undefined {
  if (rules === undefined) return undefined;
  if (!Array.isArray(rules)) return 'faults.messages: must be a list of rules';
  return rules.map(ruleWrong).find((wrong) => wrong !== undefined);
}

function ruleWrong(value: unknown): string | undefined {
  const rule = value as MessageRule;
  if (typeof value !== 'object' || value === null) return 'faults.messages: a rule is { subject, action, … }';
  if (typeof rule.subject !== 'string' || !isPattern(rule.subject))
    return `subject ${JSON.stringify(rule.subject)}: must be a pattern as NATS writes it, without the cluster: raft.>, apiserver.evt.*.pods`;
  if (!ACTIONS.has(rule.action)) return `action ${JSON.stringify(rule.action)}: must be ${[...ACTIONS].join(', ')}`;
  if (rule.direction !== undefined && rule.direction !== 'in' && rule.direction !== 'out')
    return `direction ${JSON.stringify(rule.direction)}: must be in or out`;
  if (rule.peer !== undefined && typeof rule.peer !== 'string') return 'peer: must be the name of an actor';
  if (rule.probability !== undefined && !within(rule.probability, 0, 1))
    return `probability ${String(rule.probability)}: must be 0 to 1`;
  if (rule.delayMs !== undefined && !within(rule.delayMs, 0, MAX_DELAY_MS))
    return `delayMs ${String(rule.delayMs)}: must be 0 to ${MAX_DELAY_MS}`;
  return undefined;
}

/** Tokens of letters, digits, `-`, `_`, or `*`; `>` only as the last. */
export function isPattern(text: string): boolean {
  return /^(([A-Za-z0-9_-]+|\*)\.)*([A-Za-z0-9_-]+|\*|>)$/.test(text);
}

function diskWrong(disk: unknown): string | undefined {
  if (disk === undefined) return undefined;
  const { full, slowMs } = (disk ?? {}) as { full?: unknown; slowMs?: unknown };
  if (full !== undefined && typeof full !== 'boolean') return 'disk.full: must be true or false';
  if (slowMs !== undefined && !within(slowMs, 0, MAX_DELAY_MS))
    return `disk.slowMs ${String(slowMs)}: must be 0 to ${MAX_DELAY_MS}`;
  return undefined;
}

function skewWrong(skewMs: unknown): string | undefined {
  return skewMs === undefined || (typeof skewMs === 'number' && Number.isFinite(skewMs))
    ? undefined
    : `clockSkewMs ${String(skewMs)}: must be a number of milliseconds`;
}

function within(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && value >= low && value <= high;
}
