// Decides which options a write carries, and refuses those that do not exist. Never acts on them.
import { FIELD_VALIDATIONS, fieldValidationOf, type FieldValidation } from '../../../lib/api/decode.ts';
import { GoText, invalid, invalidValue, notSupported, tooLong, type FieldError } from '../../../lib/api/field-error.ts';

export interface WriteOptions {
  dryRun: boolean;
  fieldValidation: FieldValidation;
}

const LONGEST_MANAGER_BYTES = 128;
/** Letters, marks, numbers, punctuation, symbols and the space, as Go has it. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;
/** Of a query that asks for nothing. */
const PLAIN: WriteOptions = Object.freeze({ dryRun: false, fieldValidation: fieldValidationOf(undefined) });

/** `optionsKind` is for the error's text: CreateOptions, UpdateOptions, PatchOptions. `more` is what else is wrong, told first. */
export function writeOptions(
  query: URLSearchParams,
  optionsKind: string,
  more: readonly FieldError[] = [],
): WriteOptions {
  if (query.size === 0 && more.length === 0) return PLAIN;
  const asked = query.getAll('dryRun');
  const validation = query.get('fieldValidation') ?? '';
  const errors = [...more, ...managerErrors(query.get('fieldManager') ?? '', 'fieldManager'), ...dryRunErrors(asked)];
  if (!FIELD_VALIDATIONS.includes(validation))
    errors.push(notSupported('fieldValidation', validation, FIELD_VALIDATIONS));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: optionsKind }, '', errors);
  return { dryRun: asked.length > 0, fieldValidation: fieldValidationOf(validation) };
}

/** Upstream says what was asked for as Go prints it, the good ones too. */
export function dryRunErrors(asked: readonly string[]): FieldError[] {
  if (asked.every((value) => value === 'All')) return [];
  return [notSupported('dryRun', GoText.strings(asked), ['All'])];
}

/** Every write asks it of each owner of fields. */
const PLAIN_MANAGER = /^[\x20-\x7e]{0,128}$/;

export function managerErrors(manager: string, path: string): FieldError[] {
  if (PLAIN_MANAGER.test(manager)) return [];
  const bytes = new TextEncoder();
  const errors = bytes.encode(manager).length > LONGEST_MANAGER_BYTES ? [tooLong(path, LONGEST_MANAGER_BYTES)] : [];
  let position = 0;
  for (const char of manager) {
    if (!PRINTABLE.test(char)) {
      const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      const why = `invalid character U+${code} (at position ${position})`;
      return [...errors, invalidValue(path, manager, why)];
    }
    position += bytes.encode(char).length;
  }
  return errors;
}
