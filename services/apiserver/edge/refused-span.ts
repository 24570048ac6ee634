// Does: tells in the trace of a request that was refused before anything was planned for it, or failed. Never tells of one
// that has a span, nor of what was merely not found: a client that looks first would fill the trace.
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { Call } from './call.ts';
import type { ApiParts } from './parts.ts';

export function tellRefusal(parts: ApiParts, call: Call, error: unknown): void {
  const { story, info, user, cause } = call;
  const code = error instanceof ApiError ? error.code : 500;
  if (story === undefined || story.isTold || !info?.isResource || (code !== 403 && code < 500)) return;
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const kind = parts.kinds.find(group, version, resource)?.ref.kind;
  // What is no kind has no place in the trace.
  if (kind === undefined) return;
  story.isTold = true;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const what = subresource === '' ? qualified : `${qualified}/${subresource}`;
  const target = { verb: 'request', kind, namespace, name: name === '' ? '*' : name };
  const span = parts.ctx.tracer.start({ ...target, revisions: cause?.revisions ?? [], parent: cause?.span });
  const { stagesMs } = story;
  span.end({
    outcome: code < 500 ? 'refused' : 'failed',
    saw: `${user.name} asks to ${verb} ${what}`,
    why: resource === 'secrets' && code >= 500 ? 'failed' : messageOf(error),
    request: { user: user.name, verb, resource: what, stagesMs },
  });
}
