// Decides which selectors of an access review are refused, and which are left out of it because nobody could read them. Never
// decides access.
import { forbidden, invalidValue, required, type FieldError } from '../../../lib/api/field-error.ts';
import { parseLabelSelector } from '../../../lib/api/selectors.ts';
import { qualifiedName } from '../../../lib/api/formats.ts';

interface Requirement {
  key?: string;
  operator?: string;
  values?: string[];
}

interface Selector {
  rawSelector?: string;
  requirements?: Requirement[];
}

interface Attributes {
  fieldSelector?: Selector;
  labelSelector?: Selector;
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
const PATH = 'spec.resourceAttributes';

export function selectorErrors(on: Attributes | undefined): FieldError[] {
  return [
    ...errorsOf(on?.fieldSelector, `${PATH}.fieldSelector`, () => []),
    ...errorsOf(on?.labelSelector, `${PATH}.labelSelector`, labelKeyErrors),
  ];
}

function errorsOf(
  selector: Selector | undefined,
  path: string,
  keyErrors: (key: string, path: string) => FieldError[],
): FieldError[] {
  if (selector === undefined || selector === null) return [];
  const { rawSelector: raw = '', requirements = [] } = selector;
  const errors: FieldError[] = [];
  if (raw !== '' && requirements.length > 0)
    errors.push(invalidValue(`${path}.rawSelector`, raw, 'may not specified at the same time as requirements'));
  if (raw === '' && requirements.length === 0) {
    const why = `when ${path} is specified, requirements or rawSelector is required`;
    errors.push(required(`${path}.requirements`, why));
  }
  for (const [i, one] of requirements.entries())
    errors.push(...requirementErrors(one, `${path}.requirements[${i}]`, keyErrors));
  return errors;
}

function requirementErrors(
  { key = '', operator = '', values = [] }: Requirement,
  path: string,
  keyErrors: (key: string, path: string) => FieldError[],
): FieldError[] {
  const errors: FieldError[] = [];
  const isKeyless = key === '' && !path.includes('labelSelector');
  if (isKeyless) errors.push(required(`${path}.key`, 'must be specified'));
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
    errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
    errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  return [...errors, ...keyErrors(key, `${path}.key`)];
}

function labelKeyErrors(key: string, path: string): FieldError[] {
  return qualifiedName(key).map((why) => invalidValue(path, key, why));
}

/** What is told of selectors that an authorizer does not get to see, or not whole. */
export function ignoredSelectors(on: Attributes | undefined): string {
  const told = [
    ignored('fieldSelector', on?.fieldSelector, isComparison, (raw) =>
      raw.split(',').every((one) => one.includes('=')),
    ),
    ignored('labelSelector', on?.labelSelector, isKnown, isLabelSelector),
  ].filter((text) => text !== '');
  return told.length > 1 ? `[${told.join(', ')}]` : (told[0] ?? '');
}

/** A field is compared with one value. */
const isComparison = ({ operator = '', values = [] }: Requirement): boolean =>
  (operator === 'In' || operator === 'NotIn') && values.length === 1;
const isKnown = ({ operator = '' }: Requirement): boolean => OPERATORS.includes(operator);

function isLabelSelector(raw: string): boolean {
  try {
    parseLabelSelector(raw);
    return true;
  } catch {
    return false;
  }
}

function ignored(
  name: string,
  selector: Selector | undefined,
  isReadable: (one: Requirement) => boolean,
  isReadableText: (raw: string) => boolean,
): string {
  const { rawSelector: raw = '', requirements = [] } = selector ?? {};
  const isWhole = raw === '' ? requirements.every(isReadable) : isReadableText(raw);
  if (isWhole) return '';
  const partially = raw === '' && requirements.some(isReadable) ? 'partially ' : '';
  return `${PATH}.${name} ${partially}ignored due to parse error`;
}
