// Decides what is wrong with the types of an expression, when it is known of which types its variables are: in the words and with
// the picture of cel-go, as clients of Kubernetes read them. Never runs one.
import { Environment } from '@marcbachmann/cel-js';
import { AUTHORIZER_TYPE, registerAuthorizer } from './authorizer.ts';
import { isFunctionName } from './cost/overloads.ts';
import { registerKubernetesFunctions } from './functions.ts';
import { rewriteForCheck } from './rewrite.ts';
import type { TypeDeclarations } from './types.ts';

/** Checks expressions against one set of types. */
export class TypeChecker {
  readonly #environment: Environment;
  readonly #variables: Record<string, string> = {};

  /** `variables` to their types; `authorizer` is known to all. */
  constructor(types: TypeDeclarations, variables: Readonly<Record<string, string>>) {
    this.#environment = environmentOf(types);
    for (const [name, type] of Object.entries(variables)) this.#environment.registerVariable(name, type);
  }

  /** An expression that later ones call `variables.<name>`; of any type where it is wrong itself. */
  declare(name: string, expression: string): void {
    const checked = this.check(expression);
    this.#variables[name] = 'type' in checked ? checked.type : 'dyn';
  }

  /** Undefined: nothing is wrong. */
  problem(expression: string): string | undefined {
    const checked = this.check(expression);
    return 'problem' in checked ? checked.problem : undefined;
  }

