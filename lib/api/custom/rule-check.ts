// Decides whether the rules of a CRD's schema can be asked: their types, what they give, and whether an old value can be told for
// each new one; and what they cost. Never asks a rule.
import { costOf } from '../cel/cost/cost.ts';
import type { Declared } from '../cel/cost/declared.ts';
import { TypeChecker } from '../cel/type-check.ts';
import { GoText, invalidValue, quoted, type FieldError } from '../field-error.ts';
import { nil } from './go-value.ts';
import type { CelRule, JsonSchema } from './json-schema.ts';
import { cardinalityWithin, costOfAll, RuleCosts, type Cardinality } from './rule-costs.ts';
import { declaredSizes } from './rule-sizes.ts';
import { declareSchema } from './rule-types.ts';
import { isTransition } from './rules.ts';

/** Where in a schema rules stand. */
export interface RulePlace {
  schema: JsonSchema;
  isRoot: boolean;
  /** Path of what holds values whose old ones cannot be found. */
  uncorrelatable?: string;
  /** How often the value may be in an object. */
  cardinality: Cardinality;
  /** Of all rules of the schema. */
  costs: RuleCosts;
}

/** `judgesEach`: no rule may cost too much by itself. */
export const rootPlace = (schema: JsonSchema, judgesEach: boolean): RulePlace => ({
  schema,
  isRoot: true,
  cardinality: 1n,
  costs: new RuleCosts(judgesEach),
});

/** `path` is that of `parent`. */
export function childPlace(
  place: RulePlace | undefined,
  parent: JsonSchema,
  schema: JsonSchema,
  as: 'item' | 'value' | 'property',
  path: string,
): RulePlace | undefined {
  if (place === undefined) return undefined;
  const isLost =
    as === 'item'
      ? parent['x-kubernetes-list-type'] !== 'map'
      : as === 'property' && parent['x-kubernetes-map-type'] === 'atomic';
  const uncorrelatable = place.uncorrelatable ?? (isLost ? path : undefined);
  return {
    schema,
    isRoot: false,
    cardinality: cardinalityWithin(parent, place.cardinality),
    costs: place.costs,
    ...(uncorrelatable === undefined ? {} : { uncorrelatable }),
  };
}

/** `selfType`: the name of what has fields; the real server makes one up each time. */
const SELF = 'selfType';

export function ruleProblems(schema: JsonSchema, path: string, place: RulePlace): FieldError[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return [];
  const at = `${path}.x-kubernetes-validations`;
  const types = new Map<string, Record<string, string>>();
  const isResource = place.isRoot || schema['x-kubernetes-embedded-resource'] === true;
  const self = declareSchema(SELF, schema, isResource, types);
  if (self === undefined)
    return [
      {
        code: 'InternalError',
        path: at,
        message:
          'Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations',
      },
    ];
  const sizes = declaredSizes(schema, isResource)!;
  const checkerOf = (oldSelf: string): TypeChecker => new TypeChecker(types, { self, oldSelf });
  const [plain, optional] = [checkerOf(self), checkerOf(`optional<${self}>`)];
  return rules.flatMap((rule, i) =>
    problemsOf(rule, rule.optionalOldSelf === true ? optional : plain, sizes, `${at}[${i}]`, place),
  );
}

function problemsOf(
  rule: CelRule,
  checker: TypeChecker,
  sizes: Declared,
  path: string,
  place: RulePlace,
): FieldError[] {
  const wrong = problemOf(checker, rule.rule, 'bool', 'compilation failed: ', 'cel expression must evaluate to a bool');
  const errors =
    wrong !== undefined
      ? [invalidValue(`${path}.rule`, goRule(rule), wrong)]
      : [...ruleCost(rule, sizes, path, place), ...messageProblems(rule, checker, sizes, path, place)];
  const usesOld = wrong === undefined && isTransition(rule);
  if (usesOld && place.uncorrelatable !== undefined) {
    const told = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`;
    errors.push(invalidValue(`${path}.rule`, rule.rule, told));
  } else if (!usesOld && rule.optionalOldSelf !== undefined)
    errors.push(
      invalidValue(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'),
    );
  return errors;
}

function ruleCost(rule: CelRule, sizes: Declared, path: string, { cardinality, costs }: RulePlace): FieldError[] {
  const once = costOf(rule.rule, sizes, rule.optionalOldSelf === true);
  return costs.add(`${path}.rule`, 'rule', costOfAll(once, cardinality, sizes.fewestBytes));
}

/** What the message costs is reckoned once, as a rule is broken once. */
function messageProblems(
  rule: CelRule,
  checker: TypeChecker,
  sizes: Declared,
  path: string,
  { costs }: RulePlace,
): FieldError[] {
  const { messageExpression = '', optionalOldSelf } = rule;
  if (messageExpression === '') return [];
  const at = `${path}.messageExpression`;
  const told = 'messageExpression must evaluate to a string';
  const wrong = problemOf(checker, messageExpression, 'string', 'messageExpression compilation failed: ', told);
  return wrong === undefined
    ? costs.add(at, 'messageExpression', costOf(messageExpression, sizes, optionalOldSelf === true))
    : [invalidValue(at, goRule(rule), wrong)];
}

function problemOf(
  checker: TypeChecker,
  expression: string,
  wanted: string,
  prefix: string,
  otherwise: string,
): string | undefined {
  const checked = checker.check(expression);
  if ('problem' in checked) return prefix + checked.problem;
  return checked.type === wanted ? undefined : otherwise;
}

/** The whole rule, as the real server repeats it. */
function goRule(rule: CelRule): GoText {
  const { message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf } = rule;
  const fields = [
    `Rule:${quoted(rule.rule)}`,
    `Message:${quoted(message)}`,
    `MessageExpression:${quoted(messageExpression)}`,
    // Addresses of Go's memory stand in place of what is set.
    `Reason:${reason === undefined ? nil('apiextensions.FieldValueErrorReason') : quoted(reason)}`,
    `FieldPath:${quoted(fieldPath)}`,
    `OptionalOldSelf:${optionalOldSelf === undefined ? nil('bool') : String(optionalOldSelf)}`,
  ];
  return new GoText(`apiextensions.ValidationRule{${fields.join(', ')}}`);
}
