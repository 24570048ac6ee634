// Decides what a workload waits for: its controller, leave to make its pods, or the first of its pods that is stuck.
// Never looks into a pod itself (pod.ts does).
import type { Event, Pod } from '../../../lib/api/generated/types.ts';
import { actorDown } from './actors.ts';
import { heldByFinalizer } from './deletion.ts';
import {
  eventsOf,
  fine,
  firstAnswer,
  nameOf,
  stuck,
  type AnyObject,
  type Answer,
  type Facts,
  type Rule,
} from './facts.ts';
import { isReady, podAnswer } from './pod.ts';

export const WORKLOADS = new Set([
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'ReplicationController',
]);

export function workloadAnswer(facts: Facts, object: AnyObject): Answer {
  return (
    firstAnswer(RULES, facts, object) ??
    stuck('in-progress', `${nameOf(object)} is on its way`, eventLines(facts, object).slice(-2), [
      'ask again in a moment; flotilla trace follows it',
    ])
  );
}

const RULES: ReadonlyArray<Rule<AnyObject>> = [
  heldByFinalizer,
  suspended,
  jobFailed,
  unseen,
  refused,
  stuckPods,
  ready,
  paused,
];

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

function conditionOf(object: AnyObject, type: string): Condition | undefined {
  return ((object.status?.['conditions'] ?? []) as Condition[]).find((one) => one.type === type);
}

function suspended(_facts: Facts, object: AnyObject): Answer | undefined {
  if (object.spec?.['suspend'] !== true) return undefined;
  return stuck(
    'suspended',
    `${nameOf(object)} is suspended: nothing of it runs until it is let go on`,
    ['spec.suspend is true'],
    [`kubectl patch ${nameOf(object)} -p '{"spec":{"suspend":false}}'`],
  );
}

function jobFailed(facts: Facts, object: AnyObject): Answer | undefined {
  if (object.kind !== 'Job') return undefined;
  const failed = conditionOf(object, 'Failed');
  if (failed?.status === 'True') {
    const code =
      failed.reason === 'DeadlineExceeded'
        ? 'deadline'
        : failed.reason === 'BackoffLimitExceeded'
          ? 'backoff-limit'
          : 'job-failed';
    const ends = podsOf(facts, object)
      .map((pod) => podAnswer(facts, pod))
      .filter((answer) => answer.isStuck);
    return stuck(
      code,
      `${nameOf(object)} has failed for good: ${failed.reason ?? ''}`,
      [failed.message ?? '', ...(ends[0]?.because ?? [])],
      [...(ends[0]?.help ?? []), 'a failed Job does not start again: delete it and apply it anew'],
    );
  }
  return conditionOf(object, 'Complete')?.status === 'True'
    ? fine('completed', `${nameOf(object)} has done its work`)
    : undefined;
}

/** Its controller has not looked at what is asked for now. */
function unseen(facts: Facts, object: AnyObject): Answer | undefined {
  const observed = Number(object.status?.['observedGeneration'] ?? 0);
  const isSeen = observed >= (object.metadata.generation ?? 0);
  const isShort = object.kind === 'CronJob' || podsOf(facts, object).length < wantedOf(facts, object);
  const goes = object.metadata.deletionTimestamp !== undefined;
  if (isSeen && !isShort && !goes) return undefined;
  return actorDown(facts, 'controller-manager', `${nameOf(object)} waits for the ${object.kind} loop of`);
}

function eventLines(facts: Facts, object: AnyObject): string[] {
  return eventsOf(facts, { kind: object.kind, name: object.metadata.name }).map(
    ({ reason, message }) => `${reason}: ${message}`,
  );
}

/** Pods, or what is between, may not be made. */
function refused(facts: Facts, object: AnyObject): Answer | undefined {
  const makers = [object, ...childrenOf(facts, object)];
  for (const maker of makers) {
    if (podsOf(facts, maker).filter(isLeft).length >= wantedOf(facts, maker)) continue;
    const failure = conditionOf(maker, 'ReplicaFailure');
    const event = eventsOf(facts, { kind: maker.kind, name: maker.metadata.name }, 'FailedCreate').at(-1);
    const message = failure?.status === 'True' ? failure.message : (event?.message ?? failedSpan(facts, maker));
    if (message !== undefined) return refusal(facts, object, maker, message, event);
  }
  return undefined;
}

