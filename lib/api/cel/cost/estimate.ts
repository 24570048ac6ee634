// Decides what the evaluation of an expression may cost at most, whatever the value, so that rules that could cost too much are not
// taken: as cel-go's checker reckons it, number for number, since the real server's messages tell by how much a limit is exceeded.
// Never evaluates anything.
import { fixed, plus, sum, times, union, UNKNOWN, type Size } from './amounts.ts';
import { estimateCall, type Estimate, type Operand } from './calls.ts';
import { declaredAt, type Declared } from './declared.ts';
import { grown, namesOf, NOWHERE, pathOf, type Path } from './paths.ts';
import type { Call, Fold, List, MapOf, Node, Select } from './tree.ts';
import { isAccumulator, isScalar, resolved } from './types.ts';

const LIST = 10n;
const MAP = 30n;

/** Of what a list or map holds. */
interface Entries {
  isList: boolean;
  key: Size;
  value: Size;
}

interface Local {
  path: Path;
  size: Size | undefined;
  entries: Entries | undefined;
}

/** `tree` has its types; `root` is what its variables are declared as. */
export const estimateCost = (tree: Node, root: Declared): bigint => new Estimator(root).cost(tree);

class Estimator {
  readonly #root: Declared;
  readonly #paths = new Map<Node, Path>();
  readonly #sizes = new Map<Node, Size>();
  readonly #entries = new Map<Node, Entries>();
  readonly #locals = new Map<string, Local[]>();

  constructor(root: Declared) {
    this.#root = root;
  }

  cost(node: Node): bigint {
    switch (node.op) {
      case 'literal':
        return 0n;
      case 'ident':
        this.#paths.set(node, this.#local(node)?.path ?? pathOf(node.name));
        return 1n;
      case 'select':
        return this.#select(node);
      case 'call':
        return this.#call(node);
      case 'list':
        return this.#list(node);
      case 'map':
        return this.#map(node);
      case 'fold':
        return isBinding(node) ? this.#binding(node) : this.#fold(node);
    }
  }

