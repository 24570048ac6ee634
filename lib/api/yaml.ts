// Decides how YAML reads as API objects: the YAML 1.1 of Kubernetes (0644 is octal, yes is true, times stay text), several
// documents, repeated keys told by their path. Never writes YAML for machines.
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  parseAllDocuments,
  visit as walk,
  type CreateNodeOptions,
  type DocumentOptions,
  type Node,
  type SchemaOptions,
  type Tags,
  type ToStringOptions,
  type YAMLError,
} from 'yaml';
import { DEEPEST } from './canonical.ts';
import { requireExact } from './exact-numbers.ts';
import type { ParsedText } from './json.ts';

/** Tags of YAML 1.1 that Kubernetes' reader does not have: `12:34` and `2026-01-01` are texts to it. */
const UNKNOWN_TAGS = new Set(
  ['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`),
);
const kubernetesTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'object' && !UNKNOWN_TAGS.has(tag.tag) && tag.format !== 'TIME');

/** Reading YAML costs a hundred times what JSON costs: more than this would hold everybody else up. */
const MOST_TOKENS = 300_000;
/** Too short to be nested deeply. */
const SHORT = DEEPEST;
const SCALAR = '\u001F';

/**
 * Counts what a text is made of before it is read: a few kilobytes of brackets fill the stack of the reader, and a few
 * megabytes of keys its time. Throws SyntaxError.
 */
function checkTokens(text: string): void {
  if (text.length <= SHORT) return;
  let count = 0;
  let flowDepth = 0;
  /** `- - - -` nests in one line. */
  let lineDepth = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (++count > MOST_TOKENS) throw new SyntaxError(`yaml: more than ${MOST_TOKENS} tokens`);
    if (token === SCALAR) isScalar = true;
    else if (isScalar) isScalar = false;
    else if (token === '[' || token === '{') flowDepth++;
    else if (token === ']' || token === '}') flowDepth--;
    else if (token === '-' || token === '?') lineDepth++;
    else if (token === '\n') lineDepth = 0;
    if (flowDepth > DEEPEST || lineDepth > DEEPEST) throw new SyntaxError(`yaml: exceeded max depth of ${DEEPEST}`);
  }
}

/** All documents of a text, empty ones left out. Throws SyntaxError that names line and column. */
export function parseYaml(text: string): ParsedText[] {
  checkTokens(text);
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
  if (error !== undefined) throw new SyntaxError(`yaml: ${goYamlError(error)}`);
  const duplicates: string[] = [];
  visit(document.contents, '', 0, duplicates);
  try {
    // Aliases may multiply: at most this many, or a few lines would fill the memory.
    return { value: document.toJS({ maxAliasCount: 100 }), duplicates };
  } catch (error) {
    throw new SyntaxError(`yaml: ${goAliasError((error as Error).message)}`);
  }
}

/** The reader's own words are kept where upstream's are not known for them. */
function goYamlError({ code, message, linePos }: YAMLError): string {
  const line = linePos?.[0].line ?? 1;
  if (code === 'TAB_AS_INDENT') return `line ${line}: found character that cannot start any token`;
  const [first = ''] = message.trim().split(' at line ');
  const isUnended = /must end with|sufficiently indented and end/.test(first);
  return `line ${line}: ${isUnended ? 'did not find expected node content' : first}`;
}

function goAliasError(message: string): string {
  if (message.startsWith('Excessive alias count')) return 'document contains excessive aliasing';
  const anchor = /^Unresolved alias .*: (.+)$/.exec(message)?.[1];
  return anchor === undefined ? message : `unknown anchor '${anchor}' referenced`;
}

function visit(node: Node | null, path: string, depth: number, duplicates: string[]): void {
  if (depth > DEEPEST) throw new SyntaxError(`yaml: exceeded max depth of ${DEEPEST}`);
  if (isScalar(node) && typeof node.value === 'number') requireExact(node.source ?? '');
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

/** As a block, a text that begins with white space, or has a line of nothing else, loses some of it or cannot be read again. */
const isFragile = (text: string): boolean => /^\s|\n[ \t]+(\n|$)/.test(text);

export function writeYaml(
  value: unknown,
  options: CreateNodeOptions & DocumentOptions & SchemaOptions & ToStringOptions = {},
): string {
  const document = new Document(value, options);
  walk(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && isFragile(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString(options);
}

/** An object as people read it (`get -o yaml`), keys sorted. */
export function toYaml(value: unknown): string {
  return writeYaml(value, {
    version: '1.1',
    sortMapEntries: true,
    aliasDuplicateObjects: false,
    lineWidth: 0,
    indentSeq: false,
  });
}
