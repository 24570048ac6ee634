// Decides what a scenario is and reads one from its YAML: hypothesis, load, faults on a timeline, what is tried and looked
// at, what must hold, the limit of harm. Never knows which process a target is at the moment.
import { conditionOf, type Condition } from './figures.ts';
import { Fields } from './fields.ts';

/** One fault on the timeline. `target` and `to` are what a person writes: `leader`, `kubelet/node-2`, `all`. */
export interface FaultSpec extends FaultWish {
  atMs: number;
  /** How long it stays; absent: to the end, or it is over by itself. */
  forMs?: number;
}

export interface FaultWish {
  fault: FaultWord;
  target: string;
  /** Of a partition: the other side. */
  to?: string;
  oneWay?: boolean;
  subject?: string;
  direction?: 'in' | 'out';
  peer?: string;
  probability?: number;
  delayMs?: number;
  skewMs?: number;
}

const FAULT_WORDS = [
  ...(['kill', 'pause', 'restart', 'partition', 'drop', 'delay', 'duplicate', 'reorder'] as const),
  ...(['disk-full', 'slow-disk', 'bit-flip', 'skew', 'cut'] as const),
] as const;
export type FaultWord = (typeof FAULT_WORDS)[number];

/** What the run itself does as a user would, in its own namespace. */
export interface Act {
  atMs: number;
  do: 'create' | 'delete';
  /** `pod/late`, `service/fresh`; of delete also `pod`: any of the run's web pods. */
  what: string;
  node?: string;
}

/** What is looked at: it must be so at that moment, or become so within a time from then on. */
export interface Check {
  atMs: number;
  withinMs: number;
  /** `pod/late`, `service/fresh` or `ready pods`. */
  that: string;
  /** A phase, Ready or Absent; reachable or unreachable; a number. */
  is: string;
}

export interface Load {
  writers: number;
  readers: number;
  /** How long a client waits between two requests. */
  pauseMs: number;
  /** Clients that ask the Service, each request on a new connection. */
  service: number;
  /** A request that is not answered after this counts as failed. */
  timeoutMs: number;
}

/** Faults drawn by the seed. */
export interface RandomFaults {
  everyMs: number;
  shortestMs: number;
  longestMs: number;
  of: FaultWish[];
}

export interface Scenario {
  name: string;
  hypothesis: string;
  /** What the cluster must have for it. */
  needs: { stores: number; nodes: number; apiservers: number; containers: boolean };
  load: Load;
  lastsMs: number;
  faults: FaultSpec[];
  random?: RandomFaults;
  acts: Act[];
  checks: Check[];
  mustHold: Condition[];
  limitOfHarm: Condition[];
}

export class ScenarioError extends Error {
  constructor(file: string, errors: readonly string[]) {
    super(`${file} is no scenario:\n${errors.map((error) => `  ${error}`).join('\n')}`);
    this.name = 'ScenarioError';
  }
}

const SETTLE_MS = 10_000;
const DEFAULT_HARM: Condition = { figure: 'longest write gap', is: 'at most', value: 120_000 };

/** Throws a ScenarioError with every mistake. */
export function scenarioOf(value: unknown, file: string): Scenario {
  const errors: string[] = [];
  const fields = new Fields(value, '', errors);
  const scenario = read(fields);
  fields.end();
  for (const error of contradictions(scenario)) errors.push(error);
  if (errors.length > 0) throw new ScenarioError(file, errors);
  return scenario;
}

function read(fields: Fields): Scenario {
  const faults = fields.each('faults', readFault);
  const acts = fields.each('acts', readAct);
  const checks = fields.each('checks', readCheck);
  const random = fields.has('random') ? fields.inner('random', readRandom) : undefined;
  const last = Math.max(
    0,
    ...faults.map(({ atMs, forMs = 0 }) => atMs + forMs),
    ...[...acts, ...checks].map(({ atMs }) => atMs),
  );
  const harm = readConditions(fields, 'limit of harm');
  return {
    name: fields.must('name', fields.text('name'), ''),
    hypothesis: fields.must('hypothesis', fields.text('hypothesis'), '').replaceAll(/\s+/g, ' '),
    needs: fields.inner('needs', (needs) => ({
      stores: needs.number('stores', 1, 5) ?? 1,
      nodes: needs.number('nodes', 1, 200) ?? 1,
      apiservers: needs.number('apiservers', 1, 5) ?? 1,
      containers: needs.flag('containers') ?? false,
    })),
    load: fields.inner('load', readLoad),
    lastsMs: fields.duration('lasts') ?? last + SETTLE_MS,
    faults,
    ...(random === undefined ? {} : { random }),
    acts,
    checks,
    mustHold: readConditions(fields, 'must hold'),
    limitOfHarm: harm.length === 0 ? [DEFAULT_HARM] : harm,
  };
}

