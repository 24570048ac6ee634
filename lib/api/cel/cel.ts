// Decides what an expression in CEL means: whether it compiles, and what it gives for some variables. Never decides which
// rules there are, and never lets an expression throw anything but a CelError.
import { Environment, Optional, type ParseResult } from '@marcbachmann/cel-js';
import { messageOf } from '../../base/errors.ts';
import { AUTHORIZER_TYPE, registerAuthorizer } from './authorizer.ts';
import { CelError } from './cel-error.ts';
import { registerKubernetesFunctions } from './functions.ts';
import { checkLength, metered, newMeter, type Meter } from './meter.ts';
import { rewrite } from './rewrite.ts';
import { makePay } from './run-cost.ts';

/** What rules and policies may name, of any type; `authorizer` is known better. */
const VARIABLES = ['self', 'oldSelf', 'object', 'oldObject', 'request', 'params', 'namespaceObject', 'variables'];
const LIMITS = {
  maxAstNodes: 10_000,
  maxDepth: 100,
  maxListElements: 1_000,
  maxMapEntries: 1_000,
  maxCallArguments: 32,
};
const MOST_KEPT = 2_000;
const LONGEST = 100_000;

export { CelError } from './cel-error.ts';

export interface Program {
  readonly expression: string;
  /** `bool`, `string`, `dyn`, …: what it gives, as far as that is known beforehand. */
  readonly type: string;
  /** Throws CelError; also when it costs more than `meter` has left, from which it is paid. */
  run(variables: Record<string, unknown>, meter?: Meter): unknown;
}

let environment: Environment | undefined;

function theEnvironment(): Environment {
  if (environment !== undefined) return environment;
  const made = registerKubernetesFunctions(
    new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true, limits: LIMITS }),
  );
  for (const name of VARIABLES) made.registerVariable(name, 'dyn');
  registerAuthorizer(made).registerVariable('authorizer', AUTHORIZER_TYPE);
  environment = made;
  return made;
}

const KEPT = new Map<string, Program | CelError>();

/** Compiled once, then kept. Throws CelError. */
export function compileCel(expression: string): Program {
  let found = KEPT.get(expression);
  if (found === undefined) {
    found = compile(expression);
    if (KEPT.size >= MOST_KEPT) KEPT.clear();
    KEPT.set(expression, found);
  }
  if (found instanceof CelError) throw found;
  return found;
}

/** Why an expression does not compile; undefined: it does. */
export function celProblem(expression: string): string | undefined {
  try {
    compileCel(expression);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function compile(expression: string): Program | CelError {
  if (expression.length > LONGEST) return new CelError(`the expression is longer than ${LONGEST} characters`);
  let parsed: ParseResult;
  try {
    parsed = theEnvironment().parse(rewrite(expression));
    const checked = parsed.check();
    if (!checked.valid) return new CelError(summaryOf(checked.error));
    makePay(parsed.ast);
    return { expression, type: checked.type ?? 'dyn', run: (variables, meter) => run(parsed, variables, meter) };
  } catch (error) {
    return new CelError(summaryOf(error));
  }
}

function run(parsed: ParseResult, variables: Record<string, unknown>, meter: Meter = newMeter()): unknown {
  try {
    const value: unknown = metered(meter, () => parsed(variables));
    checkLength(value);
    return value;
  } catch (error) {
    // What was called with which types is told before it runs only, as upstream.
    throw new CelError(
      summaryOf(error).replace(/^(found no matching overload|no such overload).*/s, 'no such overload'),
    );
  }
}

/** Without the picture of the source that the library draws. */
function summaryOf(error: unknown): string {
  const summary = (error as { summary?: unknown } | undefined)?.summary;
  const told = typeof summary === 'string' && summary !== '' ? summary : messageOf(error).split('\n')[0]!;
  return told.replace(/^No such key/, 'no such key');
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
  d: 8.64e13,
  w: 6.048e14,
};

/** `1h30m` as expressions know it; undefined: it is no duration. */
export function celDuration(text: string): unknown {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|[smhdw])[a-z]*/gi)];
  if (parts.length === 0) return undefined;
  const nanos = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit!.toLowerCase()] ?? 0), 0);
  const whole = `${text.startsWith('-') ? '-' : ''}${Math.round(nanos)}ns`;
  return compileCel('duration(self)').run({ self: whole });
}

/** What base64 says; undefined: it is none. */
export function celBytes(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}

export const someValue = (value: unknown): unknown => Optional.of(value);
export const noValue = (): unknown => Optional.none();