  /** What it gives, or what is wrong. After a problem it goes on as cel-go does: what is wrong is then of any type. */
  check(expression: string): { type: string } | { problem: string } {
    const environment = this.#environment.clone();
    environment.registerType(VARIABLES, { fields: { ...this.#variables } } as never);
    environment.registerVariable('variables', VARIABLES);
    const found: Told[] = [];
    for (let text = rewriteForCheck(expression); found.length < MOST_PROBLEMS;) {
      const checked = checkedText(environment, text);
      if ('type' in checked) {
        if (found.length === 0) return checked;
        break;
      }
      if ('syntax' in checked) {
        if (found.length === 0) found.push(unreadable(expression, checked.syntax));
        break;
      }
      found.push(told(expression, checked));
      const { start = 0, end = 0 } = checked.node ?? {};
      if (end <= start) break;
      const anything = ANYTHING.repeat(end - start);
      if (!environment.hasVariable(anything)) environment.registerVariable(anything, 'dyn');
      text = text.slice(0, start) + anything + text.slice(end);
    }
    const inOrder = found.toSorted((one, other) => one.at - other.at);
    return { problem: inOrder.map((one) => pictureOf(expression, one)).join('\n') };
  }
}

/** As cel-go. */
const MOST_PROBLEMS = 100;
/** Stands in for each byte of what was wrong, so that the places of the rest stay theirs. */
const ANYTHING = '_';

function checkedText(environment: Environment, text: string): { type: string } | { syntax: Failure } | Failure {
  let parsed;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    return { syntax: error as Failure };
  }
  const { valid, type, error } = parsed.check();
  return valid ? { type: type ?? 'dyn' } : (error as unknown as Failure);
}

/** What an expression may begin with, as upstream's parser lists it. */
const BEGINNINGS =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const CLOSERS: Readonly<Record<string, string>> = { RBRACKET: ']', RBRACE: '}', RPAREN: ')', EOF: '<EOF>' };

/** Nothing is known of what follows: upstream's parser goes on, and finds more or less than one would. */
function unreadable(text: string, failure: Failure): Told {
  const summary = (failure.summary ?? failure.message).split('\n')[0]!;
  const at = failure.range?.start ?? 0;
  const [, unexpected] = /^Unexpected token: (\w+)$/.exec(summary) ?? [];
  const [, wanted, got] = /^Expected (RBRACKET|RBRACE), got (\w+)$/.exec(summary) ?? [];
  const name = CLOSERS[unexpected ?? got ?? ''];
  if (name === undefined) return { message: `Syntax error: ${summary}`, at };
  const isCall = /\(\s*$/.test(text.slice(0, at));
  const expected = wanted === undefined ? BEGINNINGS : `{'${CLOSERS[wanted]!}', ','}`;
  const message = `Syntax error: mismatched input '${name}' expecting ${isCall ? expected.replace("'(',", "'(', ')',") : expected}`;
  return { message, at };
}

const VARIABLES = 'kubernetes.variables';

/** What has another name where it runs (rewrite.ts), and is none of the library's own. */
const RENAMED = [
  'matches(string, string): bool',
  'list.indexOf(dyn): int',
  'list.lastIndexOf(dyn): int',
  ...['Ip', 'Cidr', 'google.protobuf.Timestamp', 'google.protobuf.Duration'].map((type) => `string(${type}): string`),
];

function environmentOf(types: TypeDeclarations): Environment {
  const made = registerAuthorizer(
    registerKubernetesFunctions(new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true })),
  ).registerVariable('authorizer', AUTHORIZER_TYPE);
  for (const signature of RENAMED) made.registerFunction(signature, () => true);
  // `has(x.y)` reads as this, so that the field is looked for.
  made.registerFunction('hsa(dyn): bool', () => true);
  for (const [name, fields] of types) {
    made.registerType(name, { fields } as never);
    made.registerOperator(`${name} == null`, () => false);
    made.registerOperator(`${name} == ${name}`, () => false);
  }
  return made;
}

/** What the library tells of an error. */
interface Failure {
  code?: string;
  summary?: string;
  message: string;
  range?: { start: number; end: number };
  node?: { op?: string; input?: string; args?: unknown; start?: number; end?: number };
}

/** `at`: where in the expression. */
interface Told {
  message: string;
  at: number;
}

/** `ERROR: <input>:1:7: undefined field 'x'`, the line, and where in it. */
function pictureOf(expression: string, { message, at }: Told): string {
  const before = expression.slice(0, at).split('\n');
  const column = before.at(-1)!.length;
  const line = expression.split('\n')[before.length - 1] ?? '';
  return `ERROR: <input>:${before.length}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

function told(text: string, failure: Failure): Told {
  const summary = failure.summary ?? failure.message;
  const start = failure.range?.start ?? 0;
  const field = /^No such key: (.*)$/.exec(summary);
  if (field !== null) return { message: `undefined field '${field[1]}'`, at: text.lastIndexOf('.', start) };
  const indexed = /^Cannot index type '(.*)'$/.exec(summary);
  if (indexed !== null)
    return { message: `type '${indexed[1]}' does not support field selection`, at: text.lastIndexOf('.', start) };
  const unknown = /^Unknown variable: (.*)$/.exec(summary);
  if (unknown !== null) return { message: `undeclared reference to '${unknown[1]}' (in container '')`, at: start };
  const range = /^Expression of type '(.*)' cannot be range of a comprehension/.exec(summary);
  if (range !== null)
    return {
      message: `expression of type '${asUpstream(range[1]!)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      at: text[start - 1] === '.' ? start - 1 : start,
    };
  const typed = ofNode(text, summary, failure);
  if (typed !== undefined) return typed;
  const operator = /^no such overload: (.+) (in|[=!<>]=?|[-+*/%]) (.+)$/.exec(summary);
  if (operator !== null) return noOperator(text, failure, operator as unknown as [string, string, string, string]);
  const unary = /^no such overload: ([!-])(.+)$/.exec(summary);
  if (unary !== null) return { message: noOverload(`${unary[1]}_`, unary[2]!), at: start };
  const called = /^found no matching overload for '(?:(.+)\.)?(\w+)\((.*)\)'$/.exec(summary);
  if (called !== null) {
    const [, receiver, name, args] = called;
    const at = text.indexOf('(', text.indexOf(`${name}(`, receiver === undefined ? start : endOf(failure, start)));
    if (!isFunction(name!) || (MACROS_OF_TWO.has(name!) && receiver !== undefined))
      return { message: `undeclared reference to '${name}' (in container '')`, at: Math.max(at, start) };
    const known = receiver === undefined ? undefined : typeNameOf(partsOf(failure)[0]);
    const applied = receiver === undefined ? `(${args!})` : `${known ?? receiver}.(${args!})`;
    const message = `found no matching overload for '${namespaced(name!)}' applied to '${asUpstream(applied)}'`;
    return { message, at: Math.max(at, start) };
  }
  return { message: summary.split('\n')[0]!, at: start };
}

