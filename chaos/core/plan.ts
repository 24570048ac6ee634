// Decides when what happens: a scenario and a seed become one list of moments. Never knows what a target is at the moment.
import type { Chance } from '../../lib/base/chance.ts';
import { durationText } from './duration.ts';
import type { Act, Check, FaultSpec, FaultWish, RandomFaults, Scenario } from './scenario.ts';

export type Step = { atMs: number } & (
  | { type: 'break'; number: number; wish: FaultWish; forMs: number | undefined }
  | { type: 'heal'; number: number }
  | { type: 'act'; act: Act }
  | { type: 'check'; check: Check }
);

export interface Plan {
  steps: Step[];
  lastsMs: number;
}

export interface PlanOptions {
  /** Absent: every fault exactly at its time. */
  chance?: Chance;
  /** Faults are repeated until then; acts and checks belong to the first time. */
  forMs?: number;
}

/** How much of its own distance to the next a repeated fault may be late. */
const JITTER = 0.25;

export function planOf(scenario: Scenario, options: PlanOptions = {}): Plan {
  const lastsMs = Math.max(scenario.lastsMs, options.forMs ?? 0);
  const faults = [...repeated(scenario, lastsMs, options.chance), ...drawn(scenario, lastsMs, options.chance)];
  const steps: Step[] = [
    ...faults.flatMap((fault, number) => stepsOf(fault, number, lastsMs)),
    ...scenario.acts.map((act): Step => ({ atMs: act.atMs, type: 'act', act })),
    ...scenario.checks.map((check): Step => ({ atMs: check.atMs, type: 'check', check })),
  ];
  return { steps: steps.toSorted((a, b) => a.atMs - b.atMs || ORDER[a.type] - ORDER[b.type]), lastsMs };
}

/** At one moment: what is looked at is the world before it changes; one heals before another breaks. */
const ORDER = { check: 0, heal: 1, break: 2, act: 3 };

function stepsOf({ atMs, forMs, ...wish }: FaultSpec, number: number, lastsMs: number): Step[] {
  const broken: Step = { atMs, type: 'break', number, wish, forMs };
  const endMs = forMs === undefined ? undefined : atMs + forMs;
  return endMs === undefined || endMs > lastsMs ? [broken] : [broken, { atMs: endMs, type: 'heal', number }];
}

function repeated({ faults, lastsMs: onceMs }: Scenario, lastsMs: number, chance: Chance | undefined): FaultSpec[] {
  const found = [...faults];
  for (let startMs = onceMs; onceMs > 0 && startMs + onceMs <= lastsMs; startMs += onceMs)
    for (const fault of faults) {
      const lateMs = chance === undefined ? 0 : Math.floor(chance.float() * JITTER * Math.min(onceMs, 20_000));
      // Late, but never so late that it would not be healed in time.
      const latestMs = startMs + onceMs - (fault.forMs ?? 0);
      found.push({ ...fault, atMs: Math.min(startMs + fault.atMs + lateMs, latestMs) });
    }
  return found;
}

/** The last quarter of a minute, or of the run, is left to heal. */
function drawn({ random }: Scenario, lastsMs: number, chance: Chance | undefined): FaultSpec[] {
  if (random === undefined) return [];
  if (chance === undefined) throw new Error('a scenario of random faults needs a seed');
  const endMs = lastsMs - Math.min(15_000, lastsMs / 4);
  const found: FaultSpec[] = [];
  for (let atMs = random.everyMs / 2; atMs < endMs; atMs += random.everyMs)
    found.push(drawOne(random, atMs, endMs, chance));
  return found;
}

function drawOne(random: RandomFaults, aroundMs: number, endMs: number, chance: Chance): FaultSpec {
  const wish = random.of[chance.int(random.of.length)]!;
  const atMs = Math.round(aroundMs + chance.float() * random.everyMs * JITTER);
  const forMs = Math.round(random.shortestMs + chance.float() * (random.longestMs - random.shortestMs));
  return { ...wish, atMs, forMs: Math.max(100, Math.min(forMs, endMs - atMs)) };
}

/** `kill leader`, `partition store-1 from apiserver one way`: as a person would say it. */
export function wishText(wish: FaultWish): string {
  const { fault, target, to, oneWay, subject, direction, peer, probability, delayMs, skewMs } = wish;
  return [
    fault,
    target,
    to === undefined ? '' : `from ${to}`,
    oneWay === true ? 'one way' : '',
    subject ?? '',
    direction ?? '',
    peer === undefined ? '' : `with ${peer}`,
    probability === undefined ? '' : `p=${probability}`,
    delayMs === undefined ? '' : `by ${durationText(delayMs)}`,
    skewMs === undefined ? '' : `by ${durationText(skewMs)}`,
  ]
    .filter((word) => word !== '')
    .join(' ');
}

/** What `--dry-run` shows. */
export function planLines({ steps, lastsMs }: Plan): string[] {
  const names = new Map(steps.flatMap((step) => (step.type === 'break' ? [[step.number, wishText(step.wish)]] : [])));
  const lines = steps.map((step) => `${stamp(step.atMs)}  ${stepText(step, names as Map<number, string>)}`);
  return [...lines, `${stamp(lastsMs)}  everything is healed; the verdict`];
}

export function stamp(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`;
}

function stepText(step: Step, names: ReadonlyMap<number, string>): string {
  switch (step.type) {
    case 'break':
      return `break: ${wishText(step.wish)}${step.forMs === undefined ? '' : ` for ${durationText(step.forMs)}`}`;
    case 'heal':
      return `heal:  ${names.get(step.number)}`;
    case 'act':
      return `${step.act.do} ${step.act.what}${step.act.node === undefined ? '' : ` on ${step.act.node}`}`;
    case 'check':
      return checkText(step.check);
  }
}

export function checkText({ that, is, withinMs }: Check): string {
  return withinMs === 0 ? `${that} is ${is}` : `${that} is ${is} within ${durationText(withinMs)}`;
}
