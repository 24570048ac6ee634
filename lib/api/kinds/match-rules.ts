// Decides what webhooks and policies have in common: rules of which writes they see, conditions in CEL. Never evaluates one.
import { duplicate, invalidValue, required, tooMany, type FieldError } from '../field-error.ts';
import { qualifiedName } from '../formats.ts';
import { celProblem, compileCel } from '../cel/cel.ts';
import { fill } from '../pod/defaults.ts';

const MOST_CONDITIONS = 64;

export function defaultRuleScopes(rules: any[] | undefined): void {
  rules?.forEach((rule) => fill(rule, 'scope', '*'));
}

export function defaultMatchResources(match: any): void {
  if (match === undefined) return;
  fill(match, 'matchPolicy', 'Equivalent');
  fill(match, 'namespaceSelector', {});
  fill(match, 'objectSelector', {});
  defaultRuleScopes(match.resourceRules);
  defaultRuleScopes(match.excludeResourceRules);
}

export function validateMatchConditions(conditions: any[] | undefined, path: string): FieldError[] {
  const all = conditions ?? [];
  if (all.length > MOST_CONDITIONS) return [tooMany(path, all.length, MOST_CONDITIONS)];
  return all.flatMap(({ name = '', expression = '' }, i) => {
    const at = `${path}[${i}]`;
    const errors = qualifiedName(name).map((told) => invalidValue(`${at}.name`, name, told));
    if (all.findIndex((other) => other.name === name) < i) errors.push(duplicate(`${at}.name`, name));
    return [...errors, ...validateExpression(expression, `${at}.expression`)];
  });
}

/** An expression that is there, can be compiled, and gives what is wanted as far as that is known. */
export function validateExpression(expression: string | undefined, path: string, wanted?: string): FieldError[] {
  if ((expression ?? '').trim() === '') return [required(path)];
  const problem = celProblem(expression!);
  if (problem !== undefined) return [invalidValue(path, expression, `compilation failed: ${problem}`)];
  const { type } = compileCel(expression!);
  return wanted === undefined || type === wanted || type === 'dyn'
    ? []
    : [invalidValue(path, expression, `must evaluate to ${wanted} but got ${type}`)];
}
