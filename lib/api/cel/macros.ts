// Decides what the macros are that the library does not have: `optMap`, `optFlatMap`, `existsOne`, and all that name two variables.
// Each pays for its rounds as cel-go does; what it is made of pays for itself. Never says how that is paid (meter.ts).
import { Optional, type Environment } from '@marcbachmann/cel-js';
import { payCost } from './meter.ts';
import { isConstant } from './run-cost.ts';

/** As the library has them; it hands them to a macro. */
interface Part {
  op: string;
  args: any;
  start: number;
}
interface Type {
  kind: string;
  keyType: Type;
  valueType: Type;
  isDynOrBool(): boolean;
}
interface Context {
  forkWithVariable(name: string, type: Type): Context;
  reuse(parent: Context): Context;
  setIterValue(value: unknown, evaluator: Evaluator): Context;
}
interface Evaluator {
  run(part: Part, context: Context): unknown;
}
interface Checker {
  check(part: Part, context: Context): Type;
  createError(code: string, message: string, part: Part): Error;
  getType(name: string): Type;
  formatType(type: Type): string;
  registry: {
    getMapType(key: Type, value: Type): Type;
    getListType(value: Type): Type;
    getOptionalType(of: Type): Type;
  };
}
interface Given {
  ast: Part;
  args: Part[];
  receiver: Part;
}
/** `parts`: what pays for itself. */
interface Macro {
  parts: Part[];
  async: false;
  typeCheck(checker: Checker, macro: Macro, context: Context): Type;
  evaluate(evaluator: Evaluator, macro: Macro, context: Context): unknown;
}

function nameOf(part: Part): string {
  if (part.op !== 'id') throw Object.assign(new Error('argument must be a simple name'), { node: part });
  return part.args as string;
}

/** Of a list its places and elements, of a map its keys and values. */
function entryTypes(checker: Checker, range: Part, context: Context): [Type, Type] {
  const type = checker.check(range, context);
  if (type.kind === 'list') return [checker.getType('int'), type.valueType];
  if (type.kind === 'map') return [type.keyType, type.valueType];
  if (type.kind === 'dyn') return [type, type];
  throw checker.createError(
    'invalid_comprehension_range',
    `Expression of type '${checker.formatType(type)}' cannot be range of a comprehension (must be list, map, or dynamic).`,
    range,
  );
}

function entriesOf(range: unknown): Array<[unknown, unknown]> {
  if (Array.isArray(range)) return range.map((value, i) => [BigInt(i), value]);
  if (range instanceof Set) return entriesOf([...range]);
  if (range instanceof Map) return [...range.entries()];
  if (typeof range === 'object' && range !== null) return Object.entries(range);
  throw new Error('no such overload');
}

/** How something is gathered in rounds. */
interface Gathering<State> {
  /** Of the condition of each round, and of the accumulator in it. */
  round: number;
  begin(): State;
  /** Whether another round is needed. */
  goesOn?(state: State): boolean;
  /** Pays for what it adds. */
  add(state: State, value: any, key: unknown): State;
  end(state: State): unknown;
  type(checker: Checker, key: Type, value: Type, part: Part): Type;
  /** What goes wrong in a round does not count when another decides. */
  forgives?: boolean;
}

const wantsBool = (checker: Checker, type: Type, part: Part): void => {
  if (!type.isDynOrBool())
    throw checker.createError(
      'invalid_condition',
      `Logical operator requires bool operands, got '${checker.formatType(type)}'`,
      part,
    );
};

const quantifier = (isAll: boolean): Gathering<boolean> => ({
  round: isAll ? 3 : 4,
  begin: () => isAll,
  goesOn: (state) => state === isAll,
  add: (_, value: unknown) => asBool(value),
  end(state) {
    payCost(1);
    return state;
  },
  type(checker, _, value, part) {
    wantsBool(checker, value, part);
    return checker.getType('bool');
  },
  forgives: true,
});

function asBool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Error('no such overload');
  return value;
}

const EXACTLY_ONE: Gathering<number> = {
  round: 0,
  begin: () => 0,
  add(count, value: unknown) {
    if (!asBool(value)) return count;
    payCost(2);
    return count + 1;
  },
  end(count) {
    payCost(2);
    return count === 1;
  },
  type(checker, _, value, part) {
    wantsBool(checker, value, part);
    return checker.getType('bool');
  },
};

const LIST = 10;

const listed = (isConstant: boolean): Gathering<unknown[]> => ({
  round: 0,
  begin: () => [],
  add(list, value: unknown) {
    payCost(isConstant ? 2 : 2 + LIST);
    list.push(value);
    return list;
  },
  end(list) {
    payCost(1);
    return list;
  },
  type: (checker, _, value) => checker.registry.getListType(value),
});

type Entries = Map<unknown, unknown>;

const BY_KEY: Gathering<Entries> = {
  round: 0,
  begin: () => new Map(),
  add(map, value: unknown, key) {
    payCost(3);
    return map.set(key, value);
  },
  end: mapOf,
  type: (checker, key, value) => checker.registry.getMapType(key, value),
};

const BY_ENTRY: Gathering<Entries> = {
  round: 0,
  begin: () => new Map(),
  add(map, value: unknown) {
    payCost(2);
    for (const [key, one] of entriesOf(value)) {
      if (map.has(key)) throw new Error(`insert failed: key ${String(key)} already exists`);
      map.set(key, one);
    }
    return map;
  },
  end: mapOf,
  type(checker, _, value, part) {
    if (value.kind === 'map' || value.kind === 'dyn') return value;
    const told = `found no matching overload for 'cel.@mapInsert(map(dyn, dyn), ${checker.formatType(value)})'`;
    throw checker.createError('no_matching_overload', told, part);
  },
};

