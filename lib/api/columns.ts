// Decides which columns the Tables of built-in kinds have: those of upstream (`node test/conformance/upstream/columns.ts`). Never
// decides what is in a cell.
import tableColumns from './generated/table-columns.json' with { type: 'json' };
import type { Column } from './object.ts';

/** With the place of its description among the texts. */
type WrittenColumn = readonly [name: string, type: string, format: string, priority: number, text: number];

const { texts, columns } = tableColumns as unknown as {
  texts: string[];
  columns: Record<string, WrittenColumn[]>;
};

/** Kinds that upstream has no printer for are told by their name and the time when they were made. */
const WITHOUT_PRINTER = 'rbac.authorization.k8s.io/roles';
const known = new Map<string, readonly Column[]>();

/** The same for all versions of a kind. */
export function builtInColumns(group: string, resource: string): readonly Column[] {
  const own = `${group}/${resource}`;
  const name = columns[own] === undefined ? WITHOUT_PRINTER : own;
  const made =
    known.get(name) ??
    columns[name]!.map(([title, type, format, priority, text]): Column => [
      title,
      type,
      format,
      priority,
      texts[text]!,
    ]);
  known.set(name, made);
  return made;
}

/** Of every kind, custom ones too. */
export const NAME_COLUMN = builtInColumns('', 'pods')[0]!;
/** What upstream says of a creation time. */
export const CREATED_DESCRIPTION = builtInColumns('', 'pods')[4]![4];
