// Decides whether the rules of a CRD's schema would cost too much: each by itself, as often as its part may be in an object, and
// all of them together. Never reckons what one expression costs (lib/api/cel/cost does).
import { plus, times } from '../cel/cost/amounts.ts';
import { forbidden, type FieldError } from '../field-error.ts';
import { LARGEST_REQUEST } from './rule-sizes.ts';
import type { JsonSchema } from './json-schema.ts';

const MOST_OF_RULE = 10_000_000n;
const MOST_OF_SCHEMA = 100_000_000n;
/** Of what costs most, told where all together cost too much. */
const TOLD = 4;
const LEAST_TOLD = MOST_OF_SCHEMA / 100n;

/** Of one schema. */
export class RuleCosts {
  #total = 0n;
  #dearest: Array<{ path: string; cost: bigint }> = [];
  readonly #judgesEach: boolean;

  /** `judgesEach`: not only all together. */
  constructor(judgesEach: boolean) {
    this.#judgesEach = judgesEach;
  }

  /** `what` costs this much. */
  add(path: string, what: string, cost: bigint): FieldError[] {
    this.#total = plus(this.#total, cost);
    if (cost >= LEAST_TOLD) this.#dearest = [...this.#dearest, { path, cost }].toSorted(dearestFirst).slice(0, TOLD);
    return this.#judgesEach && cost > MOST_OF_RULE
      ? [forbidden(path, exceeded(`estimated ${what} cost`, cost, MOST_OF_RULE))]
      : [];
  }

  /** `path` of the schema. */
  problems(path: string): FieldError[] {
    if (this.#total <= MOST_OF_SCHEMA) return [];
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    return [
      ...this.#dearest.map((one) => forbidden(one.path, CONTRIBUTED)),
      forbidden(path, exceeded(what, this.#total, MOST_OF_SCHEMA)),
    ];
  }
}

const CONTRIBUTED = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';

const dearestFirst = (a: { cost: bigint }, b: { cost: bigint }): number =>
  a.cost === b.cost ? 0 : a.cost > b.cost ? -1 : 1;

function exceeded(what: string, cost: bigint, limit: bigint): string {
  const factor = Number(cost) / Number(limit);
  const told = factor > 100 ? 'more than 100' : rounded(factor, factor < 1.5 ? 6 : 1);
  return `${what} exceeds budget by factor of ${told}x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** As Go rounds: what is in the middle of two becomes the even one. */
function rounded(value: number, digits: number): string {
  const isBetween = (value * 2 ** (digits + 1)) % 2 === 1;
  const below = Math.floor(value * 10 ** digits);
  return (isBetween ? (below + (below % 2)) / 10 ** digits : value).toFixed(digits);
}

/** Undefined: the schemas around it do not bound how often it may be there. */
export type Cardinality = bigint | undefined;

/** How often each part of a value of this schema may be there, when the value may be there as often as `around`. */
export function cardinalityWithin(
  { type, additionalProperties, maxItems, maxProperties }: JsonSchema,
  around: Cardinality,
) {
  const isMap = type === 'object' && additionalProperties !== undefined;
  const most = isMap ? maxProperties : type === 'array' ? maxItems : 1;
  return around === undefined || most === undefined ? undefined : times(around, BigInt(Math.max(0, most)));
}

/** `fewestBytes` of the value that the rule is about: no more of them are in the largest request. */
export const costOfAll = (cost: bigint, cardinality: Cardinality, fewestBytes: number): bigint =>
  times(cost, cardinality ?? BigInt(Math.floor(LARGEST_REQUEST / (fewestBytes + 1))));
