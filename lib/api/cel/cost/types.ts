// Decides of which type each part of an expression is, and which forms of a function a call may mean. What is of any type may mean
// several. Never says what is wrong with an expression: that is known before.
import { overloadsOf, type Overload } from './overloads.ts';
import { ACCUMULATOR, type Call, type Fold, type Node, type Select } from './tree.ts';

/** A type that is not known yet is bound to one as soon as it meets it, as that of the elements of an empty list. */
export interface CelType {
  kind: string;
  params: CelType[];
  /** Of an object. */
  fields?: ReadonlyMap<string, CelType>;
  bound?: CelType;
}

export const simple = (kind: string, ...params: CelType[]): CelType => ({ kind, params });
const DYN = simple('dyn');
const BOOL = simple('bool');
const TYPE = simple('type');
const unknown = (): CelType => simple('free');

export const resolved = (type: CelType): CelType => (type.bound === undefined ? type : resolved(type.bound));

/** `map(string, list(A))`. */
export function parsedType(text: string): CelType {
  const at = text.indexOf('(');
  if (at < 0) return /^[AB]$/.test(text) ? simple(`param ${text}`) : simple(text);
  const params: CelType[] = [];
  let depth = 0;
  let from = at + 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if ((text[i] === ',' && depth === 0) || i === text.length - 1) {
      const part = text.slice(from, i).trim();
      if (part !== '') params.push(parsedType(part));
      from = i + 1;
    }
    if (text[i] === ')') depth--;
  }
  return simple(text.slice(0, at), ...params);
}

export type Scope = ReadonlyMap<string, CelType>;

const TYPE_NAMES = new Set(
  'bool bytes double duration dyn int list map null_type string timestamp type uint'.split(' '),
);

/** Writes the type of each node, and the overloads of each call. */
export function inferTypes(node: Node, scope: Scope): CelType {
  const type = typeOf(node, scope);
  node.type = type;
  return type;
}

function typeOf(node: Node, scope: Scope): CelType {
  switch (node.op) {
    case 'literal':
      return typeOfLiteral(node.value);
    case 'ident':
      return scope.get(node.name) ?? (TYPE_NAMES.has(node.name) ? TYPE : DYN);
    case 'select':
      return typeOfSelect(node, scope);
    case 'call':
      return typeOfCall(node, scope);
    case 'list':
      return simple('list', joined(node.elements.map((one) => inferTypes(one, scope))));
    case 'map':
      return simple(
        'map',
        joined(node.entries.map(([key]) => inferTypes(key, scope))),
        joined(node.entries.map(([, value]) => inferTypes(value, scope))),
      );
    case 'fold':
      return typeOfFold(node, scope);
  }
}

function typeOfLiteral(value: unknown): CelType {
  if (value === null) return simple('null');
  if (value instanceof Uint8Array) return simple('bytes');
  const KINDS: Record<string, string> = { string: 'string', bigint: 'int', number: 'double', boolean: 'bool' };
  return simple(KINDS[typeof value] ?? 'uint');
}

function joined(types: CelType[]): CelType {
  if (types.length === 0) return unknown();
  return types.reduce((one, other) => {
    assign(one, other, []);
    return resolved(one).kind === 'dyn' || resolved(other).kind === 'dyn' ? DYN : one;
  });
}

function typeOfSelect(node: Select, scope: Scope): CelType {
  const field = fieldOf(inferTypes(node.operand, scope), node.field);
  return node.isTest ? BOOL : field;
}

function fieldOf(type: CelType, field: string): CelType {
  const of = resolved(type);
  if (of.kind === 'optional') return simple('optional', fieldOf(of.params[0]!, field));
  if (of.kind === 'map') return of.params[1]!;
  return of.fields?.get(field) ?? DYN;
}

