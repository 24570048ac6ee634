// Decides how one broken field is told, and how all of them make one 422 answer. Never decides what is broken.
import { ApiError, type StatusCause } from '../base/errors.ts';

/** `code` is the cause's reason; `path` reads `spec.containers[0].name`; `message` is everything after the path. */
export interface FieldError {
  code: string;
  path: string;
  message: string;
}

interface GoLabelSelector {
  matchLabels?: Readonly<Record<string, string>> | undefined;
  matchExpressions?:
    | ReadonlyArray<{ key?: string; operator?: string; values?: readonly string[] | undefined }>
    | undefined;
}

/** A value that the real server prints as Go writes it (`%#v`): `[]string{"a", "b"}`. */
export class GoText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Names of resources and the like: they know how they are written, and are not quoted. */
  static bare(text: string): GoText {
    return new GoText(text);
  }

  /** `time` is RFC 3339, in UTC. Go prints no more digits of a second than it needs. */
  static time(time: string): GoText {
    const [seconds = '', fraction = ''] = time.replace('T', ' ').replace('Z', '').split('.');
    const needed = fraction.replace(/0+$/, '');
    return new GoText(`${seconds}${needed === '' ? '' : `.${needed}`} +0000 UTC`);
  }

  static intOrString(value: number | string): GoText {
    const [type, number, text] = typeof value === 'number' ? [0, value, ''] : [1, 0, value];
    return new GoText(`intstr.IntOrString{Type:${type}, IntVal:${number}, StrVal:${quoted(text)}}`);
  }

  static labelSelector({ matchLabels, matchExpressions }: GoLabelSelector): GoText {
    const expressions = matchExpressions?.map(
      ({ key = '', operator = '', values }) =>
        `v1.LabelSelectorRequirement{Key:${quoted(key)}, Operator:${quoted(operator)}, Values:${GoText.strings(values).text}}`,
    );
    const list = expressions === undefined ? '(nil)' : `{${expressions.join(', ')}}`;
    return new GoText(
      `v1.LabelSelector{MatchLabels:${GoText.map(matchLabels).text}, MatchExpressions:[]v1.LabelSelectorRequirement${list}}`,
    );
  }

  /** Undefined: a map that is nil. */
  static map(values: Readonly<Record<string, string>> | undefined): GoText {
    if (values === undefined) return new GoText('map[string]string(nil)');
    const entries = Object.keys(values)
      .toSorted()
      .map((key) => `${quoted(key)}:${quoted(values[key]!)}`);
    return new GoText(`map[string]string{${entries.join(', ')}}`);
  }

  /** Undefined: a slice that is nil. */
  static strings(values: readonly string[] | undefined): GoText {
    return new GoText(`[]string${values === undefined ? '(nil)' : `{${values.map(quoted).join(', ')}}`}`);
  }
}

/** As Go's %q: what cannot be printed is escaped in its way. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/\\u00([0-9a-f]{2})/g, '\\x$1');
}

/** A value as the real server prints it: strings quoted, numbers and booleans plain, the rest as JSON. */
export function printValue(value: unknown): string {
  if (value instanceof GoText) return value.text;
  // What is nil stands there as a text.
  if (value === undefined || value === null) return '"null"';
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value);
}

const of = (code: string, path: string, text: string, detail: string): FieldError => ({
  code,
  path,
  message: detail === '' ? text : `${text}: ${detail}`,
});

export const required = (path: string, detail = ''): FieldError =>
  of('FieldValueRequired', path, 'Required value', detail);
export const invalidValue = (path: string, value: unknown, detail = ''): FieldError =>
  of('FieldValueInvalid', path, `Invalid value: ${printValue(value)}`, detail);
/** Of what is too large to be told, or is no one value. */
export const invalidWhole = (path: string, detail: string): FieldError =>
  of('FieldValueInvalid', path, 'Invalid value', detail);
export const forbidden = (path: string, detail = ''): FieldError =>
  of('FieldValueForbidden', path, 'Forbidden', detail);
export const duplicate = (path: string, value: unknown): FieldError =>
  of('FieldValueDuplicate', path, `Duplicate value: ${printValue(value)}`, '');
export const notFoundValue = (path: string, value: unknown): FieldError =>
  of('FieldValueNotFound', path, `Not found: ${printValue(value)}`, '');
export const tooLong = (path: string, bytes: number): FieldError =>
  of('FieldValueTooLong', path, 'Too long', `may not be more than ${bytes} bytes`);
export const tooMany = (path: string, count: number, most: number): FieldError =>
  of('FieldValueTooMany', path, `Too many: ${count}`, `must have at most ${most} items`);
export const notSupported = (path: string, value: unknown, supported: readonly string[]): FieldError =>
  of(
    'FieldValueNotSupported',
    path,
    `Unsupported value: ${printValue(value)}`,
    `supported values: ${supported.map((s) => JSON.stringify(s)).join(', ')}`,
  );

/** Values of an enumeration, told in the order of the table that calls (the real server sorts most, but not all). */
export function oneOf(path: string, value: unknown, supported: readonly string[], mustBeSet = false): FieldError[] {
  if (value === undefined || value === '') return mustBeSet ? [required(path)] : [];
  return supported.includes(value as string) ? [] : [notSupported(path, value, supported)];
}

/** The same for a field that is a pointer to Go: an empty text is a value, and none of these. */
export const oneOfIfGiven = (path: string, value: string | undefined, supported: readonly string[]): FieldError[] =>
  value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)];

/** An error of a nested check, told from its parent: `at('spec', errors)`. */
export function at(path: string, errors: FieldError[]): FieldError[] {
  return errors.map((error) => ({ ...error, path: error.path === '' ? path : `${path}.${error.path}` }));
}

/** All of them in one text, where there is no object to blame. */
export function messagesOf(errors: readonly FieldError[]): string {
  const texts = errors.map((error) => `${error.path}: ${error.message}`);
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

/** 422: `Deployment.apps "x" is invalid: [a: …, b: …]`; the same text is told once, the causes list every error. */
export function invalid(
  kind: { group: string; kind: string },
  name: string | undefined,
  errors: readonly FieldError[],
): ApiError {
  // Events have a second group, but one type: its errors name the first.
  const group = kind.group === 'events.k8s.io' ? '' : kind.group;
  const texts = [...new Set(errors.map((error) => `${error.path === '' ? '<nil>' : error.path}: ${error.message}`))];
  const what = group === '' ? kind.kind : `${kind.kind}.${group}`;
  const causes = errors.map((error): StatusCause => ({
    reason: error.code,
    message: error.message,
    field: error.path === '' ? '<nil>' : error.path,
  }));
  return new ApiError(
    'Invalid',
    `${what} ${JSON.stringify(name ?? '')} is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    {
      ...(name ? { name } : {}),
      ...(group === '' ? {} : { group }),
      ...(kind.kind === '' ? {} : { kind: kind.kind }),
      causes,
    },
  );
}
