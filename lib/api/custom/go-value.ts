// Decides how a value of a custom resource reads where the real server repeats it as Go writes it (`%#v`). Never judges it.
import { isRecord } from '../../base/records.ts';
import { quoted } from '../field-error.ts';

/** `map[string]interface {}{"a":"x", "b":1}`: keys in order. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goValue).join(', ')}}`;
  if (!isRecord(value)) return String(value);
  const fields = Object.keys(value)
    .toSorted()
    .map((name) => `${quoted(name)}:${goValue(value[name])}`);
  return `map[string]interface {}{${fields.join(', ')}}`;
}

/** A pointer that points to nothing. */
export const nil = (type: string): string => `(*${type})(nil)`;

/** The versions of a CRD; what Go shows as an address in memory is not told. Undefined: none were given. */
export function goVersions(versions: readonly any[] | undefined): string {
  const type = 'apiextensions.CustomResourceDefinitionVersion';
  if (versions === undefined) return `[]${type}(nil)`;
  const shown = versions.map((version) => {
    const { name = '', served = false, storage = false, deprecated = false } = version;
    const fields = [
      `Name:${quoted(name)}`,
      `Served:${served}`,
      `Storage:${storage}`,
      `Deprecated:${deprecated}`,
      `DeprecationWarning:${nil('string')}`,
      `Schema:${nil('apiextensions.CustomResourceValidation')}`,
      `Subresources:${nil('apiextensions.CustomResourceSubresources')}`,
      'AdditionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition(nil)',
      'SelectableFields:[]apiextensions.SelectableField(nil)',
    ];
    return `${type}{${fields.join(', ')}}`;
  });
  return `[]${type}{${shown.join(', ')}}`;
}
