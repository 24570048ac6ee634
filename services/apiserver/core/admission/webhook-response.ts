// Decides whether what a webhook said can be read as the response of an AdmissionReview, in the words of Go's decoder, which
// reads it upstream. Never decides what the response means.
import { notAnObject, notATypeField } from '../../../../lib/api/decode.ts';
import { jsonKind } from '../../../../lib/api/json-error.ts';

/** How Go calls the type of a field, and what it takes. */
type Type =
  | { go: string; of: 'string' | 'boolean' | 'int32' | 'bytes' }
  | { go: string; of: 'list' | 'map'; each: Type }
  | { go: string; of: 'struct'; name: string; fields: Readonly<Record<string, Type>> };

const text = (go = 'string'): Type => ({ go, of: 'string' });
const INT32: Type = { go: 'int32', of: 'int32' };

const CAUSE: Type = {
  go: 'v1.StatusCause',
  of: 'struct',
  name: 'StatusCause',
  fields: { reason: text('v1.CauseType'), message: text(), field: text() },
};
const DETAILS: Type = {
  go: 'v1.StatusDetails',
  of: 'struct',
  name: 'StatusDetails',
  fields: {
    name: text(),
    group: text(),
    kind: text(),
    uid: text('types.UID'),
    causes: { go: '[]v1.StatusCause', of: 'list', each: CAUSE },
    retryAfterSeconds: INT32,
  },
};
const STATUS: Type = {
  go: 'v1.Status',
  of: 'struct',
  name: 'Status',
  fields: { status: text(), message: text(), reason: text('v1.StatusReason'), details: DETAILS, code: INT32 },
};

const responseType = (version: string): Type => ({
  go: `${version}.AdmissionResponse`,
  of: 'struct',
  name: 'AdmissionResponse',
  fields: {
    uid: text('types.UID'),
    allowed: { go: 'bool', of: 'boolean' },
    status: STATUS,
    patch: { go: '[]uint8', of: 'bytes' },
    patchType: text(`${version}.PatchType`),
    auditAnnotations: { go: 'map[string]string', of: 'map', each: text() },
    warnings: { go: '[]string', of: 'list', each: text() },
  },
});

/** Undefined: it can be read. `expected`: the apiVersion of the review that was sent, which is what one without any is taken for. */
export function reviewProblem(review: unknown, expected: string): string | undefined {
  const value = review ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) return notAnObject(value);
  const { apiVersion, kind, response } = value as { apiVersion?: unknown; kind?: unknown; response?: unknown };
  for (const [field, given] of Object.entries({ apiVersion, kind }))
    if (typeof (given ?? '') !== 'string') return notATypeField(field, given);
  const version = (apiVersion as string | null | undefined) || expected;
  return (
    unexpectedType(version, (kind as string | null | undefined) || KIND, expected) ??
    problemOf(response, responseType(expected.split('/')[1]!), KIND, 'response')
  );
}

const KIND = 'AdmissionReview';
const VERSIONS: ReadonlySet<string> = new Set(['admission.k8s.io/v1', 'admission.k8s.io/v1beta1']);

/** Of a kind or in a version that is not the one which was asked for. */
function unexpectedType(apiVersion: string, kind: string, expected: string): string | undefined {
  const isKnown = VERSIONS.has(apiVersion) ? kind === KIND : apiVersion === 'v1' && kind === 'Status';
  if (!isKnown)
    return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`;
  if (apiVersion === expected) return undefined;
  const short = (version: string, of: string): string => `${version.split('/').at(-1)}.${of}`;
  return `converting (${short(apiVersion, kind)}) to (${short(expected, KIND)}): unknown conversion`;
}

/** The first of them: Go reads on, but tells of that one. A null leaves everything as it is. */
function problemOf(value: unknown, type: Type, struct: string, path: string): string | undefined {
  if (value === null || value === undefined) return undefined;
  const misfit = (kind = jsonKind(value)): string =>
    `json: cannot unmarshal ${kind} into Go struct field ${struct}.${path} of type ${type.go}`;
  switch (type.of) {
    case 'string':
    case 'boolean':
      return typeof value === type.of ? undefined : misfit();
    case 'int32':
      if (typeof value !== 'number') return misfit();
      return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? undefined : misfit(`number ${value}`);
    case 'bytes':
      return typeof value === 'string' ? base64Problem(value) : Array.isArray(value) ? undefined : misfit();
    case 'list':
      return Array.isArray(value) ? firstOf(value, (each) => problemOf(each, type.each, struct, path)) : misfit();
    case 'map':
      return isObject(value)
        ? firstOf(Object.values(value), (each) => problemOf(each, type.each, struct, path))
        : misfit();
    case 'struct': {
      const { name, fields } = type;
      const ofField = ([field, each]: [string, unknown]): string | undefined =>
        Object.hasOwn(fields, field) ? problemOf(each, fields[field]!, name, `${path}.${field}`) : undefined;
      return isObject(value) ? firstOf(Object.entries(value), ofField) : misfit();
    }
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && !Array.isArray(value);

function firstOf<T>(values: readonly T[], problem: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const told = problem(value);
    if (told !== undefined) return told;
  }
  return undefined;
}

function base64Problem(value: string): string | undefined {
  try {
    Uint8Array.fromBase64(value);
    return undefined;
  } catch {
    const wrong = value.search(/[^A-Za-z0-9+/=\r\n]/);
    return `illegal base64 data at input byte ${wrong < 0 ? value.length : wrong}`;
  }
}

/** Bytes may be given as a list of numbers, too; base64 in any case from here on. */
export const patchText = (patch: unknown): string | undefined =>
  Array.isArray(patch) ? Uint8Array.from(patch as number[]).toBase64() : ((patch as string | null) ?? undefined);
