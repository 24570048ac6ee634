// Decides whether what a client applies can be its part of an object: the right type, known fields, list elements with
// their keys and each once. Never fills anything in: who leaves a field out does not own it.
import { isRecord, ownValue } from '../../base/records.ts';
import type { TypeName } from '../custom/custom-type.ts';
import { ApiError } from '../../base/errors.ts';
import { TypeMismatchError, canonical } from '../canonical.ts';
import { listElement, mergeRuleOf, ruleWithin, type MergeRule } from './merge-rule.ts';
import { typedProblem } from './typed-check.ts';
import { printElement, valueElement } from './path-element.ts';

export interface ApplyTarget {
  typeName: TypeName;
  /** `apps/v1` */
  apiVersion: string;
  kind: string;
}

/** The value in its own shape, with scalars in their one form. Throws ApiError 400, or 500 as upstream where it does not fit its type; `value` is not changed. */
export function appliedConfig(target: ApplyTarget, value: unknown): any {
  if (value === null || value === undefined) throw new ApiError('BadRequest', 'invalid object type: /, Kind=');
  if (!isRecord(value)) {
    const type = Array.isArray(value) ? 'array' : typeof value;
    throw new ApiError(
      'BadRequest',
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type === 'boolean' ? 'bool' : type} into Go value of type map[string]interface {}`,
    );
  }
  checkKind(target, value);
  const metadata = value['metadata'];
  if (isRecord(metadata) && (metadata['managedFields'] ?? null) !== null)
    throw new ApiError('BadRequest', 'metadata.managedFields must be nil');
  const refuse = (why: string): ApiError =>
    new ApiError('', `failed to create typed patch object (${nameOf(target, metadata)}): ${why}`);
  const misfit = typedProblem(target.typeName, value);
  if (misfit !== undefined) throw refuse(misfit);
  const whole = canonicalOf(target, value, refuse);
  const config = asGiven(value, whole);
  const wrong = wrongElement(mergeRuleOf(target.typeName), config, '');
  if (wrong !== undefined) throw refuse(wrong);
  return config;
}

function checkKind({ apiVersion, kind }: ApplyTarget, value: Record<string, unknown>): void {
  const given = gvk(text(value['apiVersion']), text(value['kind']));
  if (given !== gvk(apiVersion, kind)) throw new ApiError('BadRequest', `invalid object type: ${given}`);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const gvk = (apiVersion: string, kind: string): string =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;

function nameOf({ apiVersion, kind }: ApplyTarget, metadata: unknown): string {
  const { namespace, name } = isRecord(metadata) ? metadata : {};
  return `${text(namespace)}/${text(name)}; ${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;
}

function canonicalOf(target: ApplyTarget, value: unknown, refuse: (why: string) => ApiError): unknown {
  try {
    const { value: whole, unknown } = canonical(target.typeName, value);
    if (unknown.length > 0) throw refuse(unknown.map((path) => `.${path}: field not declared in schema`).join('\n'));
    return whole;
  } catch (error) {
    if (!(error instanceof TypeMismatchError)) throw error;
    throw refuse(error.message);
  }
}

/** The canonical object holds more (zeroes) and less (empty optional fields) than was said; only what was said is meant. */
function asGiven(given: unknown, whole: unknown): unknown {
  if (whole === undefined || given === null) return given;
  if (Array.isArray(given) && Array.isArray(whole)) return given.map((item, i) => asGiven(item, whole[i]));
  if (!isRecord(given) || !isRecord(whole)) return whole;
  const out: Record<string, unknown> = {};
  for (const name of Object.keys(given)) out[name] = asGiven(given[name], ownValue(whole, name));
  return out;
}

/** The first list element that cannot be told from others, in the words of structured-merge-diff. */
function wrongElement(rule: MergeRule, value: unknown, path: string): string | undefined {
  if (Array.isArray(value))
    return rule.type === 'set' || rule.type === 'list' ? wrongInList(rule, value, path) : undefined;
  if (!isRecord(value) || rule.type === 'leaf') return undefined;
  for (const name in value) {
    const wrong = wrongElement(ruleWithin(rule, name), value[name], `${path}.${name}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongInList(
  rule: MergeRule & { type: 'set' | 'list' },
  list: readonly unknown[],
  path: string,
): string | undefined {
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    const element =
      rule.type === 'set' ? valueElement(item) : isRecord(item) ? listElement(rule.keys, item) : undefined;
    if (element === undefined) return `${path}: element ${i}: ${missingKey(rule, item)}`;
    if (seen.has(element)) return `${path}: duplicate entries for key ${printElement(element)}`;
    seen.add(element);
    const wrong =
      rule.type === 'list' ? wrongElement(rule.element, item, `${path}${printElement(element)}`) : undefined;
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function missingKey(rule: MergeRule & { type: 'set' | 'list' }, item: unknown): string {
  if (!isRecord(item)) return 'associative list with keys may not have a null element';
  const keys = rule.type === 'list' ? rule.keys : [];
  const missing = keys.find(({ name, fallback }) => (ownValue(item, name) ?? fallback) === undefined);
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing?.name)} (and doesn't have default value)`;
}
