// Decides what a pod waits for, from its beginning to readiness: the first of these rules that has an answer has it.
// Never looks at anything but the facts.
import type { ContainerStatus, Node, Pod } from '../../../lib/api/generated/types.ts';
import { absent, actorDown, kubeletOf } from './actors.ts';
import { configurationAnswer, containerAnswer } from './container.ts';
import { ago, heldByFinalizer, leavingPod } from './deletion.ts';
import { eventsOf, fine, firstAnswer, stuck, type Answer, type Facts, type Rule } from './facts.ts';
import { reasonsAgainst } from './node-reasons.ts';

export function podAnswer(facts: Facts, pod: Pod): Answer {
  return firstAnswer(RULES, facts, pod) ?? unknown(facts, pod);
}

const RULES: ReadonlyArray<Rule<Pod>> = [
  leavingPod,
  (facts, pod) => heldByFinalizer(facts, { ...pod, kind: 'Pod' }),
  ended,
  gated,
  foreignScheduler,
  claimNotBound,
  unscheduled,
  nodeLost,
  volumes,
  sandbox,
  initContainers,
  mainContainers,
  readinessGates,
  ready,
];

export function isReady(pod: Pod): boolean {
  return condition(pod, 'Ready')?.status === 'True' || pod.status?.phase === 'Succeeded';
}

function condition(pod: Pod, type: string) {
  return pod.status?.conditions?.find((one) => one.type === type);
}

function ready(_facts: Facts, pod: Pod): Answer | undefined {
  return condition(pod, 'Ready')?.status === 'True' ? fine('ready', `pod/${pod.metadata.name} is ready`) : undefined;
}

function ended(_facts: Facts, pod: Pod): Answer | undefined {
  const { phase, reason = '', message = '' } = pod.status ?? {};
  const name = `pod/${pod.metadata.name}`;
  if (phase === 'Succeeded') return fine('completed', `${name} has done its work: all containers ended with 0`);
  if (phase !== 'Failed') return undefined;
  const codes = containersOf(pod).flatMap(({ name: container, state }) =>
    state?.terminated === undefined || state.terminated.exitCode === 0
      ? []
      : [`container ${container}: ${state.terminated.reason ?? ''} exit code ${state.terminated.exitCode}`],
  );
  const again = 'a failed pod is not started again: whoever owns it makes another, a bare one must be made anew';
  if (reason === 'DeadlineExceeded')
    return stuck(
      'deadline',
      `${name} was ended because it ran longer than activeDeadlineSeconds ${pod.spec.activeDeadlineSeconds ?? ''}`,
      [message],
      ['raise activeDeadlineSeconds, or let it do less', again],
    );
  if (reason === 'Evicted' || reason === 'NodeLost')
    return stuck('evicted', `${name} was evicted from ${pod.spec.nodeName ?? 'its node'}`, [message], [again]);
  if (reason !== '')
    return stuck(
      'rejected',
      `${name} was refused by the kubelet of ${pod.spec.nodeName ?? 'its node'}: ${reason}`,
      [message],
      [again],
    );
  const oom = containersOf(pod).some(({ state }) => state?.terminated?.reason === 'OOMKilled');
  return stuck(
    oom ? 'oom-killed' : 'failed',
    `${name} has failed, and its restartPolicy is ${pod.spec.restartPolicy ?? 'Always'}`,
    codes,
    [`flotilla logs ${pod.metadata.name}`, again],
  );
}

