// Decides what one container of a bound pod waits for: its image, its configuration, its start, its probes, or why it
// ends again and again. Never reads its log.
import type { Container, ContainerStatus, Event, Pod } from '../../../lib/api/generated/types.ts';
import { eventsOf, stuck, type Answer, type Facts } from './facts.ts';

interface Case {
  facts: Facts;
  pod: Pod;
  container: Container;
  status: ContainerStatus;
  /** `container web`, `init container setup`. */
  who: string;
  events: Event[];
}

export function containerAnswer(facts: Facts, pod: Pod, status: ContainerStatus, isInit: boolean): Answer | undefined {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const container = all.find(({ name }) => name === status.name);
  if (container === undefined) return undefined;
  const who = `${isInit ? 'init container' : 'container'} ${status.name}`;
  const field = `spec.${isInit ? 'initContainers' : 'containers'}{${status.name}}`;
  const events = eventsOf(facts, { kind: 'Pod', name: pod.metadata.name }).filter(
    ({ involvedObject }) => involvedObject.fieldPath === field || involvedObject.fieldPath === undefined,
  );
  const one: Case = { facts, pod, container, status, who, events };
  const waiting = status.state?.waiting;
  if (waiting !== undefined) return waitingAnswer(one, waiting.reason ?? '', waiting.message ?? '');
  if (isInit && status.state?.running !== undefined) return runningInit(one);
  if (status.state?.running !== undefined && status.ready !== true) return notReady(one);
  const ended = status.state?.terminated;
  return ended === undefined || ended.exitCode === 0 ? undefined : endedAnswer(one);
}

function waitingAnswer(one: Case, reason: string, message: string): Answer | undefined {
  switch (reason) {
    case 'InvalidImageName':
      return stuck(
        'invalid-image-name',
        `${one.who} of pod/${podName(one)}: ${JSON.stringify(one.container.image)} is not the name of an image`,
        [message],
        [`write it as registry/path:tag in lower case, and apply again`],
      );
    case 'ErrImageNeverPull':
      return stuck(
        'image-never-pull',
        `${one.who} waits for image ${one.container.image}, which is not on ${nodeName(one)} and may not be pulled`,
        [message],
        [`imagePullPolicy: IfNotPresent, or load the image on the node`],
      );
    case 'ErrImagePull':
    case 'ImagePullBackOff':
      return imageAnswer(one, message);
    case 'CreateContainerConfigError':
      return configurationAnswer(one.pod, one.who, message);
    case 'CreateContainerError':
    case 'RunContainerError':
      return stuck(
        'start-failed',
        `${one.who} of pod/${podName(one)} cannot be made on ${nodeName(one)}`,
        [message],
        [`look at command, args, securityContext and volumeMounts of ${one.who}`],
      );
    case 'CrashLoopBackOff':
      return endedAnswer(one);
    default:
      return undefined;
  }
}

/** What registries and containerd say, in the words of several versions. */
const PULL_FAILURES: ReadonlyArray<{ code: string; pattern: RegExp; why: string; help: string }> = [
  {
    code: 'image-auth',
    pattern: /unauthorized|authentication required|authorization failed|denied|401|403/i,
    why: 'the registry asks for credentials that the pod does not have, or that it does not accept',
    help: 'make a Secret of type kubernetes.io/dockerconfigjson and name it in imagePullSecrets',
  },
  {
    code: 'image-not-found',
    pattern: /not found|manifest unknown|name unknown|404/i,
    why: 'the registry has no such image or tag',
    help: 'look at the name and the tag, then flotilla apply again',
  },
  {
    code: 'image-registry',
    pattern:
      /no such host|connection refused|timeout|timed out|i\/o|unreachable|dial tcp|server misbehaving|tls|x509|EOF/i,
    why: 'the registry cannot be reached from the node',
    help: 'look at the name of the registry, and at the way from the node to it (DNS, proxy, firewall)',
  },
];

