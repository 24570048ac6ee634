// Decides what the evaluation of an expression costs while it runs, as cel-go's interpreter counts it: each name, field, call and
// round of a loop has its cost, and what is constant has none. The parts of a compiled expression are made to pay to the meter
// themselves. Never says how much may be spent (meter.ts does).
import { Optional } from '@marcbachmann/cel-js';
import { CelCidr, CelIp } from './addresses.ts';
import { deepSize, payCost, payWork } from './meter.ts';
import { REGEX, TRAVERSAL } from './cost/calls.ts';
import type { CelFormat } from './named-formats.ts';
import { nameOfCalled } from './rewrite.ts';
import { isPair, isSignOfNumber } from './cost/tree.ts';

/** As the library has it once it is checked. */
interface Part {
  op: string;
  args: any;
  start: number;
  input: string;
  meta: { alternate?: Part; macro?: Part & { parts?: Part[] }; evaluate: Evaluate };
  handle?: (...args: any[]) => unknown;
  evaluate: Evaluate;
}

type Evaluate = (ev: unknown, ast: Part, ctx: unknown) => unknown;

const LIST = 10;
const MAP = 30;
const OBJECT = 40;

/** `ast` has been checked. */
export function makePay(ast: unknown): void {
  pays(ast as Part);
}

/** `isBranch`: of `? :`, where a name is not paid for. */
function pays(part: Part, isBranch = false): void {
  const { alternate } = part.meta;
  if (alternate !== undefined && alternate.op === 'comprehension') return comprehension(alternate);
  if (isConstant(part)) return;
  switch (part.op) {
    case 'id':
      if (!isBranch && !isTypeName(part.args)) before(part, () => payCost(1));
      return;
    case '.':
    case '[]':
    case '.?':
    case '[?]':
      return access(part, isBranch);
    case '?:': {
      const [condition, yes, no] = part.args as [Part, Part, Part];
      pays(condition);
      pays(yes, true);
      return pays(no, true);
    }
    case 'call':
      return functionCall(part);
    case 'rcall':
      return memberCall(part);
    case 'list':
      (part.args as Part[]).forEach((one) => pays(one));
      return before(part, () => payCost(LIST));
    case 'map':
      for (const entry of part.args as Array<[Part, Part]>) entry.forEach((one) => pays(one));
      return before(part, () => payCost(MAP));
    default:
      return operator(part);
  }
}

/** Written in the expression, and evaluated before it runs. */
export function isConstant(part: Pick<Part, 'op' | 'args'>): boolean {
  const { op, args } = part;
  if (op === 'value') return true;
  if (op === 'list') return (args as Part[]).every(isConstant);
  if (op === 'map') return (args as Part[][]).every((entry) => entry.every(isConstant));
  if (op === '-_') return isSignOfNumber(part as Part);
  return op === 'call' && CONVERSIONS.has(args[0]) && args[1].length === 1 && isConstant(args[1][0]);
}

const CONVERSIONS = new Set('bool bytes double dyn duration int string timestamp type uint'.split(' '));
const TYPE_NAMES = new Set([...CONVERSIONS, 'list', 'map', 'null_type', 'optional']);
const isTypeName = (name: string): boolean => TYPE_NAMES.has(name);

/** The library's own puts itself in the place of any other when it is first asked; what it would do then is done here. */
function before(part: Part, pay: () => void): void {
  const { alternate, macro, evaluate } = part.meta;
  const stand = alternate ?? macro;
  part.evaluate =
    stand === undefined
      ? (ev, ast, ctx) => {
          pay();
          return evaluate(ev, ast, ctx);
        }
      : (ev, _, ctx) => {
          pay();
          return stand.evaluate(ev, stand, ctx);
        };
}

function handled(part: Part, pay: (values: any[], result: unknown) => void): void {
  const inner = part.handle!;
  const isCall = part.op === 'call' || part.op === 'rcall';
  part.handle = (...args: any[]) => {
    if (isCall) payLook(args[0] as unknown[]);
    const result = inner(...args);
    pay(args, result);
    return result;
  };
}

const isAccess = ({ op }: Part): boolean => op === '.' || op === '[]' || op === '.?' || op === '[?]';
/** What fields are taken of where it stands; anything else is a value of its own first. */
const isPath = (part: Part): boolean =>
  (part.meta.alternate === undefined && isAccess(part)) || part.op === 'id' || part.op === '?:';

function access(part: Part, isBranch: boolean): void {
  const [of, index] = part.args as [Part, Part | string];
  pays(of, isBranch && of.op !== '?:');
  if (typeof index !== 'string') pays(index, isPath(index) && index.op !== '?:');
  const own = isPath(of) || isBranch ? 1 : 2;
  const isOptional = part.op === '.?' || part.op === '[?]';
  const inner = part.handle!;
  part.handle = (from: unknown, ...more: unknown[]) => {
    // What is not there is looked for too; of an optional without a value, or for one, nothing is.
    const isThere = !isOptional && !(from instanceof Optional && !from.hasValue());
    if (isThere) payCost(own);
    const result = inner(from, ...more);
    if (isOptional && result instanceof Optional && result.hasValue()) payCost(own);
    return result;
  };
}

