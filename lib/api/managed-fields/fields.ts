// Decides what a set of field paths is and how sets combine. A set is its own wire form, FieldsV1: nothing is converted when
// it is read or written. Never knows a schema and never changes a set in place.
import { isRecord } from '../../base/records.ts';
import { SELF, normalElement } from './path-element.ts';

/**
 * As a set: `{}` is empty. As a node within one: `{}` is a field that is in the set, `{ '.': {}, … }` one that is in it with
 * fields below, `{ … }` without `.` only leads to the fields below. A node without fields below is always in the set.
 */
export interface Fields {
  readonly [element: string]: Fields;
}

export type Path = readonly string[];

/** One for all leaves: sets are large and mostly leaves. */
export const LEAF: Fields = Object.freeze({});
export const NO_FIELDS: Fields = LEAF;

export type Building = Record<string, Fields>;

export function isEmpty(fields: Fields): boolean {
  for (const _ in fields) return false;
  return true;
}

/** Whether a node is in the set, not only fields below it. */
export const isMember = (node: Fields): boolean => SELF in node || isEmpty(node);

/** A node of these fields below it; undefined when it holds nothing at all. */
export function nodeOf(member: boolean, below: Building): Fields | undefined {
  if (isEmpty(below)) return member ? LEAF : undefined;
  return member ? { [SELF]: LEAF, ...below } : below;
}

/** The beginning of a node that is built in place, and its end: undefined when it holds nothing at all. */
export const begin = (member: boolean): Building => (member ? { [SELF]: LEAF } : {});
export function finish(node: Building): Fields | undefined {
  for (const element in node) if (element !== SELF) return node;
  return SELF in node ? LEAF : undefined;
}

/** What is in either. */
export function union(a: Fields, b: Fields): Fields {
  return a === b ? a : unionBelow(a, b);
}

function unionBelow(a: Fields, b: Fields): Building {
  const out: Building = {};
  for (const element in a) {
    if (element === SELF) continue;
    const left = a[element]!;
    const right = b[element];
    out[element] =
      right === undefined || left === right
        ? left
        : nodeOf(isMember(left) || isMember(right), unionBelow(left, right))!;
  }
  for (const element in b) if (element !== SELF && !(element in a)) out[element] = b[element]!;
  return out;
}

/** What is in both. */
export function intersection(a: Fields, b: Fields): Fields {
  return intersectionBelow(a, b);
}

function intersectionBelow(a: Fields, b: Fields): Building {
  const out: Building = {};
  for (const element in a) {
    const left = a[element]!;
    const right = b[element];
    if (element === SELF || right === undefined) continue;
    const node = nodeOf(isMember(left) && isMember(right), intersectionBelow(left, right));
    if (node !== undefined) out[element] = node;
  }
  return out;
}

/** What is in `a` and not in `b`. Fields below one that is in `b` stay; `a` itself when nothing goes. */
export function difference(a: Fields, b: Fields): Fields {
  return withoutBelow(a, b, false) ?? a;
}

/** The same, but with a field of `b` goes all that is below it. */
export function recursiveDifference(a: Fields, b: Fields): Fields {
  return withoutBelow(a, b, true) ?? a;
}

/** Undefined: nothing went. Never by taking out of a copy: V8 is slow with objects that lost fields, and these are stored. */
function withoutBelow(a: Fields, b: Fields, recursive: boolean): Building | undefined {
  if (!meet(a, b)) return undefined;
  let went = false;
  const out: Building = {};
  for (const element in a) {
    if (element === SELF) continue;
    const left = a[element]!;
    const right = b[element];
    const node = right === undefined ? left : withoutNode(left, right, recursive);
    if (node !== left) went = true;
    if (node !== undefined) out[element] = node;
  }
  return went ? out : undefined;
}

function meet(a: Fields, b: Fields): boolean {
  for (const element in b) if (element !== SELF && a[element] !== undefined) return true;
  return false;
}

function withoutNode(left: Fields, right: Fields, recursive: boolean): Fields | undefined {
  const takes = isMember(right);
  if (takes && recursive) return undefined;
  const below = withoutBelow(left, right, recursive);
  const member = isMember(left);
  if (below === undefined && !(takes && member)) return left;
  return nodeOf(member && !takes, below ?? childrenOf(left));
}

function childrenOf(node: Fields): Building {
  const out: Building = {};
  for (const element in node) if (element !== SELF) out[element] = node[element]!;
  return out;
}

export function hasPath(fields: Fields, path: Path): boolean {
  let node: Fields | undefined = fields;
  for (const element of path) node = node?.[element];
  return node !== undefined && path.length > 0 && isMember(node);
}

/** Every path of the set: at each level first the fields that are in it, then those below. */
export function pathsOf(fields: Fields): Path[] {
  const out: Path[] = [];
  collect(fields, [], out);
  return out;
}

function collect(node: Fields, prefix: Path, out: Path[]): void {
  const elements = elementsOf(node);
  for (const element of elements) if (isMember(node[element]!)) out.push([...prefix, element]);
  for (const element of elements) collect(node[element]!, [...prefix, element], out);
}

const elementsOf = (node: Fields): string[] =>
  Object.keys(node)
    .filter((element) => element !== SELF)
    .toSorted();

/** The set of some paths. */
export function setOf(...paths: readonly Path[]): Fields {
  let out: Fields = NO_FIELDS;
  for (const path of paths) if (path.length > 0) out = union(out, chain(path));
  return out;
}

const chain = ([element, ...rest]: Path): Fields => ({ [element!]: rest.length === 0 ? LEAF : chain(rest) });

/** With the elements of every node in order: equal sets are equal bytes. The same set when they are already. */
export function format(fields: Fields): Fields {
  if (fields === LEAF) return LEAF;
  let inOrder = true;
  let last = '';
  let below: Building | undefined;
  for (const element in fields) {
    // `.` sorts before every other element.
    if (element < last) inOrder = false;
    last = element;
    const node = format(fields[element]!);
    if (node !== fields[element]) (below ??= {})[element] = node;
  }
  if (inOrder && below === undefined) return fields;
  const out: Building = {};
  for (const element of Object.keys(fields).toSorted()) out[element] = below?.[element] ?? fields[element]!;
  return out;
}

/** Reads what came from outside. Throws SyntaxError. */
export function parse(value: unknown): Fields {
  return parseBelow(value);
}

function parseBelow(value: unknown): Building {
  if (!isRecord(value)) throw new SyntaxError(`a set of fields is a JSON object, not ${JSON.stringify(value)}`);
  const out: Building = {};
  for (const [text, inner] of Object.entries(value)) {
    const element = text === SELF ? undefined : normalElement(text);
    if (element === undefined) continue;
    const below = parseBelow(inner);
    // What held only elements that nobody knows is a field like any other.
    const node = nodeOf(SELF in (inner as object), below) ?? LEAF;
    const before = out[element];
    out[element] = before === undefined ? node : nodeOf(isMember(before) || isMember(node), unionBelow(before, node))!;
  }
  return out;
}
