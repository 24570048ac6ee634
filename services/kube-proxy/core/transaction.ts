// Decides the nft program that turns one state of the table into another: the whole table, or only what changed. Never
// runs it. The kernel takes such a program as one transaction: all of it, or nothing.
import { chainRules } from './chains.ts';
import { mark, MAP_NAMES, type Change, type Element, type MapName } from './elements.ts';
import type { NodeFacts } from './service-rules.ts';
import { fixedTable, TABLE } from './table.ts';

/** One statement may be long, but the parser's memory grows with it. */
const ELEMENTS_A_STATEMENT = 500;

type Hash = readonly [number, number];

/** Replaces the table, whatever it held, without a moment in between. */
export function fullProgram(elements: Iterable<Element>, hash: Hash, facts: NodeFacts): string {
  const byMap = groupByMap(elements);
  const chains = byMap.get('chains') ?? [];
  const lines = [
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    ...fixedTable(facts),
    ...chains.flatMap(({ key }) => addChain(key)),
    ...chains.flatMap(({ key }) => addChainRules(key, facts)),
    `add element ${TABLE} state { ${hashText(hash)} }`,
  ];
  for (const map of MAP_NAMES)
    if (map !== 'chains') lines.push(...statements('add', map, (byMap.get(map) ?? []).map(withValue)));
  return `${lines.join('\n')}\n`;
}

/**
 * Only the changes. Verdicts that go to a chain go before it and come after it; a changed value is a delete and an add;
 * a delete of what is not there fails the whole program, which is how a foreign change is noticed.
 */
export function changeProgram(changes: readonly Change[], before: Hash, after: Hash, facts: NodeFacts): string {
  const lines: string[] = [];
  const elements = changes.filter(({ map }) => map !== 'chains');
  const chains = changes.filter(({ map }) => map === 'chains');
  const gone = elements.filter((change) => change.before !== undefined);
  const fresh = elements.filter((change) => change.after !== undefined);
  for (const [map, group] of groupByMap(gone))
    lines.push(
      ...statements(
        'delete',
        map,
        group.map(({ key }) => key),
      ),
    );
  const oldChains = chains.filter(({ after: now }) => now === undefined).map(({ key }) => key);
  // A Local chain goes to others: all are emptied before any is deleted.
  lines.push(...oldChains.map((name) => `flush chain ${TABLE} ${name}`));
  lines.push(...oldChains.map((name) => `delete chain ${TABLE} ${name}`));
  const newChains = chains.filter(({ after: now }) => now !== undefined).map(({ key }) => key);
  lines.push(...newChains.flatMap((name) => addChain(name)));
  lines.push(...newChains.flatMap((name) => addChainRules(name, facts)));
  for (const [map, group] of groupByMap(fresh))
    lines.push(
      ...statements(
        'add',
        map,
        group.map(({ key, after: value }) => withValue({ key, value: value! })),
      ),
    );
  lines.push(
    `delete element ${TABLE} state { ${hashText(before)} }`,
    `add element ${TABLE} state { ${hashText(after)} }`,
  );
  return `${lines.join('\n')}\n`;
}

/** As nft prints the element of the set `state`. */
export function hashText([a, b]: Hash): string {
  return `${mark(a)} . ${mark(b)}`;
}

function addChain(name: string): string[] {
  return [`add chain ${TABLE} ${name}`];
}

function addChainRules(name: string, facts: NodeFacts): string[] {
  return chainRules(name, facts.nodePodCidr).map((rule) => `add rule ${TABLE} ${name} ${rule}`);
}

function withValue({ key, value }: { key: string; value: string }): string {
  return value === '' ? key : `${key} : ${value}`;
}

function statements(verb: 'add' | 'delete', map: MapName, texts: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < texts.length; at += ELEMENTS_A_STATEMENT)
    lines.push(`${verb} element ${TABLE} ${map} { ${texts.slice(at, at + ELEMENTS_A_STATEMENT).join(', ')} }`);
  return lines;
}

function groupByMap<T extends { map: MapName }>(items: Iterable<T>): Map<MapName, T[]> {
  const groups = new Map<MapName, T[]>();
  for (const item of items) {
    const group = groups.get(item.map);
    if (group === undefined) groups.set(item.map, [item]);
    else group.push(item);
  }
  return groups;
}
