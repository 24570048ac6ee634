// Decides whether the rules of a CRD's schema can be asked: their types, what they give, and whether an old value can be told for
// each new one. Never asks a rule.
import { TypeChecker } from '../cel/type-check.ts';
import { GoText, invalidValue, quoted, type FieldError } from '../field-error.ts';
import { nil } from './go-value.ts';
import type { CelRule, JsonSchema } from './json-schema.ts';
import { declareSchema } from './rule-types.ts';
import { isTransition } from './rules.ts';

/** Where in a schema rules stand. */
export interface RulePlace {
  schema: JsonSchema;
  isRoot: boolean;
  /** Path of what holds values whose old ones cannot be found. */
  uncorrelatable?: string;
}

export const rootPlace = (schema: JsonSchema): RulePlace => ({ schema, isRoot: true });

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
  return { schema, isRoot: false, ...(uncorrelatable === undefined ? {} : { uncorrelatable }) };
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
  const plain = new TypeChecker(types, { self, oldSelf: self });
  const optional = new TypeChecker(types, { self, oldSelf: `optional<${self}>` });
  return rules.flatMap((rule, i) =>
    problemsOf(rule, rule.optionalOldSelf === true ? optional : plain, `${at}[${i}]`, place),
  );
}

function problemsOf(rule: CelRule, checker: TypeChecker, path: string, place: RulePlace): FieldError[] {
  const errors: FieldError[] = [];
  const wrong = problemOf(checker, rule.rule, 'bool', 'compilation failed: ', 'cel expression must evaluate to a bool');
  if (wrong !== undefined) errors.push(invalidValue(`${path}.rule`, goRule(rule), wrong));
  else if (rule.messageExpression !== undefined && rule.messageExpression !== '') {
    const told = 'messageExpression must evaluate to a string';
    const problem = problemOf(
      checker,
      rule.messageExpression,
      'string',
      'messageExpression compilation failed: ',
      told,
    );
    if (problem !== undefined) errors.push(invalidValue(`${path}.messageExpression`, goRule(rule), problem));
  }
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
