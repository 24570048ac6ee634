// Decides why something is not ready, from facts alone: follows what was asked for down to the unfinished edge and names
// it. Never gathers facts.
import type { Pod, Service } from '../../../lib/api/generated/types.ts';
import { noQuorum } from './actors.ts';
import { fine, nameOf, stuck, type AnyObject, type Answer, type Facts } from './facts.ts';
import { claimAnswer, anyAnswer, namespaceAnswer, nodeAnswer } from './others.ts';
import { podAnswer } from './pod.ts';
import { serviceAnswer } from './service.ts';
import { WORKLOADS, workloadAnswer } from './workload.ts';

export function why(facts: Facts): Answer {
  const { object, target } = facts;
  const name = nameOf({ kind: target.kind, metadata: { name: target.name } });
  if (object === undefined) return { ...missing(facts, name), way: [name] };
  const answer = answerFor(facts, object);
  // Whatever else is said of it: nothing can become ready while nothing can be written.
  const blocked = answer.isStuck ? noQuorum(facts) : undefined;
  const named =
    blocked === undefined ? answer : { ...blocked, because: [...blocked.because, `before that: ${answer.what}`] };
  return { ...named, way: [name, ...named.way] };
}

function answerFor(facts: Facts, object: AnyObject): Answer {
  if (WORKLOADS.has(object.kind)) return workloadAnswer(facts, object);
  switch (object.kind) {
    case 'Pod':
      return podAnswer(facts, object as unknown as Pod);
    case 'Service':
      return serviceAnswer(facts, object as unknown as Service);
    case 'Namespace':
      return namespaceAnswer(facts, object);
    case 'PersistentVolumeClaim':
      return claimAnswer(facts, object);
    case 'Node':
      return nodeAnswer(facts, object);
    default:
      return anyAnswer(facts, object);
  }
}

/** The trace may know more: what was refused, what was deleted. */
function missing(facts: Facts, name: string): Answer {
  const { kind, namespace, name: wanted } = facts.target;
  const isIt = (one: { kind: string; namespace: string; name: string }): boolean =>
    one.kind === kind && one.namespace === namespace && one.name === wanted;
  const deleted = facts.spans.findLast(({ wrote }) => wrote.some((write) => isIt(write) && write.verb === 'delete'));
  const refused = facts.spans.findLast((span) => span.verb === 'request' && isIt(span) && span.outcome === 'refused');
  const where = namespace === '' ? '' : ` in namespace ${namespace}`;
  if (deleted !== undefined && (refused === undefined || refused.startedAt < deleted.startedAt))
    return fine('deleted', `${name} is not there${where}: it was deleted`, [
      `${deleted.instance}: ${deleted.saw}; ${deleted.did.join(', ')}`,
    ]);
  if (refused !== undefined)
    return stuck(
      'request-refused',
      `${name} is not there${where}: the last request to make it was refused`,
      [`${refused.saw}: ${refused.why ?? ''}`],
      ['change what was asked for, and apply again'],
    );
  return stuck(
    'not-found',
    `${name} is not there${where}`,
    [],
    [
      facts.similar.length === 0
        ? `flotilla get ${kind.toLowerCase()} -A`
        : `did you mean ${facts.similar.slice(0, 5).join(', ')}?`,
    ],
  );
}
