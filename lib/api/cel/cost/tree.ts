// Decides how an expression is built of literals, names, fields, calls, lists, maps and folds, as cel-go builds it: macros are
// what they stand for. Never looks at a value or a type.
import type { ParseResult } from '@marcbachmann/cel-js';
import { isFunctionName } from './overloads.ts';

interface Base {
  /** What `types.ts` finds out of it. */
  type?: import('./types.ts').CelType;
}
export interface Literal extends Base {
  op: 'literal';
  /** As the library has it: whole numbers are BigInts, unsigned ones objects. */
  value: unknown;
}
export interface Ident extends Base {
  op: 'ident';
  name: string;
}
export interface Select extends Base {
  op: 'select';
  operand: Node;
  field: string;
  /** `has(…)`. */
  isTest: boolean;
}
export interface Call extends Base {
  op: 'call';
  name: string;
  target?: Node;
  args: Node[];
  overloads?: string[];
}
export interface List extends Base {
  op: 'list';
  elements: Node[];
}
export interface MapOf extends Base {
  op: 'map';
  entries: Array<[Node, Node]>;
}
export interface Fold extends Base {
  op: 'fold';
  range: Node;
  iterVar: string;
  /** Then `iterVar` is the place or key, and this the element or value. */
  iterVar2?: string;
  accuVar: string;
  init: Node;
  condition: Node;
  step: Node;
  result: Node;
}
export type Node = Literal | Ident | Select | Call | List | MapOf | Fold;

/** Cannot be named in an expression. */
export const ACCUMULATOR = '@result';
const UNUSED = '#unused';

/** As the library has it. */
type Parsed = ParseResult['ast'] & { op: string; args: any; start: number; input: string };

const literal = (value: Literal['value']): Literal => ({ op: 'literal', value });
const ident = (name: string): Ident => ({ op: 'ident', name });
const call = (name: string, ...args: Node[]): Call => ({ op: 'call', name, args });
const accumulated = (): Ident => ident(ACCUMULATOR);

const UNARY = new Set(['!_', '-_']);

export function treeOf(ast: unknown): Node {
  return node(ast as Parsed);
}

function node(ast: Parsed): Node {
  const { op, args } = ast;
  switch (op) {
    case 'value':
      return literal(args);
    case 'id':
      return ident(args);
    case '.':
      return { op: 'select', operand: node(args[0]), field: args[1], isTest: false };
    case '.?':
      return call('_?._', node(args[0]), literal(args[1]));
    case '[]':
      return call('_[_]', node(args[0]), node(args[1]));
    case '[?]':
      return call('_[?_]', node(args[0]), node(args[1]));
    case 'list':
      return { op: 'list', elements: args.map(node) };
    case 'map':
      return { op: 'map', entries: args.map(([key, value]: [Parsed, Parsed]) => [node(key), node(value)]) };
    case '?:':
      return call('_?_:_', node(args[0]), node(args[1]), node(args[2]));
    case 'in':
      return call('@in', node(args[0]), node(args[1]));
    case 'call':
      return functionCall(args[0], args[1]);
    case 'rcall':
      return memberCall(args[0], args[1], args[2]);
    default:
      return UNARY.has(op) ? unary(ast) : call(`_${op}_`, node(args[0]), node(args[1]));
  }
}

/** A sign is a part of its number, and signs in pairs are none. */
function unary(ast: Parsed): Node {
  const operand = ast.args as Parsed;
  if (isPair(ast)) return node(operand.args);
  return isSignOfNumber(ast) ? literal(-operand.args) : call(ast.op, node(operand));
}

interface Signed {
  op: string;
  args: any;
  start: number;
  input: string;
}

/** Without a bracket between. */
const isAdjacent = ({ args, start, input }: Signed): boolean => input.slice(start + 1, args.start).trim() === '';

/** `!!` or `--`. */
export const isPair = (ast: Signed): boolean => ast.args.op === ast.op && isAdjacent(ast);

export const isSignOfNumber = (ast: Signed): boolean =>
  ast.op === '-_' && ast.args.op === 'value' && ['bigint', 'number'].includes(typeof ast.args.args) && isAdjacent(ast);

function functionCall(name: string, args: Parsed[]): Node {
  const [first] = args;
  if (name !== 'has' || first?.op !== '.') return call(name, ...args.map(node));
  return { op: 'select', operand: node(first.args[0]), field: first.args[1], isTest: true };
}

function memberCall(name: string, receiver: Parsed, args: Parsed[]): Node {
  const qualified = receiver.op === 'id' ? `${receiver.args}.${name}` : '';
  if (isFunctionName(qualified)) return call(qualified, ...args.map(node));
  const macro = args[0]?.op === 'id' ? MACROS[`${name}/${args.length}`] : undefined;
  if (macro !== undefined) return macro(receiver, args[0]!.args as string, args.slice(1));
  return { ...call(name, ...args.map(node)), target: node(receiver) };
}

