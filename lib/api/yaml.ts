// Decides how YAML reads as API objects: the YAML 1.1 of Kubernetes (0644 is octal, yes is true, times stay text), several
// documents, repeated keys told by their path. Never writes YAML for machines.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  stringify,
  type Document,
  type Node,
  type Tags,
} from 'yaml';
import { DEEPEST } from './canonical.ts';
import type { ParsedText } from './json.ts';

/** Tags of YAML 1.1 that Kubernetes' reader does not have: `12:34` and `2026-01-01` are texts to it. */
const UNKNOWN_TAGS = new Set(
  ['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`),
);
const kubernetesTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'object' && !UNKNOWN_TAGS.has(tag.tag) && tag.format !== 'TIME');

/** All documents of a text, empty ones left out. Throws SyntaxError that names line and column. */
export function parseYaml(text: string): ParsedText[] {
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: kubernetesTags,
    uniqueKeys: false,
    prettyErrors: true,
    logLevel: 'silent',
  });
  if (!Array.isArray(documents)) return [];
  return documents.map(parsedDocument).filter((parsed) => parsed.value !== null && parsed.value !== undefined);
}

function parsedDocument(document: Document.Parsed): ParsedText {
  const [error] = document.errors;
  if (error !== undefined) throw new SyntaxError(`error converting YAML to JSON: yaml: ${error.message.trim()}`);
  const duplicates: string[] = [];
  visit(document.contents, '', 0, duplicates);
  try {
    // Aliases may multiply: at most this many, or a few lines would fill the memory.
    return { value: document.toJS({ maxAliasCount: 100 }), duplicates };
  } catch (error) {
    throw new SyntaxError(`error converting YAML to JSON: yaml: ${(error as Error).message}`);
  }
}

function visit(node: Node | null, path: string, depth: number, duplicates: string[]): void {
  if (depth > DEEPEST) throw new SyntaxError(`error converting YAML to JSON: exceeded max depth of ${DEEPEST}`);
  if (isSeq(node)) node.items.forEach((item, i) => visit(item as Node, `${path}[${i}]`, depth + 1, duplicates));
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const pair of node.items) {
    if (isAlias(pair.key) || !isScalar(pair.key)) continue;
    const key = String(pair.key.value);
    const inner = path === '' ? key : `${path}.${key}`;
    if (key !== '<<' && seen.has(key)) duplicates.push(inner);
    seen.add(key);
    visit(pair.value as Node | null, inner, depth + 1, duplicates);
  }
}

/** An object as people read it (`get -o yaml`), keys sorted. */
export function toYaml(value: unknown): string {
  return stringify(value, {
    version: '1.1',
    sortMapEntries: true,
    aliasDuplicateObjects: false,
    lineWidth: 0,
    indentSeq: false,
  });
}
