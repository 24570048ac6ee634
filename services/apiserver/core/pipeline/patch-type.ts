// Decides whether what a patch made is still of the kind that was patched, in the words of the real server. Never patches.
import { apiVersionOf } from '../../../../lib/api/resource.ts';
import { decodeValue, expectedOf } from '../../../../lib/api/decode.ts';
import { withSortedKeys } from '../../../../lib/api/managed-fields/last-applied.ts';
import { invalid, invalidValue, type FieldError } from '../../../../lib/api/field-error.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { checkName } from './update.ts';

interface Made {
  apiVersion?: unknown;
  kind?: unknown;
}

/** `name` is the one of the path; `refuse` blames the patch. */
export function checkPatchedType(
  kind: Pick<Kind, 'ref' | 'typeName'>,
  name: string,
  made: unknown,
  refuse: (told: string) => ApiError,
): void {
  if (typeof made !== 'object' || made === null || Array.isArray(made)) return;
  const { apiVersion, kind: ofKind } = made as Made;
  if (apiVersion === apiVersionOf(kind.ref) && ofKind === kind.ref.kind) return;
  if (typeof kind.typeName === 'string') checkBuiltIn(kind, name, made, refuse);
  else checkCustom(kind, made, refuse);
}

/** Without a version nothing of it can be read, its name neither. */
function checkBuiltIn(
  kind: Pick<Kind, 'ref' | 'typeName'>,
  name: string,
  made: Made,
  refuse: (told: string) => ApiError,
): void {
  if ((made.apiVersion ?? '') === '') checkName('', name);
  try {
    decodeValue({ value: { apiVersion: made.apiVersion, kind: made.kind }, duplicates: [] }, expectedOf(kind));
  } catch (error) {
    const told = /^\S+ in version "[^"]*" cannot be handled as a \w+: (.*)$/s.exec((error as Error).message)?.[1];
    throw told === undefined ? error : refuse(told);
  }
}

function checkCustom({ ref }: Pick<Kind, 'ref'>, made: Made, refuse: (told: string) => ApiError): void {
  const { apiVersion, kind } = made;
  for (const [name, value] of Object.entries({ apiVersion, kind }))
    if (value !== undefined && typeof value !== 'string' && (name === 'apiVersion' || value !== null))
      throw refuse(
        `.${name} accessor error: ${value === null ? '<nil>' : JSON.stringify(value)} is of the type ${goType(value)}, expected string`,
      );
  if ((kind ?? '') === '') throw refuse(`Object 'Kind' is missing in '${JSON.stringify(withSortedKeys(made))}'`);
  if ((apiVersion ?? '') === '') {
    const told = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
    throw new ApiError('InternalError', `Internal error occurred: ${told}`, { causes: [{ message: told }] });
  }
  const errors: FieldError[] = [];
  if (kind !== ref.kind) errors.push(invalidValue('kind', kind, `must be ${ref.kind}`));
  if (apiVersion !== apiVersionOf(ref))
    errors.push(invalidValue('apiVersion', apiVersion, `must be ${apiVersionOf(ref)}`));
  const [, group = ''] = (apiVersion as string).split('/').toReversed();
  const { name } = ((made as { metadata?: { name?: string } }).metadata ?? {}) as { name?: string };
  throw invalid({ group, kind: kind as string }, name, errors);
}

function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  const types: Record<string, string> = { number: 'int64', boolean: 'bool', object: 'map[string]interface {}' };
  return types[typeof value] ?? typeof value;
}