function comprehension(part: Part): void {
  const { args } = part;
  // The keys of a map are made a list of, even where only the first is asked for.
  const inner = part.handle!;
  part.handle = (of: unknown, ...more: unknown[]) => {
    if (!Array.isArray(of)) payLook([of]);
    return inner(of, ...more);
  };
  const { iterable, step, condition, init } = args as {
    iterable: Part;
    step: Part;
    condition?: ((accumulated: unknown) => boolean) & { paid?: true };
    init: Part;
  };
  pays(iterable);
  const isQuantifier = condition !== undefined;
  const [isExists, isOne] = [isQuantifier && init.args === false, init.op === 'value' && init.args === 0];
  if (isQuantifier) {
    const rounds = isExists ? 3 : 2;
    args.condition = (accumulated: unknown) => {
      payCost(rounds);
      return condition(accumulated);
    };
    // `true` and `false` stand for what was accumulated.
    pays((step.args as Part[])[0]!);
    before(step, () => payCost(1));
  } else stepPays(step);
  const { result } = args as { result: (accumulated: unknown) => unknown };
  args.result = (accumulated: unknown) => {
    payCost(isOne ? 2 : 1);
    return result(accumulated);
  };
}

function stepPays(step: Part): void {
  if (step.op === '?:') {
    const [condition, yes, no] = step.args as [Part, Part, Part];
    pays(condition);
    stepPays(yes);
    return stepPays(no);
  }
  if (step.op === 'accuPush') {
    const element = step.args as Part;
    pays(element);
    const cost = isConstant(element) ? 2 : 2 + LIST;
    return before(step, () => payCost(cost));
  }
  // `accuInc` adds, `accuValue` is only named; but as a branch it is not paid for.
  if (step.op === 'accuInc') before(step, () => payCost(2));
}

function functionCall(part: Part): void {
  const [name, args] = part.args as [string, Part[]];
  if (name === 'hasField') {
    pays(args[0]!);
    return isPath(args[0]!) ? undefined : before(part, () => payCost(1));
  }
  if (name === 'newObject') {
    for (const entry of args[1]!.args as Array<[Part, Part]>) pays(entry[1]);
    return before(part, () => payCost(OBJECT));
  }
  args.forEach((one) => pays(one));
  const cost = costOfCall(nameOfCalled(name).replace('_', '.'), name === 'matchesRe2');
  handled(part, ([values], result) => settle(cost(values as any[], result), values as any[], result));
}

const LAZY = new Set(['or', 'orValue']);

function memberCall(part: Part): void {
  const [name, receiver, args] = part.args as [string, Part, Part[]];
  const { parts } = part.meta.macro ?? {};
  // Ours pays for its rounds itself.
  if (parts !== undefined) return parts.forEach((one) => pays(one));
  pays(receiver);
  args.forEach((one) => pays(one));
  if (LAZY.has(name) || part.handle === undefined) return;
  const cost = name === 'ip' ? one : costOfCall(nameOfCalled(name), false);
  handled(part, ([values], result) => settle(cost(values as any[], result), values as any[], result));
}

/** With what is done beyond what is paid for: what is made is copied, and the size of a text is counted. */
function settle(cost: number, values: readonly unknown[], result: unknown): void {
  payCost(cost);
  const [only] = values;
  let work = typeof result === 'string' ? result.length : 0;
  if (Array.isArray(result)) work += COPY * result.length;
  if (values.length === 1 && typeof only === 'string') work += COPY * only.length;
  payWork(work);
}

/** Of each element or character that is copied one by one. */
const COPY = 4;

/** Of each element that is looked into, as two values are compared: much more than to copy it. */
const LOOK = 60;

/** Before it is done: what is in a list or map is looked into as a whole, whatever it costs. */
const payLook = (values: readonly unknown[]): void => {
  let most = 0;
  for (const value of values) if (typeof value === 'object' && value !== null) most = Math.max(most, deepSize(value));
  payWork(LOOK * most);
};

type Cost = (values: any[], result: unknown) => number;

const traversal = (size: number, times = 1): number => Math.ceil(size * times * TRAVERSAL);

/** As CEL's size of a text, in characters. */
function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++, count++) if (text.codePointAt(i)! > 0xffff) i++;
  return count;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return codePoints(value);
  if (value instanceof Optional) return value.hasValue() ? sizeOf(value.value()) : 1;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof CelIp) return value.bytes.length;
  if (value instanceof CelCidr) return Math.ceil(value.bits / 8);
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof Map || value instanceof Set) return value.size;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.keys(value).length : 1;
}