function imageAnswer(one: Case, message: string): Answer {
  const failed = one.events.filter(
    ({ reason, message: text = '' }) => reason === 'Failed' && text.startsWith('Failed to pull'),
  );
  const said = [failed.at(-1)?.message ?? '', message].filter((text) => text !== '');
  const known = PULL_FAILURES.find(({ pattern }) =>
    said.some((text) => pattern.test(withoutImage(text, one.container.image ?? ''))),
  );
  return stuck(
    known?.code ?? 'image-pull',
    `${one.who} of pod/${podName(one)} waits for image ${one.container.image}: ${known?.why ?? 'it cannot be pulled'}`,
    said,
    [
      known?.help ?? 'pull it by hand on the node to see more',
      `the kubelet of ${nodeName(one)} goes on trying, up to 5 minutes apart`,
    ],
  );
}

/** A name may hold any of the words that are looked for. */
function withoutImage(text: string, image: string): string {
  return image === '' ? text : text.replaceAll(image, '').replaceAll(/"[^"]*"/g, '');
}

/** `configmap "x" not found`, `couldn't find key a in ConfigMap default/x`: the kubelet's words. */
export function configurationAnswer(pod: Pod, who: string, message: string): Answer {
  const at = `pod/${pod.metadata.name}`;
  const key = /couldn't find key (\S+) in (ConfigMap|Secret) (?:\S+\/)?(\S+)/i.exec(message);
  if (key !== null) {
    const [, name, kind, source] = key as unknown as [string, string, string, string];
    return stuck(
      'missing-key',
      `${who} of ${at} waits for key ${name} of ${kind} ${source}, which has no such key`,
      [message],
      [`add the key to ${kind.toLowerCase()}/${source}, or mark the reference optional`],
    );
  }
  const missing = /\b(configmap|secret)s? "([^"]+)" not found/i.exec(message);
  if (missing !== null) {
    const kind = missing[1]!.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap';
    return stuck(
      kind === 'Secret' ? 'missing-secret' : 'missing-configmap',
      `${who} of ${at} waits for ${kind} ${missing[2]}, which is not there`,
      [message],
      [
        `create ${kind.toLowerCase()}/${missing[2]} in namespace ${pod.metadata.namespace ?? 'default'}, or mark the reference optional`,
      ],
    );
  }
  return stuck(
    'configuration',
    `${who} of ${at} cannot be configured`,
    [message],
    [`look at env, envFrom and securityContext of ${who}`],
  );
}

function runningInit(one: Case): Answer | undefined {
  return stuck(
    'init-running',
    `pod/${podName(one)} waits for its ${one.who}, which still runs`,
    [`started ${one.status.state?.running?.startedAt ?? ''}`],
    [`flotilla logs ${podName(one)} -c ${one.status.name}`],
  );
}

function notReady(one: Case): Answer | undefined {
  const { container, status } = one;
  if (container.startupProbe !== undefined && status.started !== true)
    return probeAnswer(one, 'Startup', 'has not started up yet by its startup probe');
  if (container.readinessProbe === undefined) return undefined;
  return probeAnswer(one, 'Readiness', 'runs, but its readiness probe does not succeed');
}

function probeAnswer(one: Case, kind: 'Startup' | 'Readiness', what: string): Answer {
  const probe = kind === 'Startup' ? one.container.startupProbe : one.container.readinessProbe;
  const failure = unhealthy(one, kind);
  return stuck(
    kind.toLowerCase(),
    `${one.who} of pod/${podName(one)} ${what}`,
    [
      failure?.message ??
        `no failure told yet: it may not have been asked (initialDelaySeconds ${probe?.initialDelaySeconds ?? 0})`,
      `it asks ${probeText(probe)}`,
    ],
    [
      `flotilla logs ${podName(one)} -c ${one.status.name}`,
      `look at the port, path and timing of its ${kind.toLowerCase()}Probe`,
    ],
  );
}