/** Of texts as the library's own maps are. */
function mapOf(entries: Entries): unknown {
  payCost(1);
  return [...entries.keys()].every((key) => typeof key === 'string')
    ? Object.fromEntries(entries as Map<string, unknown>)
    : entries;
}

type Names = [string, string];

function inRounds<State>(
  range: Part,
  names: Names,
  filter: Part | undefined,
  body: Part,
  gathering: Gathering<State>,
): Macro {
  let outer: Context;
  let inner: Context;
  const takes = (evaluator: Evaluator, context: Context): boolean =>
    filter === undefined || asBool(evaluator.run(filter, context));
  return {
    parts: filter === undefined ? [range, body] : [range, filter, body],
    async: false,
    typeCheck(checker, _, context) {
      const [key, value] = entryTypes(checker, range, context);
      outer = context.forkWithVariable(names[0], key);
      inner = outer.forkWithVariable(names[1], value);
      if (filter !== undefined) wantsBool(checker, checker.check(filter, inner), filter);
      return gathering.type(checker, key, checker.check(body, inner), body);
    },
    evaluate(evaluator, _, context) {
      const entries = entriesOf(evaluator.run(range, context));
      const [first, second] = [outer.reuse(context), inner.reuse(outer)];
      let state = gathering.begin();
      let failure: unknown;
      for (const [key, value] of entries) {
        if (gathering.goesOn?.(state) === false) break;
        payCost(gathering.round);
        first.setIterValue(key, evaluator);
        second.setIterValue(value, evaluator);
        try {
          if (takes(evaluator, second)) state = gathering.add(state, evaluator.run(body, second), key);
        } catch (error) {
          if (gathering.forgives !== true) throw error;
          failure ??= error;
        }
      }
      if (failure !== undefined && gathering.goesOn?.(state) === true) throw failure;
      return gathering.end(state);
    },
  };
}

const twoNames = ([first, second]: readonly Part[]): Names => {
  const names: Names = [nameOf(first!), nameOf(second!)];
  if (names[0] === names[1]) throw new Error(`duplicate variable name: ${names[0]}`);
  return names;
};

const rounds =
  (gatheringFor: (body: Part) => Gathering<any>) =>
  ({ args, receiver }: Given): Macro => {
    const body = args.at(-1)!;
    return inRounds(receiver, twoNames(args), args.length === 4 ? args[2] : undefined, body, gatheringFor(body));
  };

/** `wraps`: what is made of the value becomes the value of an optional. */
const withValue =
  (wraps: boolean) =>
  ({ args: [variable, body], receiver }: Given): Macro => {
    const name = nameOf(variable!);
    let inner: Context;
    return {
      parts: [receiver, body!],
      async: false,
      typeCheck(checker, _, context) {
        const type = checker.check(receiver, context);
        if (type.kind !== 'optional' && type.kind !== 'dyn')
          throw checker.createError(
            'no_matching_overload',
            `found no matching overload for '${checker.formatType(type)}.hasValue()'`,
            receiver,
          );
        inner = context.forkWithVariable(name, type.kind === 'dyn' ? type : type.valueType);
        const made = checker.check(body!, inner);
        return wraps ? checker.registry.getOptionalType(made) : made;
      },
      evaluate(evaluator, _, context) {
        const has = evaluator.run(receiver, context) as Optional;
        payCost(1);
        if (!has.hasValue()) {
          payCost(1);
          return Optional.none();
        }
        // It is looked up again for its value.
        const value = (evaluator.run(receiver, context) as Optional).value();
        payCost(1);
        const made = evaluator.run(body!, inner.reuse(context).setIterValue(value, evaluator));
        if (!wraps) return made;
        payCost(1);
        return Optional.of(made);
      },
    };
  };

const MACROS: Record<string, (given: Given) => Macro> = {
  'list.all(ast, ast, ast): bool': rounds(() => quantifier(true)),
  'list.exists(ast, ast, ast): bool': rounds(() => quantifier(false)),
  'list.exists_one(ast, ast, ast): bool': rounds(() => EXACTLY_ONE),
  'list.existsOne(ast, ast, ast): bool': rounds(() => EXACTLY_ONE),
  'list.transformList(ast, ast, ast): list<dyn>': rounds((body) => listed(isConstant(body))),
  'list.transformList(ast, ast, ast, ast): list<dyn>': rounds((body) => listed(isConstant(body))),
  'list.transformMap(ast, ast, ast): map': rounds(() => BY_KEY),
  'list.transformMap(ast, ast, ast, ast): map': rounds(() => BY_KEY),
  'list.transformMapEntry(ast, ast, ast): map': rounds(() => BY_ENTRY),
  'list.transformMapEntry(ast, ast, ast, ast): map': rounds(() => BY_ENTRY),
  'optional.optMap(ast, ast): optional<dyn>': withValue(true),
  'optional.optFlatMap(ast, ast): optional<dyn>': withValue(false),
};

export function registerMacros(environment: Environment): Environment {
  for (const [signature, expand] of Object.entries(MACROS)) environment.registerFunction(signature, expand as never);
  return environment;
}
