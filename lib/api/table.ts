// Decides how objects read as rows (meta.k8s.io/v1 Table), as kubectl prints them. Never decides a kind's cells: the kind
// does.
import type { Kind } from './kind.ts';
import type { KubeObject, RowCondition } from './object.ts';

/** `includeObject` of the query: what each row carries besides its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface ColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export interface TableRow {
  cells: unknown[];
  conditions?: readonly RowCondition[];
  object?: unknown;
}

export interface Table {
  kind: 'Table';
  apiVersion: string;
  metadata: Record<string, unknown>;
  /** Null: they were told before. */
  columnDefinitions: ColumnDefinition[] | null;
  rows: TableRow[];
}

export interface TableOptions {
  /** Milliseconds, for ages. */
  now: number;
  includeObject?: IncludeObject;
  /** List metadata: resourceVersion, continue, remainingItemCount. */
  metadata?: Record<string, unknown>;
  /** Later events of a watch leave the columns out. */
  noHeaders?: boolean;
  /** `v1beta1` for those who still ask for it; absent: v1. */
  version?: string;
}

/** What an answer is of, where it may be told as metadata or rows. */
export type ToldKind = Pick<Kind, 'ref' | 'typeName'> & Tabular;

export type Tabular = Pick<Kind, 'columns' | 'cells'> & Partial<Pick<Kind, 'rowConditions'>>;

/** Rows in the order of the objects. */
export function toTable(kind: Tabular, objects: readonly KubeObject[], options: TableOptions): Table {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version ?? 'v1'}`,
    metadata: options.metadata ?? {},
    columnDefinitions: options.noHeaders === true ? null : columnsOf(kind),
    rows: objects.map((object) => rowOf(kind, object, options)),
  };
}

export function columnsOf(kind: Pick<Kind, 'columns'>): ColumnDefinition[] {
  return kind.columns.map(([name, type, format, priority, description]) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

function rowOf(
  kind: Tabular,
  object: KubeObject,
  { now, includeObject = 'Metadata', version }: TableOptions,
): TableRow {
  const conditions = kind.rowConditions?.(object);
  const told = { cells: kind.cells(object, now), ...(conditions === undefined ? {} : { conditions }) };
  if (includeObject === 'None') return { ...told, object: null };
  return { ...told, object: includeObject === 'Object' ? object : partialObjectMetadata(object, version) };
}

/** `as=PartialObjectMetadata`. */
export function partialObjectMetadata(object: KubeObject, version = 'v1'): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
