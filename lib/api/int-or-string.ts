// Decides what a number-or-percent means against a whole, and a number-or-name against ports. Never guesses: a text that is
// neither is undefined.
import type { ContainerPort } from './generated/types.ts';

export type IntOrString = number | string;

/** `25%` → 25; undefined for anything else. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value === 'number') return undefined;
  return /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}

/** The number itself, or the percentage of `total`, rounded up or down; undefined when it is neither. */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number | undefined {
  if (typeof value === 'number') return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  const exact = (percent * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}

/** A target port against the ports of a container; undefined when no port has that name (and protocol). */
export function portOf(value: IntOrString, ports: readonly ContainerPort[], protocol?: string): number | undefined {
  if (typeof value === 'number') return value;
  if (/^\d+$/.test(value)) return Number(value);
  return ports.find((port) => port.name === value && (protocol === undefined || (port.protocol ?? 'TCP') === protocol))
    ?.containerPort;
}
