// Decides how a meta.k8s.io/v1 Table becomes rows of text: which columns, which extra ones. Never asks the server.
import { ownValue } from '../../lib/base/records.ts';

export interface TableColumn {
  name: string;
  type: string;
  format?: string;
  priority?: number;
}

export interface TableRow {
  cells: unknown[];
  object?: { kind?: string; metadata?: TableMetadata };
}

export interface TableMetadata {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
}

export interface ServerTable {
  kind: 'Table';
  metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  columnDefinitions: TableColumn[];
  rows: TableRow[] | null;
}

export interface TableView {
  wide: boolean;
  withNamespace: boolean;
  showLabels: boolean;
  labelColumns: readonly string[];
  /** Put before each name: `deployment.apps/`. */
  namePrefix: string;
}

export function isServerTable(value: unknown): value is ServerTable {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Table';
}

export function headerOf(columns: readonly TableColumn[], view: TableView): string[] {
  return [
    ...(view.withNamespace ? ['NAMESPACE'] : []),
    ...shown(columns, view).map(({ column }) => column.name.toUpperCase()),
    ...view.labelColumns.map((label) => label.split('/').at(-1)!.toUpperCase()),
    ...(view.showLabels ? ['LABELS'] : []),
  ];
}

export function rowOf(columns: readonly TableColumn[], row: TableRow, view: TableView): string[] {
  const metadata = row.object?.metadata ?? {};
  const labels = metadata.labels ?? {};
  return [
    ...(view.withNamespace ? [metadata.namespace ?? ''] : []),
    ...shown(columns, view).map(({ index }) => cellText(row.cells[index], index === 0 ? view.namePrefix : '')),
    ...view.labelColumns.map((label) => ownValue(labels, label) ?? ''),
    ...(view.showLabels ? [labelsText(labels)] : []),
  ];
}

function labelsText(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? '<none>' : pairs.map(([key, value]) => `${key}=${value}`).join(',');
}

function shown(columns: readonly TableColumn[], view: TableView): Array<{ column: TableColumn; index: number }> {
  return columns
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => view.wide || (column.priority ?? 0) === 0);
}

/** A cell is one line: what follows a line break is cut, and control characters cannot reach the terminal. */
function cellText(cell: unknown, prefix: string): string {
  const text =
    cell === null || cell === undefined ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  const [first, ...more] = text.split(/[\r\n\f]/);
  return prefix + (more.length > 0 ? `${first}...` : first!).replaceAll('\u001B', '^[');
}