  #select(node: Select): bigint {
    const of = this.cost(node.operand);
    if (node.isTest) return of;
    const { kind } = resolved(node.operand.type!);
    this.#paths.set(node, grown(this.#path(node.operand), node.field));
    return kind === 'map' || kind === 'object' ? plus(of, 1n) : of;
  }

  #call(node: Call): bigint {
    const { name, args, target, overloads = [] } = node;
    if (name === 'dyn') return this.#passedOn(node, args[0]!);
    const costs: bigint[] = [];
    const operands = args.map((arg) => {
      costs.push(this.cost(arg));
      return this.#operand(arg);
    });
    if (overloads.length === 0) return 0n;
    const ofTarget = target === undefined ? 0n : this.cost(target);
    const receiver = target && this.#operand(target);
    let cost = 0n;
    let size: Size | undefined;
    for (const overload of overloads) {
      const estimate = this.#overload(node, overload, operands, costs, receiver);
      if (estimate.cost > cost) cost = estimate.cost;
      if (estimate.size !== undefined) size = size === undefined ? estimate.size : union(size, estimate.size);
      if (overload === 'index_list' || overload === 'index_map') {
        size = this.#entriesOf(args[0]!)?.value;
        this.#paths.set(node, grown(this.#path(args[0]!), overload === 'index_list' ? '@items' : '@values'));
      }
      size ??= this.#size(node);
    }
    if (size !== undefined) this.#sizes.set(node, size);
    return plus(ofTarget, cost);
  }

  /** `dyn(x)`: a value without its type. */
  #passedOn(node: Call, of: Node): bigint {
    const cost = plus(1n, this.cost(of));
    this.#copySizes(node, of);
    return cost;
  }

  /** With its arguments. */
  #overload(
    node: Call,
    overload: string,
    operands: readonly Operand[],
    costs: readonly bigint[],
    receiver: Operand | undefined,
  ): Estimate {
    const [first, second, third] = node.args as [Node, Node, Node];
    if (overload === 'logical_and' || overload === 'logical_or') return { cost: sum(costs) };
    if (overload === 'conditional') {
      this.#setEntries(node, unionOf(this.#entriesOf(second), this.#entriesOf(third)));
      const dearer = costs[1]! > costs[2]! ? costs[1]! : costs[2]!;
      return { cost: plus(costs[0]!, dearer), size: union(operands[1]!.size, operands[2]!.size) };
    }
    if (overload === 'add_list' || overload === 'add_string' || overload === 'add_bytes')
      this.#setEntries(node, unionOf(this.#entriesOf(first), this.#entriesOf(second)));
    const { cost, size } = estimateCall(node.name, overload, operands, receiver);
    return size === undefined ? { cost: plus(cost, sum(costs)) } : { cost: plus(cost, sum(costs)), size };
  }

  #list(node: List): bigint {
    const { elements } = node;
    const costs = elements.map((element) => this.cost(element));
    this.#entries.set(node, { isList: true, key: fixed(1), value: this.#sizeOfAny(elements) });
    return plus(LIST, sum(costs));
  }

  #map(node: MapOf): bigint {
    const costs = node.entries.flatMap(([key, value]) => [this.cost(key), this.cost(value)]);
    const key = this.#sizeOfAny(node.entries.map(([each]) => each));
    const value = this.#sizeOfAny(node.entries.map(([, each]) => each));
    this.#entries.set(node, { isList: false, key, value });
    return plus(MAP, sum(costs));
  }

  #sizeOfAny(nodes: readonly Node[]): Size {
    return nodes.length === 0 ? fixed(0) : nodes.map((each) => this.#sizeOrUnknown(each)).reduce(union);
  }

  #fold(node: Fold): bigint {
    const { range, init, accuVar, iterVar, iterVar2 } = node;
    const before = plus(this.cost(range), this.cost(init));
    this.#push(accuVar, { path: this.#path(init), size: this.#size(init), entries: this.#entriesOf(init) });
    if (iterVar2 === undefined) this.#push(iterVar, this.#iterated(range));
    else this.#pushTwo(iterVar, iterVar2, range);
    const round = plus(this.cost(node.condition), this.cost(node.step));
    this.#locals.get(iterVar)!.pop();
    if (iterVar2 !== undefined) this.#locals.get(iterVar2)!.pop();
    const after = this.cost(node.result);
    this.#locals.get(accuVar)!.pop();
    const count = this.#sizeOrUnknown(range);
    if (init.op === 'literal') this.#setSize(node, this.#size(init));
    if (init.op === 'list' || init.op === 'map') {
      this.#setSize(node, count);
      this.#setEntries(node, this.#entriesOf(node.step));
    }
    return plus(plus(before, after), times(count.max, round));
  }

  #iterated(range: Node): Local {
    const entries = this.#entriesOf(range);
    const isList = entries?.isList ?? resolved(range.type!).kind === 'list';
    const size = isList ? entries?.value : entries?.key;
    return { path: grown(this.#path(range), isList ? '@items' : '@keys'), size, entries: undefined };
  }

  /** The place or key, and the element or value. */
  #pushTwo(first: string, second: string, range: Node): void {
    const entries = this.#entriesOf(range);
    const isList = entries?.isList ?? resolved(range.type!).kind === 'list';
    const path = this.#path(range);
    const [key, value] = [grown(path, isList ? '@indices' : '@keys'), grown(path, isList ? '@items' : '@values')];
    this.#push(first, { path: key, size: entries?.key, entries: undefined });
    this.#push(second, { path: value, size: entries?.value, entries: undefined });
  }

  /** Is not done in rounds: `optional.optMap(x, …)`. */
  #binding(node: Fold): bigint {
    const { range, init, accuVar, result } = node;
    const before = plus(this.cost(range), this.cost(init));
    this.#push(accuVar, { path: this.#path(init), size: this.#size(init), entries: this.#entriesOf(init) });
    const cost = plus(before, this.cost(result));
    this.#locals.get(accuVar)!.pop();
    this.#copySizes(node, result);
    return cost;
  }

  #push(name: string, local: Local): void {
    const known = this.#locals.get(name) ?? [];
    known.push(local);
    this.#locals.set(name, known);
  }

  #local(node: Node): Local | undefined {
    return node.op === 'ident' ? this.#locals.get(node.name)?.at(-1) : undefined;
  }

  #path(node: Node): Path {
    return this.#local(node)?.path ?? this.#paths.get(node) ?? NOWHERE;
  }

  /** The path is told as it is now: one that shares its memory is another later. */
  #operand(node: Node): Operand {
    const path = this.#path(node);
    const names = isAccumulator(namesOf(path)[0]) ? [] : namesOf(path);
    const size = this.#size(node) ?? this.#declaredSize(names) ?? UNKNOWN;
    const elements = (): Size => (names.length === 0 ? UNKNOWN : (this.#declaredSize([...names, '@items']) ?? UNKNOWN));
    const integer = node.op === 'literal' && typeof node.value === 'bigint' ? { integer: node.value } : {};
    return { type: node.type!, size, elements, ...integer };
  }

  #declaredSize(names: readonly string[]): Size | undefined {
    const at = names.length === 0 ? undefined : declaredAt(this.#root, names);
    return at && { min: 0n, max: BigInt(at.most) };
  }

  #size(node: Node): Size | undefined {
    const known = this.#sizes.get(node) ?? writtenSize(node);
    if (known !== undefined) return known;
    const declared = this.#declaredSize(namesOf(this.#path(node)));
    if (declared !== undefined) this.#sizes.set(node, declared);
    return declared ?? (isScalar(node.type!) ? fixed(1) : this.#local(node)?.size);
  }

  #sizeOrUnknown(node: Node): Size {
    return this.#size(node) ?? UNKNOWN;
  }

  #setSize(node: Node, size: Size | undefined): void {
    if (size !== undefined) this.#sizes.set(node, size);
  }

  #entriesOf(node: Node): Entries | undefined {
    return this.#entries.get(node) ?? this.#local(node)?.entries;
  }

  #setEntries(node: Node, entries: Entries | undefined): void {
    if (entries !== undefined) this.#entries.set(node, entries);
  }

  #copySizes(node: Node, from: Node): void {
    this.#setSize(node, this.#size(from));
    this.#setEntries(node, this.#entriesOf(from));
  }
}

const isBinding = ({ range, condition, accuVar }: Fold): boolean =>
  range.op === 'list' &&
  range.elements.length === 0 &&
  condition.op === 'literal' &&
  condition.value === false &&
  !isAccumulator(accuVar);

function unionOf(one: Entries | undefined, other: Entries | undefined): Entries | undefined {
  if (one === undefined || other === undefined) return undefined;
  return { isList: one.isList, key: union(one.key, other.key), value: union(one.value, other.value) };
}

/** Of what is written in the expression. */
function writtenSize(node: Node): Size | undefined {
  if (node.op === 'list') return fixed(node.elements.length);
  if (node.op === 'map') return fixed(node.entries.length);
  if (node.op !== 'literal') return undefined;
  if (typeof node.value === 'string') return fixed([...node.value].length);
  return fixed(node.value instanceof Uint8Array ? node.value.length : 1);
}
