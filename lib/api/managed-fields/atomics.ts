// Decides which parts of a configuration would replace what is there as a whole instead of being merged. Never merges.
import { ruleFor, ruleWithin, type MergeRule } from './merge-rule.ts';

/** Paths as structured-merge-diff prints them: `.spec.tolerations`, `.spec.containers[0].args`. */
export function atomicsOf(given: MergeRule, value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const rule = ruleFor(given, value, value);
  if (rule.type === 'leaf' || rule.type === 'none') return [path];
  if (Array.isArray(value))
    return rule.type === 'list' ? value.flatMap((item, i) => atomicsOf(rule.element, item, `${path}[${i}]`)) : [];
  if (rule.type !== 'struct' && rule.type !== 'map') return [];
  return Object.entries(value).flatMap(([name, item]) => atomicsOf(ruleWithin(rule, name), item, `${path}.${name}`));
}
