// Decides what the call of a function is estimated to cost, and how large what it gives may be, in the numbers of cel-go and of the
// functions that Kubernetes adds; where those are odd, in their oddness. Never looks at what is around the call.
import { fixed, MOST, plus, scaled, sizeProduct, sizeSum, times, type Size } from './amounts.ts';
import { resolved, type CelType } from './types.ts';

/** Of a text that is looked through once. */
export const TRAVERSAL = 0.1;
/** Of a pattern, for each of its characters. */
export const REGEX = 0.25;
const LONGEST_FORMAT_PATTERN = 128;
/** So that an expression may ask twice. */
const AUTHORIZATION = 350_000n;

/** A part of an expression. */
export interface Operand {
  type: CelType;
  size: Size;
  /** Of its elements, where it is a list. */
  elements: () => Size;
  /** Where it is written as a whole number. */
  integer?: bigint;
}

export interface Estimate {
  cost: bigint;
  /** Of what it gives. */
  size?: Size;
}

const traversal = ({ max }: Size, times = 1): bigint => scaled(max, times * TRAVERSAL);
const traversed = (size: Size, times = 1): Estimate => ({ cost: traversal(size, times) });
const one = (): Estimate => ({ cost: 1n });

type Estimator = (args: readonly Operand[], target: Operand | undefined, overload: string) => Estimate | undefined;

const compared: Estimator = (_, target) => {
  if (target === undefined) return undefined;
  const [of] = resolved(target.type).params;
  if (of === undefined) return traversed(target.size);
  const { kind } = resolved(of);
  const each = kind === 'string' || kind === 'bytes' ? plus(1n, traversal(target.elements())) : 1n;
  return { cost: times(target.size.max, each) };
};

const parsed: Estimator = ([text]) => traversed(text!.size);

const sameLength: Estimator = (_, target) => target && { ...traversed(target.size), size: target.size };

const found: Estimator = ([pattern], target) => {
  if (target === undefined || pattern === undefined) return undefined;
  const text = scaled(plus(target.size.max, 1n), TRAVERSAL);
  return { cost: times(text, scaled(pattern.size.max, REGEX)), size: { min: 0n, max: target.size.max } };
};

const ceilDivide = (a: bigint, b: bigint): bigint => {
  const quotient = Math.ceil(Number(a) / Number(b));
  return quotient >= 2 ** 64 ? 2n ** 63n : BigInt(quotient);
};

/** Of one end of the range: how often something is replaced, and how much of the text stays. */
function replacements(text: bigint, isEmpty: boolean, keeps: boolean, old: bigint): { count: bigint; kept: bigint } {
  if (isEmpty) return { count: plus(text, 1n), kept: text };
  return keeps ? { count: 0n, kept: text } : { count: ceilDivide(text, old), kept: 0n };
}

const replaced: Estimator = ([old, by], target) => {
  if (target === undefined || old === undefined || by === undefined) return undefined;
  const { size } = target;
  const most = replacements(size.max, old.size.min === 0n, by.size.max <= old.size.min, old.size.min);
  const least = replacements(size.min, old.size.max === 0n, old.size.max <= by.size.min, old.size.max);
  const made = sizeSum(sizeProduct({ min: least.count, max: most.count }, by.size), {
    min: least.kept,
    max: most.kept,
  });
  return { ...traversed(size, 2), size: made };
};

const split: Estimator = ([, limit], target) => {
  if (target === undefined) return undefined;
  const max = limit?.integer === undefined ? target.size.max : BigInt.asUintN(64, limit.integer);
  return { ...traversed(target.size, 2), size: { min: 0n, max } };
};

const joined: Estimator = ([separator], target) => {
  if (target === undefined) return undefined;
  const list = target.size;
  const hasElements = resolved(target.type).params.length > 0;
  let size = hasElements ? sizeProduct(list, target.elements()) : fixed(0);
  const between = { min: list.min > 0n ? list.min - 1n : 0n, max: list.max > 0n ? list.max - 1n : 0n };
  if (separator !== undefined) size = sizeSum(size, sizeProduct(separator.size, between));
  return { ...traversed(size), size };
};

/** Bytes of an address. */
const ADDRESS = { min: 4n, max: 16n };

const contains =
  (masks: boolean): Estimator =>
  ([other], _, overload) => {
    const own = traversal(sizeSum(ADDRESS, ADDRESS)) + (masks ? traversal(ADDRESS) + 1n : 0n);
    return { cost: overload.endsWith('_string') ? plus(own, traversal(other!.size)) : own };
  };

const validated: Estimator = ([text]) => ({ cost: scaled(traversal(text!.size), LONGEST_FORMAT_PATTERN * REGEX) });

