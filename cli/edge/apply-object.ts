// Does: brings one object to what a manifest says: create, patch three ways, or nothing. Never deletes one.
import { apiVersionOf, resourcePath } from '../../lib/api/resource.ts';
import { isReason } from '../../lib/base/errors.ts';
import { UsageError, type ResourceIndex, type ServedResource } from '../core/resources.ts';
import { lastAppliedOf, threeWayPatch, typeOfKind, withLastApplied } from '../core/three-way.ts';
import type { Manifest } from './manifests.ts';
import type { Session } from './session.ts';

type Json = Record<string, unknown>;
export type Applied = 'created' | 'configured' | 'unchanged';

const FIELD_MANAGER = { fieldManager: 'kubectl-client-side-apply', fieldValidation: 'Strict' };

/** `requested`: the namespace of the command line, which a file must not contradict. */
export async function applyObject(
  session: Session,
  index: ResourceIndex,
  manifest: Manifest,
  requested: string | undefined,
): Promise<{ resource: ServedResource; applied: Applied; object: Json }> {
  const resource = resourceOf(index, manifest);
  const namespace = namespaceOf(session, resource, manifest, requested);
  const object = withNamespace(manifest.object, resource, namespace);
  const at = resourcePath(resource, { namespace, name: manifest.object.metadata.name });
  const live = await find(session, at);
  const modified = withLastApplied(object);
  if (live === undefined) {
    const path = resourcePath(resource, { namespace });
    const created = await session.send<Json>({ method: 'POST', path, query: FIELD_MANAGER, body: modified });
    return { resource, applied: 'created', object: created };
  }
  const type = typeOfKind(resource.group, resource.version, resource.kind);
  const patch = threeWayPatch(lastAppliedOf(live), modified, live, type);
  if (Object.keys(patch).length === 0) return { resource, applied: 'unchanged', object: live };
  const contentType = type === undefined ? 'application/merge-patch+json' : 'application/strategic-merge-patch+json';
  const after = await session.send<Json>({ method: 'PATCH', path: at, query: FIELD_MANAGER, contentType, body: patch });
  return { resource, applied: revisionOf(after) === revisionOf(live) ? 'unchanged' : 'configured', object: after };
}

function resourceOf(index: ResourceIndex, { source, object }: Manifest): ServedResource {
  const [version, group] = object.apiVersion.split('/').toReversed() as [string, string | undefined];
  const found = index.byKind(group ?? '', version, object.kind);
  if (found === undefined)
    throw new UsageError(
      `error: resource mapping not found for name: "${object.metadata.name}" namespace: "${object.metadata.namespace ?? ''}" from "${source}": no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
    );
  return found;
}

function namespaceOf(
  session: Session,
  resource: ServedResource,
  { object }: Manifest,
  requested: string | undefined,
): string {
  if (!resource.namespaced) return '';
  const own = object.metadata.namespace;
  if (own !== undefined && requested !== undefined && own !== requested)
    throw new UsageError(
      `error: the namespace from the provided object "${own}" does not match the namespace "${requested}". You must pass '--namespace=${own}' to perform this operation.`,
    );
  return own ?? session.namespace;
}

function withNamespace(object: Manifest['object'], resource: ServedResource, namespace: string): Json {
  if (!resource.namespaced) return object;
  return { ...object, apiVersion: apiVersionOf(resource), metadata: { ...object.metadata, namespace } };
}

async function find(session: Session, path: string): Promise<Json | undefined> {
  try {
    return await session.send<Json>({ method: 'GET', path });
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function revisionOf(object: Json): unknown {
  return (object['metadata'] as Json | undefined)?.['resourceVersion'];
}
