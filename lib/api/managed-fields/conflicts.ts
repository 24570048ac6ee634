// Decides how conflicts of an apply are told, in the words that kubectl looks for. Never decides what is one.
import { ApiError } from '../../base/errors.ts';
import { hasPath, pathsOf, type Fields, type Path } from './fields.ts';
import { ownerKey, type Owner } from './owners.ts';
import { printElement } from './path-element.ts';

/** One field that somebody else owns and that the apply would change. */
export interface ApplyConflict {
  readonly owner: Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;
  readonly path: Path;
}

export function conflictsOf(owner: Owner, fields: Fields): ApplyConflict[] {
  return pathsOf(fields).map((path) => ({ owner, path }));
}

export const conflictsOutside = (conflicts: readonly ApplyConflict[], allowed: Fields): ApplyConflict[] =>
  conflicts.filter(({ path }) => !hasPath(allowed, path));

export const printPath = (path: Path): string => path.map(printElement).join('');

function printOwner({ manager, operation, apiVersion, subresource }: ApplyConflict['owner']): string {
  const through = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${through}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}

/** 409 with one cause a field, and the message that groups them by owner. */
export function applyConflict(conflicts: readonly ApplyConflict[]): ApiError {
  const causes = conflicts.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printOwner(owner)}`,
    field: printPath(path),
  }));
  return new ApiError('Conflict', messageOf(conflicts), { causes });
}

function messageOf(conflicts: readonly ApplyConflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${printOwner(first.owner)}: ${printPath(first.path)}`;
  const byOwner = Map.groupBy(conflicts, ({ owner }) => ownerKey(owner));
  const told = [...byOwner.keys()].toSorted().flatMap((key) => {
    const theirs = byOwner.get(key)!;
    return [`conflicts with ${printOwner(theirs[0]!.owner)}:`, ...theirs.map(({ path }) => `- ${printPath(path)}`)];
  });
  return `Apply failed with ${conflicts.length} conflicts: ${told.join('\n')}`;
}
