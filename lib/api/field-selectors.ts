// Decides what a field selector (`spec.nodeName=n1,status.phase!=Failed`) means for a kind. Never supports a field that
// the kind does not list.
import { ApiError } from '../base/errors.ts';
import type { KubeObject } from './object.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly equals: boolean;
  readonly value: string;
}

interface Selectable {
  fields: Readonly<Record<string, unknown>>;
  /** A custom resource's is no name. */
  typeName?: unknown;
}

const COMMON = ['metadata.name', 'metadata.namespace'];

/** Parses `?fieldSelector=` against the fields that a kind supports; throws ApiError 400. */
export function parseFieldSelector(text: string, kind: Selectable): FieldRequirement[] {
  return splitTerms(text).map((term) => {
    const requirement = parseTerm(term, text);
    if (!Object.hasOwn(kind.fields, requirement.field))
      throw new ApiError('BadRequest', notKnown(requirement.field, kind));
    return requirement;
  });
}

/** The real server has one sentence for kinds with fields of their own (and custom ones), another for all the rest. */
function notKnown(field: string, { fields, typeName }: Selectable): string {
  const hasOwn = typeof typeName !== 'string' || Object.keys(fields).some((name) => !COMMON.includes(name));
  if (hasOwn) return `field label not supported: ${field}`;
  return `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** All must hold. A field that the object lacks is the empty text. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  kind: { fields: Readonly<Record<string, (object: KubeObject) => string>> },
  object: KubeObject,
): boolean {
  return requirements.every(({ field, equals, value }) => ((kind.fields[field]?.(object) ?? '') === value) === equals);
}

/** Commas, `=` and backslashes inside values are written with a backslash. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) term += text[i]! + text[++i]!;
    else if (text[i] === ',') {
      terms.push(term);
      term = '';
    } else term += text[i];
  }
  return [...terms, term].filter((part) => part.trim() !== '');
}

function parseTerm(term: string, text: string): FieldRequirement {
  const match = /^([^=!\\]+?)\s*(!=|==|=)(.*)$/s.exec(term.trim());
  if (match === null) throw new ApiError('BadRequest', `invalid selector: '${text}'; can't understand '${term}'`);
  const [, field, operator, escaped] = match;
  return { field: field!, equals: operator !== '!=', value: unescape(escaped!.trim()) };
}

function unescape(value: string): string {
  if (/(^|[^\\])(\\\\)*=/.test(value))
    throw new ApiError('BadRequest', `invalid field selector: unescaped character in value: ${'='.codePointAt(0)}`);
  return value.replace(/\\([\\,=])/g, '$1');
}