function isBound(pod: Pod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

function gated(_facts: Facts, pod: Pod): Answer | undefined {
  const gates = (pod.spec.schedulingGates ?? []).map(({ name }) => name);
  if (isBound(pod) || gates.length === 0) return undefined;
  return stuck(
    'scheduling-gate',
    `pod/${pod.metadata.name} waits for whoever removes its scheduling gate ${gates.join(', ')}`,
    [],
    [
      'bring the program back that removes it',
      `or kubectl patch pod ${pod.metadata.name} --type=json -p '[{"op":"remove","path":"/spec/schedulingGates"}]'`,
    ],
  );
}

function foreignScheduler(_facts: Facts, pod: Pod): Answer | undefined {
  const name = pod.spec.schedulerName ?? '';
  if (isBound(pod) || name === '' || name === 'default-scheduler') return undefined;
  return stuck(
    'other-scheduler',
    `pod/${pod.metadata.name} waits for a scheduler named ${name}, which is none of this cluster's`,
    [],
    ['start that scheduler, or leave spec.schedulerName out'],
  );
}

function claimNotBound(facts: Facts, pod: Pod): Answer | undefined {
  if (isBound(pod)) return undefined;
  for (const { persistentVolumeClaim, name } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const claim = facts.claims.find(({ metadata }) => metadata.name === persistentVolumeClaim.claimName);
    if (claim === undefined)
      return stuck(
        'missing-claim',
        `pod/${pod.metadata.name} waits for the claim ${persistentVolumeClaim.claimName} of its volume ${name}, which is not there`,
        [],
        [`create persistentvolumeclaim/${persistentVolumeClaim.claimName}`],
      );
  }
  return undefined;
}

function unscheduled(facts: Facts, pod: Pod): Answer | undefined {
  if (isBound(pod)) return undefined;
  const name = `pod/${pod.metadata.name}`;
  const down = actorDown(facts, 'scheduler', `${name} waits for a node from`);
  if (down !== undefined) return down;
  const scheduled = condition(pod, 'PodScheduled');
  const failed = eventsOf(facts, { kind: 'Pod', name: pod.metadata.name }, 'FailedScheduling').at(-1)?.message;
  const message = scheduled?.message ?? failed;
  if (message === undefined)
    return stuck(
      'not-scheduled',
      `${name} waits for the scheduler, which has not come to it yet`,
      lastSpan(facts, 'schedule'),
      ['ask again in a moment'],
    );
  const nodes = facts.nodes.map((node) => ({ node, against: reasonsAgainst(pod, node, facts.allPods) }));
  const told = nodes
    .filter(({ against }) => against.length > 0)
    .map(({ node, against }) => `${node.metadata.name} ${against.join('; ')}`);
  return stuck('unschedulable', `${name} fits on no node`, [message, ...told], helpForNodes(pod, nodes));
}

function helpForNodes(pod: Pod, nodes: ReadonlyArray<{ node: Node; against: string[] }>): string[] {
  const any = (word: string): boolean => nodes.some(({ against }) => against.some((text) => text.includes(word)));
  const cordoned = nodes.filter(({ against }) => against.includes('is cordoned')).map(({ node }) => node.metadata.name);
  const help = [
    ...(nodes.length === 0 ? ['there is no node: flotilla up --nodes 3'] : []),
    ...(cordoned.length > 0 ? [`kubectl uncordon ${cordoned.join(' ')}`] : []),
    ...(any('left, the pod asks')
      ? ['ask for less in resources.requests, take pods away, or add a node: flotilla up --nodes N']
      : []),
    ...(any('taint') ? ['give the pod a toleration, or take the taint away'] : []),
    ...(any('the pod asks for') && pod.spec.nodeSelector !== undefined
      ? ['label a node so, or change nodeSelector']
      : []),
    ...(any('affinity') ? ['change the node affinity, or the labels of a node'] : []),
  ];
  return help.length > 0 ? help : ['the scheduler tries again whenever something changes that may help'];
}

function nodeLost(facts: Facts, pod: Pod): Answer | undefined {
  const name = pod.spec.nodeName ?? '';
  const node = facts.nodes.find(({ metadata }) => metadata.name === name);
  const at = `pod/${pod.metadata.name}`;
  if (node === undefined)
    return stuck(
      'node-gone',
      `${at} is bound to ${name}, which is no node of this cluster`,
      [],
      ['the pod is taken away by itself; a bare one must be made anew'],
    );
  const kubelet = kubeletOf(facts, name);
  const state = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (kubelet !== undefined && !kubelet.answers && !isReadyNow(pod, state?.status === 'True'))
    return stuck(
      'kubelet-down',
      `${at} waits for the kubelet of ${name}, which does not run`,
      [
        `${kubelet.instance} is ${kubelet.state === 'running' ? 'silent' : kubelet.state}`,
        `node ${name} Ready: ${state?.status ?? 'unknown'} ${state?.message ?? ''}`.trim(),
      ],
      [`flotilla start kubelet-${name}`],
    );
  if (state?.status === 'True') return undefined;
  return stuck(
    'node-lost',
    `${at} is on ${name}, which is not ready`,
    [
      `${state?.reason ?? 'no condition Ready'}: ${state?.message ?? ''}`,
      ...(state?.lastTransitionTime === undefined ? [] : [`since ${ago(facts.now, state.lastTransitionTime)}`]),
    ],
    [`flotilla describe node ${name}`, 'its pods are moved by their owners when their toleration of it ends'],
  );
}

function isReadyNow(pod: Pod, nodeIsReady: boolean): boolean {
  return nodeIsReady && condition(pod, 'Ready')?.status === 'True';
}

function volumes(facts: Facts, pod: Pod): Answer | undefined {
  if (hasBegun(pod)) return undefined;
  const failed = eventsOf(facts, { kind: 'Pod', name: pod.metadata.name }).findLast(
    ({ reason }) => reason === 'FailedMount' || reason === 'FailedAttachVolume',
  );
  if (failed === undefined) return undefined;
  const message = failed.message ?? '';
  const source = configurationAnswer(pod, 'a volume', keyWords(pod, message));
  if (source.code !== 'configuration') return { ...source, because: [message] };
  const volume = /volume "([^"]+)"/.exec(message)?.[1];
  return stuck(
    'volume',
    `pod/${pod.metadata.name} waits for its volume ${volume ?? ''}`.trim(),
    [message],
    [`look at volumes of the pod; the kubelet of ${pod.spec.nodeName ?? 'its node'} goes on trying`],
  );
}