type Probe = Container['readinessProbe'];

function probeText(probe: Probe): string {
  const every = `every ${probe?.periodSeconds ?? 10} s, for at most ${probe?.timeoutSeconds ?? 1} s`;
  if (probe?.httpGet !== undefined) return `GET :${probe.httpGet.port}${probe.httpGet.path ?? '/'} ${every}`;
  if (probe?.tcpSocket !== undefined) return `TCP :${probe.tcpSocket.port} ${every}`;
  if (probe?.grpc !== undefined) return `gRPC :${probe.grpc.port} ${every}`;
  return `${(probe?.exec?.command ?? []).join(' ')} ${every}`;
}

function unhealthy(one: Case, kind: string): Event | undefined {
  return one.events.findLast(
    ({ reason, message = '' }) => reason === 'Unhealthy' && message.startsWith(`${kind} probe`),
  );
}

/** It ended, and ends again: what the last end tells. */
function endedAnswer(one: Case): Answer {
  const { status, container } = one;
  const last = status.state?.terminated ?? status.lastState?.terminated;
  const times = `${status.restartCount ?? 0} restart${status.restartCount === 1 ? '' : 's'}`;
  const words = (last?.message ?? '').trim();
  const shown = [
    `last end: ${last?.reason ?? 'unknown'}, exit code ${last?.exitCode ?? '?'} at ${last?.finishedAt ?? '?'}; ${times}`,
    ...(words === '' ? [] : [`its last words: ${words.split('\n').slice(-3).join(' ⏎ ')}`]),
  ];
  const logs = `flotilla logs ${podName(one)} -c ${status.name} --previous`;
  const at = `${one.who} of pod/${podName(one)}`;
  if (last?.reason === 'OOMKilled') {
    const limit = container.resources?.limits?.['memory'];
    const bound = limit === undefined ? 'the node has' : `its limit of ${limit}`;
    return stuck('oom-killed', `${at} is killed because it takes more memory than ${bound}`, shown, [
      `raise resources.limits.memory, or let it take less`,
      logs,
    ]);
  }
  if (last?.exitCode === 128 || last?.reason === 'StartError' || last?.reason === 'ContainerCannotRun')
    return stuck('start-failed', `${at} cannot be started: its program or its surroundings are not there`, shown, [
      `look at command and args, and whether the image holds that program`,
    ]);
  const hook = one.events.findLast(({ reason }) => reason === 'FailedPostStartHook');
  if (hook !== undefined)
    return stuck(
      'post-start',
      `${at} is ended because its postStart hook fails`,
      [hook.message ?? '', ...shown],
      [`look at lifecycle.postStart`, logs],
    );
  for (const kind of ['Liveness', 'Startup'] as const) {
    const failure = unhealthy(one, kind);
    if (failure !== undefined && isKilled(one, kind))
      return stuck(
        kind === 'Liveness' ? 'liveness' : 'startup',
        `${at} is restarted again and again because its ${kind.toLowerCase()} probe fails`,
        [failure.message ?? '', ...shown],
        [logs, `look at the port, path and timing of its ${kind.toLowerCase()}Probe`],
      );
  }
  const isInit = one.who.startsWith('init');
  return stuck(
    isInit ? 'init-failed' : 'crash-loop',
    `${at} ends with exit code ${last?.exitCode ?? '?'}${(status.restartCount ?? 0) > 0 ? ' again and again' : ''}`,
    shown,
    [logs, ...(last?.exitCode === 127 ? ['127: a shell did not find the program'] : [])],
  );
}

function isKilled(one: Case, kind: string): boolean {
  return one.events.some(
    ({ reason, message = '' }) => reason === 'Killing' && message.toLowerCase().includes(`${kind.toLowerCase()} probe`),
  );
}

function podName(one: Case): string {
  return one.pod.metadata.name;
}

function nodeName(one: Case): string {
  return one.pod.spec.nodeName ?? 'its node';
}
