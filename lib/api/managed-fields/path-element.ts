// Decides how one step of a field path is written (`f:name`, `k:{"name":"c"}`, `v:"x"`), brought to its one form, and told
// to people (`.name`, `[name="c"]`, `[="x"]`). Never knows a schema.
import { isRecord } from '../../base/records.ts';

/** Marks a node that is itself in the set though parts of it are listed too. */
export const SELF = '.';

export const fieldElement = (name: string): string => `f:${name}`;
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;

/** `pairs` in the order of their names: equal keys must be equal text. */
export function keyElement(pairs: ReadonlyArray<readonly [name: string, value: unknown]>): string {
  let text = '';
  for (const [name, value] of pairs)
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `k:{${text}}`;
}

/**
 * The one form of an element that came from outside. Undefined for a sort that nobody knows: a later version may, so it is
 * left out rather than refused. Throws SyntaxError.
 */
export function normalElement(text: string): string | undefined {
  const rest = text.slice(2);
  if (text[1] !== ':')
    throw new SyntaxError(`a path element starts with f:, k:, v: or i:, not ${JSON.stringify(text)}`);
  switch (text[0]) {
    case 'f':
      return text;
    case 'v':
      return valueElement(JSON.parse(rest));
    case 'k':
      return keyElement(sortedPairs(text, JSON.parse(rest)));
    case 'i':
      if (!/^-?\d+$/.test(rest)) throw new SyntaxError(`${JSON.stringify(text)} is no list position`);
      return `i:${Number(rest)}`;
    default:
      return undefined;
  }
}

function sortedPairs(text: string, key: unknown): Array<[string, unknown]> {
  if (!isRecord(key)) throw new SyntaxError(`the key of a list element is a JSON object, not ${JSON.stringify(text)}`);
  return Object.entries(key).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** As the causes of a conflict name it; paths are these joined. */
export function printElement(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'v':
      return `[=${rest}]`;
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as object)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`;
    default:
      return `[${rest}]`;
  }
}
