// Does: brings stored roles and bindings to what core/auth/reconcile-roles.ts decides, once at the start of an API actor. Never
// makes one that is missing (bootstrap.ts does).
import { isReason } from '../../../../lib/base/errors.ts';
import { reconciledBinding, reconciledRole } from '../../core/auth/reconcile-roles.ts';
import { bootstrapBindings, bootstrapRoles, type BootstrapObject } from '../../core/bootstrap-objects.ts';
import type { ApiParts } from '../parts.ts';
import { ensure, remove, replace } from './internal-calls.ts';
import { storedAt } from './paths.ts';

export async function reconcileRoles(parts: ApiParts): Promise<void> {
  for (const { collection, object } of bootstrapRoles()) {
    const stored = storedAt(parts, collection, object.metadata.name);
    const role = stored && reconciledRole(stored, object);
    if (role !== undefined) await unlessChanged(replace(parts, `${collection}/${object.metadata.name}`, role));
  }
  for (const each of bootstrapBindings()) await reconcileBinding(parts, each);
}

async function reconcileBinding(parts: ApiParts, { collection, object }: BootstrapObject): Promise<void> {
  const stored = storedAt(parts, collection, object.metadata.name);
  const due = stored && reconciledBinding(stored, object);
  if (due === undefined) return;
  const path = `${collection}/${object.metadata.name}`;
  if (due.type === 'update') return unlessChanged(replace(parts, path, due.object));
  await remove(parts, path, stored!.metadata.resourceVersion!);
  await ensure(parts, collection, object);
}

/** Another API actor that starts does the same. */
async function unlessChanged(written: Promise<void>): Promise<void> {
  try {
    await written;
  } catch (error) {
    if (!isReason(error, 'Conflict', 'NotFound')) throw error;
  }
}