function typeOfCall(node: Call, scope: Scope): CelType {
  const target = node.target === undefined ? [] : [inferTypes(node.target, scope)];
  const types = [...target, ...node.args.map((one) => inferTypes(one, scope))];
  if (node.name === '_?._') return selectedOptional(node, types[0]!);
  node.overloads = [];
  let result: CelType | undefined;
  for (const overload of overloadsOf(node.name)) {
    if (overload.isMember !== (node.target !== undefined) || overload.params.length !== types.length) continue;
    const given = resultFor(overload, types);
    if (given === undefined) continue;
    node.overloads.push(overload.id);
    result = result === undefined || equal(result, given) ? given : DYN;
  }
  return result ?? DYN;
}

function selectedOptional(node: Call, operand: CelType): CelType {
  node.overloads = ['select_optional_field'];
  const [, field] = node.args;
  const of = resolved(operand);
  const type = fieldOf(of.kind === 'optional' ? of.params[0]! : of, field?.op === 'literal' ? String(field.value) : '');
  return simple('optional', type);
}

/** Undefined: it cannot be meant. */
function resultFor({ params, result }: Overload, types: readonly CelType[]): CelType | undefined {
  const fresh = new Map<string, CelType>();
  const bound: CelType[] = [];
  const fits = params.every((param, i) => assign(types[i]!, instance(param, fresh), bound));
  if (fits) return instance(result, fresh);
  for (const one of bound) delete one.bound;
  return undefined;
}

/** With a type of its own for each parameter. */
function instance(type: CelType, fresh: Map<string, CelType>): CelType {
  if (type.kind.startsWith('param ')) {
    const known = fresh.get(type.kind) ?? unknown();
    fresh.set(type.kind, known);
    return known;
  }
  return type.params.length === 0 ? type : simple(type.kind, ...type.params.map((one) => instance(one, fresh)));
}

const NULLABLE = new Set(['object', 'optional', 'duration', 'timestamp']);

/** `bound`: what was bound on the way, to be let go of again where it does not fit after all. */
function assign(from: CelType, to: CelType, bound: CelType[]): boolean {
  const [a, b] = [resolved(from), resolved(to)];
  if (a === b) return true;
  for (const [free, other] of [
    [b, a],
    [a, b],
  ] as const)
    if (free.kind === 'free') {
      free.bound = other;
      bound.push(free);
      return true;
    }
  if (a.kind === 'dyn' || b.kind === 'dyn') return true;
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind || NULLABLE.has(a.kind) || NULLABLE.has(b.kind);
  if (a.kind !== b.kind || a.fields !== b.fields || a.params.length !== b.params.length) return false;
  return a.params.every((one, i) => assign(one, b.params[i]!, bound));
}

function equal(one: CelType, other: CelType): boolean {
  const [a, b] = [resolved(one), resolved(other)];
  return a.kind === b.kind && a.fields === b.fields && a.params.every((each, i) => equal(each, b.params[i]!));
}

function typeOfFold(node: Fold, scope: Scope): CelType {
  const range = resolved(inferTypes(node.range, scope));
  const accumulator = inferTypes(node.init, scope);
  const outer = new Map(scope).set(node.accuVar, accumulator);
  const element = range.kind === 'list' || range.kind === 'map' ? range.params[0]! : DYN;
  const inner = new Map(outer).set(node.iterVar, element);
  if (node.iterVar2 !== undefined) {
    if (range.kind === 'list') inner.set(node.iterVar, simple('int'));
    inner.set(node.iterVar2, range.kind === 'list' ? element : range.kind === 'map' ? range.params[1]! : DYN);
  }
  inferTypes(node.condition, inner);
  assign(inferTypes(node.step, inner), accumulator, []);
  return inferTypes(node.result, outer);
}

export const isAccumulator = (name: string | undefined): boolean => name === ACCUMULATOR || name === '__result__';

/** Of one size, whatever the value. */
export function isScalar(type: CelType): boolean {
  const { kind, params } = resolved(type);
  if (kind === 'optional') return isScalar(params[0]!);
  return ['bool', 'double', 'duration', 'int', 'timestamp', 'uint'].includes(kind);
}