/** The loop's own account, where it wrote no event. */
function failedSpan(facts: Facts, maker: AnyObject): string | undefined {
  const { name, namespace = '' } = maker.metadata;
  const last = facts.spans.findLast(
    (span) =>
      span.verb === 'reconcile' && span.kind === maker.kind && span.name === name && span.namespace === namespace,
  );
  return last?.outcome === 'failed' ? last.why : undefined;
}

const REFUSALS: ReadonlyArray<{ code: string; pattern: RegExp; what: string; help: string }> = [
  {
    code: 'quota',
    pattern: /exceeded quota|failed quota/i,
    what: 'the quota of its namespace is used up',
    help: 'raise the quota, ask for less, or take something away',
  },
  {
    code: 'limit-range',
    pattern: /LimitRange|maximum .* usage per|minimum .* usage per/i,
    what: 'it asks for more or less than a LimitRange allows',
    help: 'change its resources, or the LimitRange',
  },
  {
    code: 'missing-service-account',
    pattern: /serviceaccount "?[^"]+"? not found|error looking up service account/i,
    what: 'its service account is not there',
    help: 'create it, or name another in spec.serviceAccountName',
  },
  {
    code: 'missing-priority-class',
    pattern: /no PriorityClass with name/i,
    what: 'its PriorityClass is not there',
    help: 'create it, or leave priorityClassName out',
  },
  {
    code: 'pod-security',
    pattern: /violates PodSecurity/i,
    what: 'the pod security level of its namespace forbids it',
    help: 'change its securityContext, or the label of the namespace',
  },
  {
    code: 'webhook',
    pattern: /admission webhook|failed calling webhook/i,
    what: 'an admission webhook refuses it',
    help: 'look at the webhook, or at what it asks for',
  },
  {
    code: 'namespace-terminating',
    pattern: /is being terminated/i,
    what: 'its namespace is being deleted',
    help: 'use another namespace',
  },
];

function refusal(facts: Facts, object: AnyObject, maker: AnyObject, message: string, event: Event | undefined): Answer {
  const known = REFUSALS.find(({ pattern }) => pattern.test(message));
  const used = known?.code === 'quota' ? facts.quotas.map(quotaLine) : [];
  const times = event?.count === undefined || event.count < 2 ? [] : [`tried ${event.count} times`];
  const answer = stuck(
    known?.code ?? 'create-refused',
    `${nameOf(maker)} may not make its pods: ${known?.what ?? 'the API refuses them'}`,
    [message, ...used, ...times],
    [known?.help ?? 'what the API says is in the way must change; the loop goes on trying'],
  );
  return maker === object ? answer : { ...answer, way: [nameOf(maker)] };
}

function quotaLine({ metadata, status }: AnyObject): string {
  const hard = (status?.['hard'] ?? {}) as Record<string, string>;
  const used = (status?.['used'] ?? {}) as Record<string, string>;
  return `resourcequota/${metadata.name}: ${Object.entries(hard)
    .map(([name, most]) => `${name} ${used[name] ?? '?'} of ${most}`)
    .join(', ')}`;
}

/** The first that is stuck speaks for all that are stuck for the same reason. */
function stuckPods(facts: Facts, object: AnyObject): Answer | undefined {
  const all = newestPods(facts, object);
  const answers = all.filter((pod) => !isReady(pod)).map((pod) => ({ pod, answer: podAnswer(facts, pod) }));
  const bad = answers.filter(({ answer }) => answer.isStuck);
  const first = bad.find(({ answer }) => answer.code !== 'in-progress') ?? bad[0];
  if (first === undefined) return undefined;
  const same = bad.filter(({ answer }) => answer.code === first.answer.code).length;
  const others = [...new Set(bad.map(({ answer }) => answer.code))].filter((code) => code !== first.answer.code);
  const progress = conditionOf(object, 'Progressing');
  return {
    ...first.answer,
    because: [
      ...first.answer.because,
      `${same} of ${all.length} pods for this reason${others.length === 0 ? '' : `; others: ${others.join(', ')}`}`,
      ...(progress?.reason === 'ProgressDeadlineExceeded'
        ? [`the rollout is given up on: ${progress.message ?? 'progress deadline exceeded'}`]
        : []),
    ],
    help: [...first.answer.help, ...(rollback(object, progress) ?? [])],
    way: [
      ...wayTo(facts, object, first.pod),
      nameOf({ kind: 'Pod', metadata: first.pod.metadata }),
      ...first.answer.way,
    ],
  };
}

