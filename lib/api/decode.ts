// Decides how a request body becomes an object of the expected kind, or why it does not: media type, size, syntax, kind,
// types, unknown and repeated fields. Never fills defaults (Kind.default) and never judges values (Kind.validate).
import { ApiError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { TypeMismatchError, canonical } from './canonical.ts';
import type { TypeName } from './custom/custom-type.ts';
import { jsonKind } from './json-error.ts';
import { parseJson, type ParsedText } from './json.ts';
import type { KubeObject } from './object.ts';
import { quoted } from './field-error.ts';
import { decodeProtobuf, typeNameOf } from './protobuf.ts';
import { apiVersionOf, type ResourceRef } from './resource.ts';
import { typeSchema } from './schema.ts';
import { parseYaml } from './yaml.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';
/** What a query may ask for, as upstream lists it. */
export const FIELD_VALIDATIONS: readonly string[] = ['', 'Ignore', 'Strict', 'Warn'] satisfies Array<
  FieldValidation | ''
>;

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
  const media = mediaTypeOf(contentType ?? '');
  try {
    if (media === 'application/vnd.kubernetes.protobuf') return { value: decodeProtobuf(bytes), duplicates: [] };
    if (media === 'application/yaml') return { ...(parseYaml(yamlText(bytes))[0] ?? NOTHING), source: bytes };
    if (media === '' || media === 'application/json') return parseJson(JSON_TEXT.decode(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const isJson = media === '' || media === 'application/json';
    throw unrecognized(bytes, mustBe, isJson ? new SyntaxError(`${NO_TYPE}${error.message}`, { cause: error }) : error);
  }
  throw new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${MEDIA_TYPES.join(', ')}`,
  );
}

const NOTHING: ParsedText = { value: {}, duplicates: [] };
const NO_TYPE = "couldn't get version/kind; json parse error: ";
/** As Go's: what is no text becomes U+FFFD, and a byte order mark is no JSON. */
const JSON_TEXT = new TextDecoder('utf-8', { ignoreBOM: true });
const YAML_TEXT = new TextDecoder('utf-8', { fatal: true });

/** `''` for a type whose parameters nobody can read, which is served by nobody. */
function mediaTypeOf(contentType: string): string {
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim());
  const isReadable = parameters.every((parameter) => parameter === '' || /^[^\s=]+=.+$/.test(parameter));
  return isReadable ? type.toLowerCase() : contentType;
}

function yamlText(bytes: Uint8Array): string {
  try {
    return YAML_TEXT.decode(bytes);
  } catch (error) {
    throw new SyntaxError('yaml: invalid leading UTF-8 octet', { cause: error });
  }
}

const TOLD_BYTES = 30;

function summaryOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>';
  const seen = bytes.subarray(0, TOLD_BYTES);
  const told = bytes[0] === 123 ? new TextDecoder().decode(seen) : seen.toHex();
  return bytes.length > TOLD_BYTES ? `${told} ...` : told;
}

function unrecognized(bytes: Uint8Array, mustBe: string, cause: SyntaxError): ApiError {
  const told = `the object provided is unrecognized (must be of type ${mustBe}): ${cause.message} (${summaryOf(bytes)})`;
  return new ApiError('BadRequest', told, undefined, { cause });
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
  // As Go's decoder: null leaves everything as it is.
  const value = parsed.value ?? {};
  checkType(value, expected, parsed.source);
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

/** The `fieldValidation` of a query, where it is one. */
export const fieldValidationOf = (text: string | undefined): FieldValidation =>
  text === 'Strict' || text === 'Ignore' ? text : 'Warn';

/** The cause of a refusal of fields that nobody knows, or that come twice. */
export class StrictDecodingError extends Error {}

const versionOf = (expected: Expected): string => expected.apiVersion.split('/').at(-1)!;
const cannotBeHandled = (expected: Expected): string =>
  `${expected.kind} in version ${JSON.stringify(versionOf(expected))} cannot be handled as a ${expected.kind}`;

const TYPE_OF_TYPE = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;

/** Of a body that is JSON and no object: upstream fails to find its kind. */
export const notAnObject = (value: unknown): string =>
  `${NO_TYPE}json: cannot unmarshal ${jsonKind(value)} into Go value of type ${TYPE_OF_TYPE}`;

/** Nor where its kind or version is no text. */
export const notATypeField = (field: string, value: unknown): string =>
  `${NO_TYPE}json: cannot unmarshal ${jsonKind(value)} into Go struct field .${field} of type string`;

function checkType(value: object, expected: Expected, source?: Uint8Array): asserts value is Record<string, unknown> {
  const unrecognizedAs = (told: string): ApiError =>
    unrecognized(source ?? new TextEncoder().encode(JSON.stringify(value)), expected.kind, new SyntaxError(told));
  if (typeof value !== 'object' || Array.isArray(value)) throw unrecognizedAs(notAnObject(value));
  const given = value as { apiVersion?: unknown; kind?: unknown };
  for (const field of ['apiVersion', 'kind'] as const)
    if (typeof (given[field] ?? '') !== 'string') throw unrecognizedAs(notATypeField(field, given[field]));
  const apiVersion = (given.apiVersion as string | null | undefined) || expected.apiVersion;
  const kind = (given.kind as string | null | undefined) || expected.kind;
  if (apiVersion.split('/').length > 2) throw unrecognizedAs(`unexpected GroupVersion string: ${apiVersion}`);
  if (apiVersion !== expected.apiVersion || kind !== expected.kind) throw mismatch(apiVersion, kind, expected);
}

/** Upstream reads any kind that it knows, and then finds that it is not the one of the path. */
function mismatch(apiVersion: string, kind: string, expected: Expected): ApiError {
  const version = apiVersion.split('/').at(-1)!;
  const refuse = (why: string): ApiError =>
    new ApiError('BadRequest', `${kind} in version ${quoted(version)} cannot be handled as a ${expected.kind}: ${why}`);
  if (typeof expected.typeName !== 'string')
    return kind === expected.kind
      ? otherVersion(apiVersion, expected)
      : refuse(`the kind in the data (${kind}) does not match the expected kind (${expected.kind})`);
  if (!isRegistered(apiVersion, kind))
    return refuse(
      `no kind ${quoted(kind)} is registered for version ${quoted(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`,
    );
  if (kind === expected.kind && groupOf(apiVersion) === groupOf(expected.apiVersion))
    return otherVersion(apiVersion, expected);
  const internal = expected.typeName.split('.')[0]!;
  return refuse(
    `converting (${version}.${kind}) to (${internal === 'events' ? 'core' : internal}.${expected.kind}): unknown conversion`,
  );
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

function otherVersion(apiVersion: string, expected: Expected): ApiError {
  const told = `the API version in the data (${apiVersion}) does not match the expected API version (${expected.apiVersion})`;
  return new ApiError('BadRequest', told);
}

function isRegistered(apiVersion: string, kind: string): boolean {
  const one = kind.endsWith('List') ? kind.slice(0, -'List'.length) : kind;
  return one === '' || [kind, one].some((name) => typeSchema(typeNameOf(apiVersion, name)) !== undefined);
}

function canonicalOr400(value: unknown, expected: Expected): { value: KubeObject; unknown: string[] } {
  try {
    return canonical(expected.typeName, value);
  } catch (error) {
    if (!(error instanceof TypeMismatchError)) throw error;
    throw new ApiError('BadRequest', `${cannotBeHandled(expected)}: ${error.message}`, undefined, { cause: error });
  }
}
