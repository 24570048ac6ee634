// Decides how a request body becomes an object of the expected kind, or why it does not: media type, size, syntax, kind,
// types, unknown and repeated fields. Never fills defaults (Kind.default) and never judges values (Kind.validate).
import { ApiError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { TypeMismatchError, canonical } from './canonical.ts';
import type { TypeName } from './custom/custom-type.ts';
import { parseJson, type ParsedText } from './json.ts';
import type { KubeObject } from './object.ts';
import { decodeProtobuf } from './protobuf.ts';
import { apiVersionOf, type ResourceRef } from './resource.ts';
import { parseYaml } from './yaml.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What a body must be: `{ apiVersion: 'apps/v1', kind: 'Deployment', typeName: 'apps.v1.Deployment' }`. */
export interface Expected {
  readonly apiVersion: string;
  readonly kind: string;
  readonly typeName: TypeName;
}

export interface Decoded<T = KubeObject> {
  object: T;
  /** For `Warning: 299` headers. */
  warnings: string[];
}

export const expectedOf = (kind: { ref: ResourceRef; typeName: TypeName }): Expected => ({
  apiVersion: apiVersionOf(kind.ref),
  kind: kind.ref.kind,
  typeName: kind.typeName,
});

const MEDIA_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;

/** Body bytes to a JSON value. `mustBe` is only for the error's text. Throws ApiError: 400, 413, 415. */
export function parseBody(bytes: Uint8Array, contentType: string | undefined, mustBe: string): ParsedText {
  if (bytes.length > LIMITS.requestBodyBytes)
    throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${LIMITS.requestBodyBytes}`);
  const media = (contentType ?? '').split(';')[0]!.trim().toLowerCase();
  try {
    if (media === 'application/vnd.kubernetes.protobuf') return { value: decodeProtobuf(bytes), duplicates: [] };
    if (media === 'application/yaml') return oneDocument(parseYaml(textOf(bytes)));
    if (media === '' || media === 'application/json') return parseJson(textOf(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unrecognized(bytes, mustBe, error, media === 'application/yaml' ? '' : 'json parse error: ');
  }
  throw new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${MEDIA_TYPES.join(', ')}`,
  );
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What is no text would be kept as another one than was sent. */
function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new SyntaxError('invalid UTF-8', { cause: error });
  }
}

function oneDocument(documents: ParsedText[]): ParsedText {
  if (documents.length > 1)
    throw new SyntaxError(`the body holds ${documents.length} YAML documents, a request takes one`);
  return documents[0] ?? { value: {}, duplicates: [] };
}

function unrecognized(bytes: Uint8Array, mustBe: string, cause: SyntaxError, what: string): ApiError {
  const seen = bytes.subarray(0, 30);
  const summary = bytes[0] === 123 ? new TextDecoder().decode(seen) : seen.toHex();
  return new ApiError(
    'BadRequest',
    `the object provided is unrecognized (must be of type ${mustBe}): couldn't get version/kind; ${what}${cause.message} ` +
      `(${summary}${bytes.length > 30 ? ' ...' : ''})`,
    undefined,
    { cause },
  );
}

/**
 * A JSON value to an object of the expected kind; a body without apiVersion and kind is taken as such.
 * Throws ApiError 400. The value is not changed.
 */
export function decodeValue<T = KubeObject>(
  parsed: ParsedText,
  expected: Expected,
  fieldValidation: FieldValidation = 'Warn',
): Decoded<T> {
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ApiError(
      'BadRequest',
      `the object provided is unrecognized (must be of type ${expected.kind}): a JSON object is needed, ` +
        `not ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}`,
    );
  checkType(value as { apiVersion?: unknown; kind?: unknown }, expected);
  const { value: object, unknown } = canonicalOr400(value, expected);
  const problems = [
    ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
    ...parsed.duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
  ];
  if (problems.length > 0 && fieldValidation === 'Strict') {
    const cause = new StrictDecodingError(`strict decoding error: ${problems.join(', ')}`);
    throw new ApiError('BadRequest', `${cannotBeHandled(expected)}: ${cause.message}`, undefined, { cause });
  }
  const { apiVersion, kind } = expected;
  const named = Object.assign({ apiVersion, kind }, object, { apiVersion, kind }) as T;
  return { object: named, warnings: fieldValidation === 'Warn' ? problems : [] };
}

/** `parseBody` and `decodeValue` in one. */
export function decodeBody<T = KubeObject>(
  bytes: Uint8Array,
  contentType: string | undefined,
  expected: Expected,
  fieldValidation: FieldValidation = 'Warn',
): Decoded<T> {
  return decodeValue<T>(parseBody(bytes, contentType, expected.kind), expected, fieldValidation);
}

/** The `fieldValidation` of a query; anything else than the three is a refusal of its own. `optionsKind`: `CreateOptions`. */
export function fieldValidationOf(text: string | undefined, optionsKind = 'PatchOptions'): FieldValidation {
  if (text === undefined || text === '') return 'Warn';
  if (text === 'Strict' || text === 'Warn' || text === 'Ignore') return text;
  throw new ApiError(
    'Invalid',
    `${optionsKind}.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: ${JSON.stringify(text)}: supported values: "Ignore", "Warn", "Strict"`,
    {
      group: 'meta.k8s.io',
      kind: optionsKind,
      causes: [
        {
          reason: 'FieldValueNotSupported',
          message: `Unsupported value: ${JSON.stringify(text)}: supported values: "Ignore", "Warn", "Strict"`,
          field: 'fieldValidation',
        },
      ],
    },
  );
}

/** The cause of a refusal of fields that nobody knows, or that come twice. */
export class StrictDecodingError extends Error {}

const versionOf = (expected: Expected): string => expected.apiVersion.split('/').at(-1)!;
const cannotBeHandled = (expected: Expected): string =>
  `${expected.kind} in version ${JSON.stringify(versionOf(expected))} cannot be handled as a ${expected.kind}`;

/** Whatever a client put there: its own `toString` is not asked. */
const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function checkType(value: { apiVersion?: unknown; kind?: unknown }, expected: Expected): void {
  const { apiVersion, kind } = value;
  if (apiVersion !== undefined && apiVersion !== null && apiVersion !== '' && apiVersion !== expected.apiVersion)
    throw new ApiError(
      'BadRequest',
      `the API version in the data (${shown(apiVersion)}) does not match the expected API version (${expected.apiVersion})`,
    );
  if (kind !== undefined && kind !== null && kind !== '' && kind !== expected.kind)
    throw new ApiError(
      'BadRequest',
      `${shown(kind)} in version ${JSON.stringify(versionOf(expected))} cannot be handled as a ${expected.kind}: ` +
        `the kind in the data (${shown(kind)}) does not match the expected kind (${expected.kind})`,
    );
}

function canonicalOr400(value: unknown, expected: Expected): { value: KubeObject; unknown: string[] } {
  try {
    return canonical(expected.typeName, value);
  } catch (error) {
    if (!(error instanceof TypeMismatchError)) throw error;
    throw new ApiError('BadRequest', `${cannotBeHandled(expected)}: ${error.message}`, undefined, { cause: error });
  }
}