type Macro = (range: Parsed, variable: string, args: Parsed[]) => Node;

const yes = (): Literal => literal(true);

function fold(
  range: Node,
  iterVar: string,
  parts: Pick<Fold, 'init' | 'condition' | 'step'> & { result?: Node },
): Fold {
  return { op: 'fold', range, iterVar, accuVar: ACCUMULATOR, result: accumulated(), ...parts };
}

const all: Macro = (range, variable, [predicate]) =>
  fold(node(range), variable, {
    init: yes(),
    condition: call('@not_strictly_false', accumulated()),
    step: call('_&&_', accumulated(), node(predicate!)),
  });

const exists: Macro = (range, variable, [predicate]) =>
  fold(node(range), variable, {
    init: literal(false),
    condition: call('@not_strictly_false', call('!_', accumulated())),
    step: call('_||_', accumulated(), node(predicate!)),
  });

const existsOne: Macro = (range, variable, [predicate]) =>
  fold(node(range), variable, {
    init: literal(0n),
    condition: yes(),
    step: call('_?_:_', node(predicate!), call('_+_', accumulated(), literal(1n)), accumulated()),
    result: call('_==_', accumulated(), literal(1n)),
  });

const collected = (element: Node): Call => call('_+_', accumulated(), { op: 'list', elements: [element] });
const empty = (): List => ({ op: 'list', elements: [] });

/** `condition` undefined: of each element. */
const collecting = (range: Parsed, variable: string, element: Node, condition: Node | undefined): Fold =>
  fold(node(range), variable, {
    init: empty(),
    condition: yes(),
    step: condition === undefined ? collected(element) : call('_?_:_', condition, collected(element), accumulated()),
  });

/** With the value of an optional, where it has one. */
const withValue = (of: Parsed, variable: string, then: Parsed, wrap: (made: Node) => Node): Node =>
  call(
    '_?_:_',
    { ...call('hasValue'), target: node(of) },
    wrap({
      op: 'fold',
      range: empty(),
      iterVar: UNUSED,
      accuVar: variable,
      init: { ...call('value'), target: node(of) },
      condition: literal(false),
      step: ident(variable),
      result: node(then),
    }),
    call('optional.none'),
  );

/** A macro of one variable, as one of two. */
const withTwo =
  (macro: Macro): Macro =>
  (range, variable, [second, ...args]) => ({
    ...(macro(range, variable, args) as Fold),
    iterVar2: second?.op === 'id' ? (second.args as string) : UNUSED,
  });

/** `inserted`: what is added to the accumulator, after it. */
const mapped =
  (inserted: (key: string, transform: Node) => Node[]): Macro =>
  (range, variable, args) => {
    const filter = args.length === 2 ? node(args[0]!) : undefined;
    const step = call('cel.@mapInsert', accumulated(), ...inserted(variable, node(args.at(-1)!)));
    return fold(node(range), variable, {
      init: { op: 'map', entries: [] },
      condition: yes(),
      step: filter === undefined ? step : call('_?_:_', filter, step, accumulated()),
    });
  };
const byKey = mapped((key, transform) => [ident(key), transform]);
const byEntry = mapped((_, transform) => [transform]);
const mapOne: Macro = (range, variable, [transform]) => collecting(range, variable, node(transform!), undefined);
const mapSome: Macro = (range, variable, [condition, transform]) =>
  collecting(range, variable, node(transform!), node(condition!));

const MACROS: Readonly<Record<string, Macro>> = {
  'all/2': all,
  'exists/2': exists,
  'exists_one/2': existsOne,
  'existsOne/2': existsOne,
  'all/3': withTwo(all),
  'exists/3': withTwo(exists),
  'exists_one/3': withTwo(existsOne),
  'existsOne/3': withTwo(existsOne),
  'transformList/3': withTwo(mapOne),
  'transformList/4': withTwo(mapSome),
  'transformMap/3': withTwo(byKey),
  'transformMap/4': withTwo(byKey),
  'transformMapEntry/3': withTwo(byEntry),
  'transformMapEntry/4': withTwo(byEntry),
  'map/2': mapOne,
  'map/3': mapSome,
  'filter/2': (range, variable, [condition]) => collecting(range, variable, ident(variable), node(condition!)),
  'optMap/2': (of, variable, [then]) => withValue(of, variable, then!, (made) => call('optional.of', made)),
  'optFlatMap/2': (of, variable, [then]) => withValue(of, variable, then!, (made) => made),
};