/** `volume "v" : configmap references non-existent config key: a`: whose it is, the pod itself says. */
function keyWords(pod: Pod, message: string): string {
  const key = /volume "([^"]+)" : (configmap|secret) references non-existent (?:config|secret) key: (\S+)/i.exec(
    message,
  );
  if (key === null) return message;
  const volume = pod.spec.volumes?.find(({ name }) => name === key[1]);
  const projected = (volume?.projected?.sources ?? []).map(({ configMap, secret }) => configMap?.name ?? secret?.name);
  const name =
    volume?.configMap?.name ?? volume?.secret?.secretName ?? projected.find((one) => one !== undefined) ?? key[1];
  return `couldn't find key ${key[3]} in ${/secret/i.test(key[2]!) ? 'Secret' : 'ConfigMap'} ${name}`;
}

function sandbox(facts: Facts, pod: Pod): Answer | undefined {
  if (hasBegun(pod) || (pod.status?.podIP ?? '') !== '') return undefined;
  const failed = eventsOf(facts, { kind: 'Pod', name: pod.metadata.name }, 'FailedCreatePodSandBox').at(-1);
  if (failed === undefined) return undefined;
  return stuck(
    'sandbox',
    `pod/${pod.metadata.name} waits for its sandbox: its namespaces and its network cannot be made on ${pod.spec.nodeName}`,
    [failed.message ?? ''],
    ['if addresses ran out: fewer pods on the node; else look at containerd and the CNI plugins there'],
  );
}

function hasBegun(pod: Pod): boolean {
  return containersOf(pod).some(
    ({ state, lastState }) =>
      state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined,
  );
}

function containersOf(pod: Pod): ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}

function initContainers(facts: Facts, pod: Pod): Answer | undefined {
  for (const status of pod.status?.initContainerStatuses ?? []) {
    if (status.state?.terminated?.exitCode === 0 || status.started === true) continue;
    const answer = containerAnswer(facts, pod, status, true);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function mainContainers(facts: Facts, pod: Pod): Answer | undefined {
  const answers = (pod.status?.containerStatuses ?? []).flatMap(
    (status) => containerAnswer(facts, pod, status, false) ?? [],
  );
  return answers[0];
}

function readinessGates(_facts: Facts, pod: Pod): Answer | undefined {
  const open = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) => condition(pod, conditionType)?.status !== 'True',
  );
  if (open.length === 0 || condition(pod, 'ContainersReady')?.status !== 'True') return undefined;
  const names = open.map(({ conditionType }) => conditionType).join(', ');
  return stuck(
    'readiness-gate',
    `pod/${pod.metadata.name} is ready but for its readiness gate ${names}, which nobody has set to True`,
    [],
    [`bring the program back that sets the condition ${names}`],
  );
}

function unknown(facts: Facts, pod: Pod): Answer {
  const state = condition(pod, 'Ready') ?? condition(pod, 'Initialized');
  const why = absent(facts, 'apiserver');
  const last = eventsOf(facts, { kind: 'Pod', name: pod.metadata.name }).at(-1);
  return stuck(
    'in-progress',
    `pod/${pod.metadata.name} is on its way on ${pod.spec.nodeName ?? 'no node'}: ${state?.message ?? state?.reason ?? pod.status?.phase ?? 'no status yet'}`,
    [last === undefined ? '' : `last event: ${last.reason}: ${last.message}`, ...lastSpan(facts, 'sync'), why ?? ''],
    ['ask again in a moment; flotilla trace follows it'],
  );
}

function lastSpan(facts: Facts, verb: string): string[] {
  const span = facts.spans.findLast((one) => one.verb === verb && one.kind === 'Pod');
  return span === undefined
    ? []
    : [`last step: ${span.instance} ${span.verb}: saw ${span.saw}${span.why === undefined ? '' : `; ${span.why}`}`];
}