function readLoad(load: Fields): Load {
  return {
    writers: load.number('writers', 1, 64) ?? 4,
    readers: load.number('readers', 1, 64) ?? 2,
    pauseMs: load.duration('pause') ?? 20,
    service: load.number('service', 0, 16) ?? 0,
    timeoutMs: load.duration('timeout') ?? 10_000,
  };
}

function readFault(fields: Fields): FaultSpec {
  const forMs = fields.duration('for');
  return {
    atMs: fields.must('at', fields.duration('at'), 0),
    ...(forMs === undefined ? {} : { forMs }),
    ...readWish(fields),
  };
}

function readWish(fields: Fields): FaultWish {
  const fault = fields.must('fault', fields.choice('fault', FAULT_WORDS), 'kill');
  const wish = {
    fault,
    target: fields.must('target', fields.text('target'), ''),
    to: fields.text('to'),
    oneWay: fields.flag('one way'),
    subject: fields.text('subject'),
    direction: fields.choice('direction', ['in', 'out']),
    peer: fields.text('peer'),
    probability: fields.number('probability', 0, 1),
    delayMs: fields.duration('delay'),
    skewMs: fields.duration('by'),
  };
  const needed = { partition: 'to', 'slow-disk': 'delay', delay: 'delay', skew: 'by' }[fault as string];
  if (needed !== undefined && !fields.has(needed)) fields.say(needed, `is missing: ${fault} needs it`);
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as unknown as FaultWish;
}

function readRandom(fields: Fields): RandomFaults {
  const shortestMs = fields.must('shortest', fields.duration('shortest'), 0);
  return {
    everyMs: Math.max(100, fields.must('every', fields.duration('every'), 1000)),
    shortestMs,
    longestMs: fields.duration('longest') ?? shortestMs,
    of: fields.each('of', readWish),
  };
}

function readAct(fields: Fields): Act {
  const [name, other] = fields.has('create') ? (['create', 'delete'] as const) : (['delete', 'create'] as const);
  const what = fields.must(name, fields.text(name), '');
  if (fields.has(other)) fields.say(other, `one act does one thing: ${name} stands beside it`);
  const right = name === 'create' ? /^(pod|service)\/[a-z0-9-]+$/ : /^(pod(\/[a-z0-9-]+)?|service\/[a-z0-9-]+)$/;
  if (what !== '' && !right.test(what))
    fields.wrong(name, what, 'pod/NAME or service/NAME (or pod: any one of the web pods, of delete)');
  const node = fields.text('node');
  return {
    atMs: fields.must('at', fields.duration('at'), 0),
    do: name,
    what,
    ...(node === undefined ? {} : { node }),
  };
}

const STATES: ReadonlyArray<[RegExp, RegExp, string]> = [
  [/^pod\/[a-z0-9-]+$/, /^(Pending|Running|Succeeded|Failed|Ready|Absent)$/, 'Pending, Running, Ready or Absent'],
  [/^service\/[a-z0-9-]+$/, /^(reachable|unreachable)$/, 'reachable or unreachable'],
  [/^ready pods$/, /^\d+$/, 'a number'],
];

function readCheck(fields: Fields): Check {
  const that = fields.must('that', fields.text('that'), 'ready pods');
  const is = String(fields.must('is', fields.raw('is'), '0'));
  const state = STATES.find(([name]) => name.test(that));
  if (state === undefined) fields.wrong('that', that, 'pod/NAME, service/NAME or "ready pods"');
  else if (!state[1].test(is)) fields.wrong('is', is, state[2]);
  return { atMs: fields.must('at', fields.duration('at'), 0), withinMs: fields.duration('within') ?? 0, that, is };
}

function readConditions(fields: Fields, name: string): Condition[] {
  return fields.inner(name, (inner) =>
    inner.names().flatMap((figure) => {
      const condition = conditionOf(figure, inner.raw(figure));
      if (typeof condition !== 'string') return [condition];
      inner.say(figure, condition);
      return [];
    }),
  );
}

function contradictions({ faults, random, mustHold, load, acts, checks, lastsMs }: Scenario): string[] {
  const found: string[] = [];
  if (faults.length === 0 && random === undefined)
    found.push('faults: none, and no random ones either: nothing would happen');
  if (mustHold.length === 0) found.push('must hold: nothing: a hypothesis that nothing can refute');
  const late = [...faults, ...acts, ...checks].find(({ atMs }) => atMs > lastsMs);
  if (late !== undefined) found.push(`lasts: ${lastsMs} ms, but something stands at ${late.atMs} ms`);
  if (load.service === 0 && mustHold.some(({ figure }) => figure.includes('Service')))
    found.push('load.service: 0, but the hypothesis speaks of requests through the Service');
  if (random !== undefined && random.of.length === 0) found.push('random.of: no faults to draw from');
  if (random !== undefined && random.longestMs < random.shortestMs)
    found.push('random.longest: is below random.shortest');
  return found;
}
