// Does: answers the old question whether scheduler, controllers and store are well: the first two by their Leases, the store by
// asking it. Never keeps an answer.
import type { KubeObject } from '../../../lib/api/object.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import { componentStatuses } from '../core/component-statuses.ts';
import { listOptions, matcherOf } from '../core/list-options.ts';
import { formOf } from '../core/media-type.ts';
import type { Page } from '../core/list-objects.ts';
import { methodNotAllowed } from '../core/request-info.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';

export async function answerComponents(parts: ApiParts, call: Call, { info, kind }: Target): Promise<Answer> {
  if (info.verb !== 'get' && info.verb !== 'list') throw methodNotAllowed();
  const form = formOf(call.accept);
  const { warning } = await parts.freshness.newestOrWarning();
  const all = componentStatuses(parts.cache, parts.ctx.clock.now(), warning);
  if (info.verb === 'get') {
    const found = all.find(({ metadata }) => metadata.name === info.name);
    if (found === undefined) throw new ApiError('', `Component not found: ${info.name}`);
    return { type: 'object', code: 200, kind, body: found };
  }
  const matches = matcherOf(listOptions(call.query, kind, false), kind);
  const items = all.filter(matches).map(asItem);
  const page: Page = { items, revision: 0, continue: '', remaining: undefined };
  return { type: 'list', code: 200, kind, page, form, includeObject: call.query.get('includeObject') ?? '' };
}

/** As if it were stored: it has no version. */
function asItem(object: KubeObject): CachedObject {
  const { name } = object.metadata;
  return { key: name, namespace: '', name, revision: 0, createRevision: 0, object, encoded: undefined };
}
