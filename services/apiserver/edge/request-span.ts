// Does: tells in the trace of requests that write nothing: of one that was refused before anything was planned for it, or failed;
// and, while somebody wishes to hear of them, of those that looked. Never tells of one that has a span, nor of what was merely not
// found: a client that looks first would fill the trace.
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { SpanEnd } from '../../../lib/actor/tracer.ts';
import type { RequestTrace } from '../../../lib/bus/messages.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';

export function tellRefusal(parts: ApiParts, call: Call, error: unknown): void {
  const code = error instanceof ApiError ? error.code : 500;
  if (code !== 403 && code < 500) return;
  const isSecret = call.info?.isResource === true && call.info.resource === 'secrets';
  tell(parts, call, {
    outcome: code < 500 ? 'refused' : 'failed',
    why: isSecret && code >= 500 ? 'failed' : messageOf(error),
  });
}

/** Of a get, a list, or a watch that begins. */
export function tellRead(parts: ApiParts, call: Call, answer: Answer): void {
  call.story?.mark('read', parts.ctx.clock.monotonic());
  const revision = revisionOf(answer);
  tell(parts, call, { outcome: 'unchanged' }, revision > 0 ? { revisionBefore: revision } : {});
}

/** Of the object, or of the state that a list shows. */
function revisionOf(answer: Answer): number {
  if (answer.type === 'item') return answer.item.revision;
  return answer.type === 'list' ? answer.page.revision : 0;
}

function tell(parts: ApiParts, call: Call, end: SpanEnd, more: Partial<RequestTrace> = {}): void {
  const { story, info, user, cause } = call;
  if (story === undefined || story.isTold || !info?.isResource) return;
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const kind = parts.kinds.find(group, version, resource)?.ref.kind;
  // What is no kind has no place in the trace.
  if (kind === undefined) return;
  story.isTold = true;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const what = subresource === '' ? qualified : `${qualified}/${subresource}`;
  const target = { verb: 'request', kind, namespace, name: name === '' ? '*' : name };
  const span = parts.ctx.tracer.start({ ...target, revisions: cause?.revisions ?? [], parent: cause?.span });
  span.end({
    ...end,
    saw: `${user.name} asks to ${verb} ${what}`,
    request: { user: user.name, verb, resource: what, ...more, stagesMs: story.stagesMs },
  });
}
