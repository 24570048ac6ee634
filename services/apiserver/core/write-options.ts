// Decides which options a write carries, and refuses those that do not exist. Never acts on them.
import { fieldValidationOf, type FieldValidation } from '../../../lib/api/decode.ts';
import { invalid, invalidValue } from '../../../lib/api/field-error.ts';

export interface WriteOptions {
  dryRun: boolean;
  fieldValidation: FieldValidation;
}

const LONGEST_MANAGER_BYTES = 128;
/** Letters, marks, numbers, punctuation, symbols and the space, as Go has it. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;
/** Of a query that asks for nothing. */
const PLAIN: WriteOptions = Object.freeze({ dryRun: false, fieldValidation: fieldValidationOf(undefined) });

/** `optionsKind` is for the error's text: CreateOptions, UpdateOptions, PatchOptions, DeleteOptions. */
export function writeOptions(
  query: URLSearchParams,
  optionsKind: string,
  bodyDryRun: unknown = undefined,
): WriteOptions {
  if (query.size === 0 && !Array.isArray(bodyDryRun)) return PLAIN;
  const ref = { group: 'meta.k8s.io', kind: optionsKind };
  const asked = Array.isArray(bodyDryRun)
    ? bodyDryRun.map(String)
    : query.getAll('dryRun').filter((value) => value !== '');
  const wrong = asked.filter((value) => value !== 'All');
  if (wrong.length > 0)
    throw invalid(ref, '', [
      {
        code: 'FieldValueNotSupported',
        path: 'dryRun',
        message: `Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`,
      },
    ]);
  const manager = query.get('fieldManager') ?? '';
  if (new TextEncoder().encode(manager).length > LONGEST_MANAGER_BYTES)
    throw invalid(ref, '', [
      {
        code: 'FieldValueTooLong',
        path: 'fieldManager',
        message: `Too long: may not be more than ${LONGEST_MANAGER_BYTES} bytes`,
      },
    ]);
  if (!PRINTABLE.test(manager))
    throw invalid(ref, '', [invalidValue('fieldManager', manager, 'should only contain printable characters')]);
  const fieldValidation = fieldValidationOf(query.get('fieldValidation') ?? undefined, optionsKind);
  return { dryRun: asked.length > 0, fieldValidation };
}