/** As a tree: texts by their bytes. */
function traversed(value: any): number {
  if (typeof value === 'string') return Math.floor(new TextEncoder().encode(value).length * TRAVERSAL);
  if (value instanceof Uint8Array) return Math.floor(value.length * TRAVERSAL);
  if (Array.isArray(value)) return value.reduce((total: number, one) => total + traversed(one), 0);
  return 1;
}

const one: Cost = () => 1;
const ofFirst =
  (times: number): Cost =>
  ([first]) =>
    traversal(sizeOf(first), times);
const pattern: Cost = ([text, expression]) => traversal(1 + sizeOf(text)) * Math.ceil(sizeOf(expression) * REGEX);
const ofTree: Cost = ([first]) => traversed(first);
const setsOf =
  (factor: number): Cost =>
  ([left, right]) =>
    1 + factor * sizeOf(left) * sizeOf(right);
const selector: Cost = ([, text]) => 10 + traversal(sizeOf(text)) + Math.ceil(sizeOf(text) * 0.5) * 50;
const conversion: Cost = ([value]) => (value instanceof Uint8Array ? traversal(value.length) : 1);
/** Bytes of addresses; a text is read first. */
const contained =
  (masks: boolean): Cost =>
  ([cidr, other]) =>
    traversal(2 * sizeOf(cidr)) +
    (masks ? traversal(sizeOf(cidr)) + 1 : 0) +
    (typeof other === 'string' ? traversal(sizeOf(other)) : 0);
const ofFormat: Cost = ([format, text]) =>
  traversal(1 + sizeOf(text)) * Math.ceil((format as CelFormat).patternSize * REGEX);

const COSTS = new Map<string, Cost>(
  Object.entries({
    check: () => 350_000,
    'fieldSelector labelSelector': selector,
    'isSorted sum max min indexOf lastIndexOf': ofTree,
    'url lowerAscii upperAscii substring trim escapeKey jsonpatch.escapeKey': ofFirst(1),
    'replace split': ofFirst(2),
    join: (_: any[], result: unknown) => traversal(sizeOf(result), 2),
    'find findAll matches': pattern,
    'ip cidr isIP isCIDR quantity isQuantity format strings.quote': ofFirst(1),
    'ip.isCanonical': ofFirst(2),
    containsIP: contained(false),
    containsCIDR: contained(true),
    validate: ofFormat,
    'startsWith endsWith': ofFirst(1),
    contains: ([text, part]: any[]) => traversal(sizeOf(text)) * traversal(sizeOf(part)),
    string: conversion,
    bytes: ([value]: any[]) => (typeof value === 'string' ? traversal(sizeOf(value)) : 1),
    'sets.contains sets.intersects': setsOf(1),
    'sets.equivalent': setsOf(2),
  } satisfies Record<string, Cost>).flatMap(([names, cost]) => names.split(' ').map((name) => [name, cost])),
);

/** `isGlobal`: `matches(text, pattern)` has no cost of its own. */
const costOfCall = (name: string, isGlobal: boolean): Cost => (isGlobal ? one : (COSTS.get(name) ?? one));

function operator(part: Part): void {
  const { op } = part;
  if (op === '!_' || op === '-_') {
    if (isPair(part)) return pays((part.args as Part).args as Part);
    pays(part.args as Part);
    return handled(part, () => payCost(1));
  }
  const [left, right] = part.args as [Part, Part];
  pays(left);
  pays(right);
  if (op === '&&' || op === '||') return;
  const cost = op === 'in' && isSetOfConstants(right) ? (): number => 0 : (OPERATORS.get(op) ?? one);
  const inner = part.handle!;
  part.handle = (a: unknown, b: unknown, ...more: unknown[]) => {
    if (LOOKS.has(op)) payLook([a, b]);
    const result = inner(a, b, ...more);
    settle(cost([a, b], result), [a, b], result);
    return result;
  };
}

const LOOKS = new Set(['==', '!=', 'in']);

const isSetOfConstants = (part: Part): boolean => part.op === 'list' && isConstant(part);

const compared: Cost = ([a, b]) => traversal(Math.min(sizeOf(a), sizeOf(b)));
const ordered: Cost = (values) =>
  typeof values[0] === 'string' || values[0] instanceof Uint8Array ? compared(values, 0) : 1;

const OPERATORS = new Map<string, Cost>([
  ['==', compared],
  ['!=', compared],
  ...['<', '<=', '>', '>='].map((op): [string, Cost] => [op, ordered]),
  ['+', ([a, b]) => (typeof a === 'string' || a instanceof Uint8Array ? traversal(sizeOf(a) + sizeOf(b)) : 1)],
  ['in', ([, list]) => (Array.isArray(list) ? list.length : 1)],
]);
