// Decides whether the table that the kernel lists is the one that we wrote: the same elements, the same chains with as
// many rules. Never lists it itself, and does not compare rules word for word: nft prints them in its own way.
import { chainRules } from './chains.ts';
import { MAPS, type Element, type MapName } from './elements.ts';
import { mixHash } from './rule-set.ts';
import type { NodeFacts } from './service-rules.ts';
import { fixedChains } from './table.ts';

type Hash = readonly [number, number];

export interface Listed {
  /** Of all elements and of the chains that are not fixed. */
  hash: Hash;
  /** Rules by chain. */
  rules: Map<string, number>;
}

/** Reads what `nft list table ip kube-proxy` prints. */
export function readListing(text: string, facts: NodeFacts): Listed {
  const fixed = new Set(fixedChains(facts).map(({ name }) => name));
  const rules = new Map<string, number>();
  let hash: Hash = [0, 0];
  const mix = (element: Element): void => void (hash = mixHash(hash, element));
  for (const { kind, name, body } of blocks(text)) {
    if (kind === 'chain') {
      rules.set(name, body.filter((line) => !line.startsWith('type ')).length);
      if (!fixed.has(name)) mix({ map: 'chains', key: name, value: '' });
    } else if (name in MAPS) for (const element of elementsOf(name as MapName, body)) mix(element);
  }
  return { hash, rules };
}

/** Why the listed table is not ours, or undefined if it is. `chains` are the names of ours that are not fixed. */
export function foreignChange(
  listed: Listed,
  hash: Hash,
  chains: Iterable<string>,
  facts: NodeFacts,
): string | undefined {
  for (const { name, rules } of fixedChains(facts))
    if (listed.rules.get(name) !== rules.length)
      return `chain ${name} has ${listed.rules.get(name) ?? 'no'} of ${rules.length} rules`;
  for (const name of chains) {
    const expected = chainRules(name, facts.nodePodCidr).length;
    if (listed.rules.get(name) !== expected)
      return `chain ${name} has ${listed.rules.get(name) ?? 'no'} of ${expected} rules`;
  }
  return listed.hash[0] === hash[0] && listed.hash[1] === hash[1] ? undefined : 'its elements differ from ours';
}

interface ListedBlock {
  kind: string;
  name: string;
  body: string[];
}

/** nft prints two levels of braces, each block's end on a line of its own. */
function* blocks(text: string): Generator<ListedBlock> {
  let open: ListedBlock | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const head = /^(set|map|chain) (\S+) \{$/.exec(line);
    if (head !== null) open = { kind: head[1]!, name: head[2]!, body: [] };
    else if (raw === '\t}' && open !== undefined) {
      yield open;
      open = undefined;
    } else if (line !== '') open?.body.push(line);
  }
}

function* elementsOf(map: MapName, body: readonly string[]): Generator<Element> {
  const text = body.join(' ');
  const start = text.indexOf('elements = {');
  if (start < 0) return;
  for (const part of text.slice(start + 'elements = {'.length, text.lastIndexOf('}')).split(',')) {
    const [key = '', value = ''] = part.split(' : ').map((each) => each.trim());
    if (key !== '') yield { map, key, value };
  }
}