/** The position of an operator is its own, not that of what it is about. */
function noOperator(text: string, failure: Failure, [, left, name, right]: [string, string, string, string]) {
  const start = failure.range?.start ?? 0;
  const at = text.indexOf(name, endOf(failure, start));
  return { message: noOverload(name === 'in' ? '@in' : `_${name}_`, `${left}, ${right}`), at: at < 0 ? start : at };
}

const noOverload = (name: string, args: string): string =>
  `found no matching overload for '${name}' applied to '${asUpstream(`(${args})`)}'`;

const OTHER_NAMES: Readonly<Record<string, string>> = {
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
  Quantity: 'kubernetes.Quantity',
  Url: 'kubernetes.URL',
  Ip: 'net.IP',
  Cidr: 'net.CIDR',
  Format: 'kubernetes.NamedFormat',
};

/** `list<string>` is `list(string)` there. */
const asUpstream = (types: string): string =>
  types
    .replace(/[\w.]+/g, (name) => OTHER_NAMES[name] ?? name)
    .replaceAll('<', '(')
    .replaceAll('>', ')');

/** With another number of arguments there is nothing of the name. */
const MACROS_OF_TWO = new Set([
  'existsOne',
  'transformList',
  'transformMap',
  'transformMapEntry',
  'optMap',
  'optFlatMap',
]);

/** `sets_contains` is `sets.contains` there. */
const namespaced = (name: string): string => {
  const dotted = name.replace('_', '.');
  return isFunctionName(dotted) ? dotted : name;
};

let functionNames: Set<string> | undefined;

/** Whether anything of that name can be called. */
function isFunction(name: string): boolean {
  functionNames ??= new Set(
    environmentOf(new Map())
      .getDefinitions()
      .functions.map((one) => one.name),
  );
  return functionNames.has(name) || ['has', 'all', 'exists', 'exists_one', 'map', 'filter'].includes(name);
}

type Part = { op?: string; args?: unknown; start: number; end: number; checkedType?: { name?: string; type?: string } };

const isPart = (one: unknown): one is Part => typeof (one as { end?: unknown } | null)?.end === 'number';
const partsOf = ({ node }: Failure): Part[] => [node?.args].flat(2).filter(isPart);
const typeNameOf = (part: Part | undefined): string | undefined => part?.checkedType?.name;

/** Errors that the library tells of a whole node, and cel-go of a place in it. */
function ofNode(text: string, summary: string, failure: Failure): Told | undefined {
  const parts = partsOf(failure);
  const logical = /^Logical operator requires bool operands, got '(.*)'$/.exec(summary);
  if (logical !== null) {
    const wrong = parts.find((part) => typeNameOf(part) === logical[1]) ?? parts[0];
    if (wrong === undefined) return undefined;
    return { message: `expected type 'bool' but found '${asUpstream(logical[1]!)}'`, at: placeOf(wrong, text) };
  }
  const branches = /^Ternary branches must have the same type, got '(.*)' and '(.*)'$/.exec(summary);
  if (branches !== null)
    return {
      message: noOverload('_?_:_', `bool, ${branches[1]}, ${branches[2]}`),
      at: Math.max(0, text.indexOf('?', parts[0]?.end ?? 0)),
    };
  const index = /^List index must be int, got '(.*)'$/.exec(summary);
  const list = typeNameOf(parts[0]);
  if (index === null || list === undefined) return undefined;
  return { message: noOverload('_[_]', `${list}, ${index[1]}`), at: text.indexOf('[', parts[0]!.end) };
}

/** Where cel-go says that an expression is: of a field its dot, of a call its bracket, of an operator itself. */
function placeOf(part: Part, text: string): number {
  const [left] = [part.args].flat(2).filter(isPart);
  if (part.op === '.') return text.lastIndexOf('.', part.end);
  if (part.op === 'call' || part.op === 'rcall')
    return Math.max(part.start, text.indexOf('(', left?.start ?? part.start));
  if (part.op === '[]') return text.indexOf('[', left?.end ?? part.start);
  return left === undefined || part.op === undefined || part.op.endsWith('_')
    ? part.start
    : text.indexOf(part.op, left.end);
}

/** Of the left side, or of the receiver of a call. */
function endOf({ node }: Failure, otherwise: number): number {
  const parts = [node?.args]
    .flat(2)
    .filter((one): one is { end: number } => typeof (one as { end?: unknown } | null)?.end === 'number');
  return parts[0]?.end ?? otherwise;
}
