// Does: answers get, list and watch from the cache, once it is as new as the reader asks for. Never reads the store.
import type { CachedObject } from '../core/cache/cached-object.ts';
import { viewAs } from '../core/cache/view-as.ts';
import { freshnessOf, listing, listObjects } from '../core/list-objects.ts';
import { listOptions, revisionOf } from '../core/list-options.ts';
import { formOf, requireShape, streamFormOf } from '../core/media-type.ts';
import { notFound } from '../core/pipeline/plan.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import { convert, converting, convertingList } from './custom-resources/convert.ts';
import { checkInclude, includeOf } from './encode.ts';
import type { ApiParts } from './parts.ts';
import { inSlices } from './slices.ts';
import { planning, planWatch } from './watch-plan.ts';

export async function getObject(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const form = formOf(call.accept);
  const item = await readItem(parts, call, target);
  requireShape(form, target.kind, false);
  const includeObject = call.query.get('includeObject');
  checkInclude(includeObject, form);
  return { type: 'item', code: 200, kind: target.kind, item, form, includeObject };
}

export async function readItem(parts: ApiParts, call: Call, target: Target): Promise<CachedObject> {
  const { info, kind, stream } = target;
  await makeFresh(parts, call, call.query.get('resourceVersion') ?? '');
  const item = parts.cache.get({ stream, namespace: kind.ref.namespaced ? info.namespace : '', name: info.name });
  if (item === undefined) throw notFound(kind, info.name);
  return kind.storedAs?.converter === undefined ? viewAs(kind, item) : converting(parts, () => viewAs(kind, item));
}

export async function listOrTable(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { info, kind, stream } = target;
  const form = formOf(call.accept);
  requireShape(form, kind, true);
  checkInclude(call.query.get('includeObject'), form);
  const options = listOptions(call.query, kind, false);
  await makeFresh(parts, call, freshnessOf(options));
  const listed = { kind, stream, namespace: info.namespace, options };
  const { cache, ctx } = parts;
  const page =
    kind.storedAs?.converter === undefined
      ? await inSlices(ctx.clock, listing({ cache, ...listed }))
      : await convertingList(parts, listed, () => listObjects(cache, kind, stream, info.namespace, options));
  return { type: 'list', code: 200, kind, page, form, includeObject: call.query.get('includeObject') ?? '' };
}

export async function watchObjects(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { info, kind, stream } = target;
  const form = streamFormOf(call.accept);
  const options = listOptions(call.query, kind, true);
  await makeFresh(parts, call, options.resourceVersion);
  const namespace = kind.ref.namespaced ? info.namespace : '';
  checkInclude(call.query.get('includeObject'), form);
  const include = includeOf(call.query.get('includeObject'));
  const watched = { kind, stream, namespace, name: info.name };
  const { cache, ctx } = parts;
  const wanted = [cache, watched, options, form, include, ctx.chance] as const;
  const plan =
    kind.storedAs?.converter === undefined
      ? await inSlices(ctx.clock, planning(...wanted))
      : await convertingList(parts, { kind, stream, namespace, options: { ...options, match: '' } }, () =>
          planWatch(...wanted),
        );
  if (kind.storedAs?.converter !== undefined) plan.convert = (needed) => convert(parts, needed);
  return { type: 'watch', plan };
}

/** '' : every acknowledged write is in; '0' : as it is; N: at least that. */
export async function makeFresh(parts: ApiParts, call: Call, resourceVersion: string): Promise<void> {
  if (resourceVersion === '') {
    const { warning } = await parts.freshness.newestOrWarning();
    if (warning !== undefined) call.warnings.add(warning);
    return;
  }
  const revision = revisionOf(resourceVersion);
  if (revision > 0) await parts.freshness.atLeast(revision);
}
