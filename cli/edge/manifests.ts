// Does: reads the objects of `-f`: files, directories, URLs are refused, `-` is standard input; YAML and JSON, several
// documents, Lists taken apart. Never sends one.
import { isRecord } from '../../lib/base/records.ts';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml } from '../../lib/api/yaml.ts';
import { UsageError } from '../core/resources.ts';

export interface Manifest {
  /** `web.yaml`, `STDIN`: where it came from. */
  source: string;
  object: Record<string, unknown> & {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string };
  };
}

const EXTENSIONS = /\.(ya?ml|json)$/;

export async function readManifests(files: readonly string[], recursive = false): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for (const file of files) {
    if (file === '-') found.push(...manifestsIn('STDIN', await readStdin()));
    else if (/^https?:/.test(file))
      throw new UsageError(`${file}: only files, directories and - are read; download it first`);
    else for (const path of filesAt(file, recursive)) found.push(...manifestsIn(path, readFileSync(path, 'utf8')));
  }
  if (found.length === 0) throw new UsageError('no objects passed to apply');
  return found;
}

function filesAt(path: string, recursive: boolean): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`the path "${path}" does not exist`);
  if (!stat.isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return recursive ? filesAt(inner, true) : [];
    return EXTENSIONS.test(entry.name) ? [inner] : [];
  });
}

function manifestsIn(source: string, text: string): Manifest[] {
  let documents: Array<{ value: unknown; duplicates: string[] }>;
  try {
    documents = parseYaml(text);
  } catch (error) {
    throw new UsageError(`error parsing ${source}: ${(error as Error).message.split(/:?\n/)[0]}`);
  }
  return documents.flatMap(({ value, duplicates }) => {
    if (duplicates.length > 0)
      throw new UsageError(`error parsing ${source}: the key ${JSON.stringify(duplicates[0])} is given twice`);
    return objectsIn(value).map((object) => ({ source, object: check(source, object) }));
  });
}

function objectsIn(value: unknown): unknown[] {
  const list = value as { kind?: unknown; items?: unknown };
  return typeof list?.kind === 'string' && list.kind.endsWith('List') && Array.isArray(list.items)
    ? (list.items as unknown[])
    : [value];
}

function check(source: string, value: unknown): Manifest['object'] {
  const refuse = (why: string): never => {
    throw new UsageError(`error validating "${source}": ${why}`);
  };
  if (!isRecord(value)) return refuse('a document must be an object');
  const object = value as Partial<Manifest['object']>;
  if (typeof object.apiVersion !== 'string' || object.apiVersion === '')
    return refuse('error validating data: apiVersion not set');
  if (typeof object.kind !== 'string' || object.kind === '') return refuse('error validating data: kind not set');
  if (
    typeof object.metadata !== 'object' ||
    object.metadata === null ||
    typeof object.metadata.name !== 'string' ||
    object.metadata.name === ''
  )
    return refuse('resource name may not be empty');
  return object as Manifest['object'];
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
