// Decides the value of an object after a client applied its part of it: nothing goes away, leaves are the client's, lists
// keep what both sides have in the client's order. Never decides who may.
import { ownValue } from '../../base/records.ts';
import { LEAF_RULE, isBlank, listElement, ruleFor, ruleWithin, type MergeRule } from './merge-rule.ts';
import { valueElement } from './path-element.ts';

type ListRule = MergeRule & { type: 'set' | 'list' };

/** Neither argument is changed, parts are shared. Elements of `applied` have keys, each once. */
export function merge(given: MergeRule, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  const rule = ruleFor(given, live, applied);
  if (rule.type === 'leaf' || rule.type === 'none' || isBlank(live)) return applied;
  // A container that is applied empty takes nothing away.
  if (isBlank(applied)) return live;
  if (rule.type === 'struct' || rule.type === 'map') return mergeFields(rule, live as object, applied as object);
  return rule.type === 'any' ? applied : mergeList(rule, live as unknown[], applied as unknown[]);
}

function mergeFields(rule: MergeRule, live: object, applied: object): object {
  const out: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(applied))
    out[name] = merge(ruleWithin(rule, name), ownValue(out, name), value);
  return out;
}

function mergeList(rule: ListRule, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const elementOf = (item: unknown, i: number): string =>
    (rule.type === 'set' ? valueElement(item) : listElement(rule.keys, item)) ?? `i:${i}`;
  const liveElements = live.map(elementOf);
  const appliedElements = applied.map(elementOf);
  const liveAt = new Map<string, unknown>();
  for (const [i, element] of liveElements.entries())
    // Elements that cannot be told apart are replaced together.
    liveAt.set(element, liveAt.has(element) ? undefined : live[i]);
  const item = rule.type === 'list' ? rule.element : LEAF_RULE;
  return inOrder(liveElements, appliedElements).map((place) =>
    place.from === 'live' ? live[place.at] : merge(item, liveAt.get(appliedElements[place.at]!), applied[place.at]),
  );
}

interface Place {
  from: 'live' | 'applied';
  at: number;
}

/**
 * What only the live list has stays before what followed it there; the rest is in the order of the applied one. The same
 * walk as structured-merge-diff's, as the order of containers is what clients see.
 */
function inOrder(live: readonly string[], applied: readonly string[]): Place[] {
  const inLive = new Set(live);
  const inApplied = new Set(applied);
  const shared = applied.filter((element) => inLive.has(element));
  const out: Place[] = [];
  let next = 0;
  let l = 0;
  for (let r = 0; l < live.length || r < applied.length;) {
    const mine = live[l];
    if (mine !== undefined && !inApplied.has(mine)) {
      out.push({ from: 'live', at: l++ });
      continue;
    }
    // Its turn was before, or comes later with the applied one's order; a repeated one has had it.
    const isPassed = mine !== undefined && mine !== applied[r] && mine !== shared[next];
    if (isPassed || mine === applied[r]) l++;
    if (isPassed && (next < shared.length || r === applied.length)) continue;
    if (applied[r] === shared[next]) next++;
    out.push({ from: 'applied', at: r++ });
  }
  return out;
}