const selected: Estimator = ([selector]) => {
  if (selector === undefined) return undefined;
  const { max } = selector.size;
  return { cost: plus(plus(10n, scaled(max, TRAVERSAL)), scaled(scaled(max, 0.5), 50)) };
};

const equalOfKubernetes: Estimator = ([left, right]) => {
  const [a, b] = [resolved(left!.type).kind, resolved(right!.type).kind];
  if (a !== b) return undefined;
  if (['IP', 'CIDR', 'Quantity', 'Semver'].includes(a)) return one();
  if (a === 'Format') return traversed(fixed(64));
  return a === 'URL' ? traversed(fixed(right!.size.max === MOST ? 1 : right!.size.max)) : undefined;
};

const NAMES_OF_ONE = `serviceAccount path group resource subresource namespace name allowed reason error errored masked
  prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger
  isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch getScheme getHostname getHost getPort
  getEscapedPath getQuery`.split(/\s+/);

const table = (names: string, estimator: Estimator): Array<[string, Estimator]> =>
  names.split(' ').map((name) => [name, estimator]);

const OF_KUBERNETES = new Map<string, Estimator>([
  ...NAMES_OF_ONE.map((name): [string, Estimator] => [name, one]),
  ...table('check', () => ({ cost: AUTHORIZATION })),
  ...table('fieldSelector labelSelector', selected),
  ...table('isSorted sum max min indexOf lastIndexOf', compared),
  ...table('url jsonpatch.escapeKey', ([text]) => text && { ...traversed(text.size), size: text.size }),
  ...table('lowerAscii upperAscii substring trim', sameLength),
  ...table('replace', replaced),
  ...table('split', split),
  ...table('join', joined),
  ...table('find findAll', found),
  ...table('cidr isIP isCIDR quantity isQuantity semver isSemver', parsed),
  ...table('ip', ([text]) => (text === undefined ? one() : traversed(text.size))),
  ...table('ip.isCanonical', ([text]) => traversed(text!.size, 2)),
  ...table('containsIP', contains(false)),
  ...table('containsCIDR', contains(true)),
  ...table('validate', validated),
  ...table('_==_', equalOfKubernetes),
]);

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const compare: Estimator = ([left, right]) => ({ cost: scaled(smaller(left!.size.max, right!.size.max), TRAVERSAL) });

const sets =
  (factor: number): Estimator =>
  ([left, right]) => ({ cost: plus(scaled(times(left!.size.max, right!.size.max), factor), 1n) });

const added: Estimator = ([left, right]) => {
  const size = sizeSum(left!.size, right!.size);
  return { ...traversed(size), size };
};

const quoted: Estimator = ([text]) => {
  const { min, max } = text!.size;
  return { ...traversed(text!.size), size: { min: min + 2n, max: BigInt.asUintN(64, max * 2n + 2n) } };
};

const OF_CEL = new Map<string, Estimator>([
  ...table('string_format', (_, target) => target && traversed(target.size)),
  ...table('string_to_bytes', ([text]) => ({
    ...traversed(text!.size),
    size: { min: text!.size.min, max: BigInt.asUintN(64, text!.size.max * 4n) },
  })),
  ...table('bytes_to_string', ([bytes]) => ({
    ...traversed(bytes!.size),
    size: { min: bytes!.size.min / 4n, max: bytes!.size.max },
  })),
  ...table('strings_quote', quoted),
  ...table('starts_with_string ends_with_string', parsed),
  ...table('in_list', ([, list]) => ({ cost: scaled(list!.size.max, 1) })),
  ...table('matches_string', (args, target, overload) => {
    const { cost } = found(args, target, overload)!;
    return { cost };
  }),
  ...table('contains_string', ([part], target) => ({ cost: times(traversal(target!.size), traversal(part!.size)) })),
  ...table('add_string add_bytes', added),
  ...table('add_list', (args, target, overload) => ({ ...added(args, target, overload), cost: 1n })),
  ...table('equals not_equals', compare),
  ...['less', 'less_equals', 'greater', 'greater_equals'].flatMap((name) =>
    table(`${name}_string ${name}_bytes`, compare),
  ),
  ...table('list_sets_contains_list list_sets_intersects_list', sets(1)),
  ...table('list_sets_equivalent_list', sets(2)),
]);

/** Of the call alone, without its arguments. */
export function estimateCall(name: string, overload: string, args: readonly Operand[], target?: Operand): Estimate {
  const ofKubernetes = OF_KUBERNETES.get(name)?.(args, target, overload);
  return ofKubernetes ?? OF_CEL.get(overload)?.(args, target, overload) ?? one();
}