function rollback(object: AnyObject, progress: Condition | undefined): string[] | undefined {
  if (object.kind !== 'Deployment' || progress?.reason !== 'ProgressDeadlineExceeded') return undefined;
  return [`flotilla rollout undo ${nameOf(object)} goes back to what ran before`];
}

function paused(_facts: Facts, object: AnyObject): Answer | undefined {
  if (object.spec?.['paused'] !== true) return undefined;
  return stuck(
    'paused',
    `${nameOf(object)} is paused: its rollout goes no further until it is resumed`,
    ['spec.paused is true'],
    [`flotilla rollout resume ${nameOf(object)}`],
  );
}

function ready(facts: Facts, object: AnyObject): Answer | undefined {
  const wanted = wantedOf(facts, object);
  const pods = newestPods(facts, object).filter(isReady);
  if (object.spec?.['paused'] === true && pods.length < wanted) return undefined;
  if (pods.length < wanted) {
    const progress = conditionOf(object, 'Progressing');
    if (progress?.reason !== 'ProgressDeadlineExceeded') return undefined;
    return stuck(
      'progress-deadline',
      `${nameOf(object)} has not come on for ${object.spec?.['progressDeadlineSeconds'] ?? 600} s`,
      [progress.message ?? ''],
      [`flotilla rollout undo ${nameOf(object)}`],
    );
  }
  const old = podsOf(facts, object).filter((pod) => !newestPods(facts, object).includes(pod));
  const held = old
    .map((pod) => podAnswer(facts, pod))
    .find((answer) => answer.isStuck && answer.code !== 'in-progress');
  if (held !== undefined) return { ...held, way: [nameOf({ kind: 'Pod', metadata: old[0]!.metadata })] };
  const what = wanted === 0 ? 'wants no pods, and has none' : `has all ${wanted} of its pods ready`;
  return fine(wanted === 0 ? 'scaled-to-zero' : 'ready', `${nameOf(object)} ${what}`);
}

// ---- who belongs to whom --------------------------------------------------------------------------------------------

function isOwnedBy(object: { metadata: AnyObject['metadata'] }, owner: AnyObject): boolean {
  return (object.metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);
}

export function childrenOf(facts: Facts, object: AnyObject): AnyObject[] {
  const sets = facts.replicaSets.map((set) => ({ ...set, kind: 'ReplicaSet' }) as unknown as AnyObject);
  return [...sets, ...facts.owned].filter((each) => isOwnedBy(each, object));
}

export function podsOf(facts: Facts, object: AnyObject): Pod[] {
  const owners = [object, ...childrenOf(facts, object)];
  return facts.pods.filter((pod) => owners.some((owner) => isOwnedBy(pod, owner)));
}

/** Of a Deployment those of its newest ReplicaSet: what it waits for. */
function newestPods(facts: Facts, object: AnyObject): Pod[] {
  const pods = podsOf(facts, object).filter(isLeft);
  if (object.kind !== 'Deployment') return pods;
  const revision = (set: AnyObject): number =>
    Number(set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  const newest = childrenOf(facts, object).toSorted((a, b) => revision(b) - revision(a))[0];
  return newest === undefined ? pods : pods.filter((pod) => isOwnedBy(pod, newest));
}

function isLeft(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined;
}

function wayTo(facts: Facts, object: AnyObject, pod: Pod): string[] {
  return childrenOf(facts, object)
    .filter((child) => isOwnedBy(pod, child))
    .map(nameOf);
}

function wantedOf(facts: Facts, object: AnyObject): number {
  switch (object.kind) {
    case 'DaemonSet':
      return Number(object.status?.['desiredNumberScheduled'] ?? facts.nodes.length);
    case 'Job': {
      const [parallel, done] = [object.spec?.['parallelism'] ?? 1, object.status?.['succeeded'] ?? 0].map(Number);
      return (
        Math.min(parallel!, Number(object.spec?.['completions'] ?? parallel) - done!) +
        podsOf(facts, object).filter(isReady).length
      );
    }
    case 'CronJob':
      return 0;
    default:
      return Number(object.spec?.['replicas'] ?? 1);
  }
}
