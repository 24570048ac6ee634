// Does: lets policies and webhooks judge a connection to a pod, a Service or a node before it is made. Never opens one.
import { judgesSent, validateSent } from '../core/admission/index.ts';
import type { SentObject } from '../core/admission/matching.ts';
import { proxiedPath } from '../core/proxy-target.ts';
import { isTrue } from '../core/query-number.ts';
import type { Target } from './api.ts';
import type { Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { Answers } from './webhooks/answers.ts';
import { writeRequest } from './writes.ts';

/** Throws the refusal. */
export async function admitConnection(parts: ApiParts, call: Call, target: Target): Promise<void> {
  if (!judgesSent({ view: parts.cache })) return;
  const sent = optionsOf(call, target);
  const judge = (): void => validateSent(writeRequest(parts, call, target), 'CONNECT', sent);
  await (call.answers ??= new Answers()).plan(parts, judge);
}

/** The query as the options object that the subresource takes. */
function optionsOf({ query, path }: Call, { info, kind }: Target): SentObject {
  const name = kind.subresources[info.subresource]!.kind;
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((flag) => query.has(flag) && isTrue(query.get(flag)));
  const container = query.get('container');
  const object: Record<string, unknown> = {
    kind: name,
    apiVersion: 'v1',
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(container === null ? {} : { container }),
    ...(query.has('command') ? { command: query.getAll('command') } : {}),
    ...(query.has('ports') ? { ports: query.getAll('ports').map(Number) } : {}),
    ...(info.subresource === 'proxy' ? { path: proxiedPath(path).path } : {}),
  };
  return { kind: { group: '', version: 'v1', kind: name }, object };
}
