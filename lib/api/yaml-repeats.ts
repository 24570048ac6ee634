// Decides how upstream tells that keys of a text come again: each by its line. Never decides whether that is refused.
import { isAlias, isScalar, LineCounter, parseDocument, visit, type YAMLMap } from 'yaml';

/** `line 9: key "foo" already set in map`; JSON is YAML. A text that cannot be read has none. */
export function repeatedKeys(text: string): string[] {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, uniqueKeys: false, logLevel: 'silent' });
  if (document.errors.length > 0) return [];
  const told: string[] = [];
  visit(document, {
    Map: (_key, map) => void told.push(...repeatsIn(map, lineCounter)),
  });
  return told;
}

function repeatsIn(map: YAMLMap, lines: LineCounter): string[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (isAlias(key) || !isScalar(key) || key.value === '<<') return [];
    const name = String(key.value);
    if (seen.has(name))
      return [`line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(name)} already set in map`];
    seen.add(name);
    return [];
  });
}
