// Decides why a Service has nobody to send to: no selector, no pod that it selects, no pod that is ready, no port of
// that name, nobody who writes its endpoints or its rules. Never tries a connection.
import { ownValue } from '../../../lib/base/records.ts';
import { selects } from '../../../lib/api/selectors.ts';
import type { Pod, Service } from '../../../lib/api/generated/types.ts';
import { actorDown } from './actors.ts';
import { heldByFinalizer } from './deletion.ts';
import { fine, nameOf, stuck, type AnyObject, type Answer, type Facts } from './facts.ts';
import { isReady, podAnswer } from './pod.ts';

export function serviceAnswer(facts: Facts, service: Service): Answer {
  const name = `service/${service.metadata.name}`;
  const held = heldByFinalizer(facts, { ...service, kind: 'Service' } as unknown as AnyObject);
  if (held !== undefined) return held;
  if (service.spec?.type === 'ExternalName')
    return fine('external-name', `${name} is another name for ${service.spec.externalName}`);
  const selector = service.spec?.selector ?? {};
  if (Object.keys(selector).length === 0) return withoutSelector(facts, service);
  const selected = facts.pods.filter(({ metadata }) => selects({ matchLabels: selector }, metadata.labels ?? {}));
  if (selected.length === 0) return matchesNothing(facts, service, selector);
  const port = missingPort(service, selected);
  if (port !== undefined) return port;
  const ready = selected.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
  if (ready.length === 0) return nobodyReady(facts, service, selected);
  return endpointsAnswer(facts, service, ready);
}

function endpoints(facts: Facts, service: Service): string[] {
  return facts.endpointSlices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses);
}

function withoutSelector(facts: Facts, service: Service): Answer {
  const found = endpoints(facts, service);
  const name = `service/${service.metadata.name}`;
  if (found.length > 0) return fine('ready', `${name} sends to ${found.join(', ')}, which somebody has written`);
  return stuck(
    'no-selector',
    `${name} has no selector: it sends to what somebody writes into an EndpointSlice of it, and nobody has`,
    [],
    ['give it spec.selector, or write an EndpointSlice with the label kubernetes.io/service-name'],
  );
}

function matchesNothing(facts: Facts, service: Service, selector: Record<string, string>): Answer {
  const wanted = Object.entries(selector);
  const near = facts.pods
    .map((pod) => ({ pod, hits: wanted.filter(([key, value]) => pod.metadata.labels?.[key] === value).length }))
    .filter(({ pod, hits }) => hits > 0 || wanted.some(([key]) => ownValue(pod.metadata.labels, key) !== undefined))
    .toSorted((a, b) => b.hits - a.hits)
    .slice(0, 3);
  return stuck(
    'selector-matches-nothing',
    `service/${service.metadata.name} selects ${wanted.map(([key, value]) => `${key}=${value}`).join(',')}, and no pod has these labels`,
    near.map(
      ({ pod }) =>
        `pod/${pod.metadata.name} has ${wanted.map(([key]) => `${key}=${ownValue(pod.metadata.labels, key) ?? '(none)'}`).join(',')}`,
    ),
    [
      'change spec.selector, or the labels of the pod template',
      `flotilla get pods --show-labels -n ${facts.target.namespace}`,
    ],
  );
}

function missingPort(service: Service, pods: readonly Pod[]): Answer | undefined {
  for (const { targetPort } of service.spec?.ports ?? []) {
    if (typeof targetPort !== 'string' || /^\d+$/.test(targetPort)) continue;
    const names = new Set(
      pods.flatMap(({ spec }) => spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name ?? ''))),
    );
    if (names.has(targetPort)) continue;
    return stuck(
      'port-name',
      `service/${service.metadata.name} sends to the port named ${targetPort}, and no container of its pods has a port of that name`,
      [`they have ${[...names].filter((name) => name !== '').join(', ') || 'no named ports'}`],
      ['name the containerPort so, or give the number as targetPort'],
    );
  }
  return undefined;
}

function nobodyReady(facts: Facts, service: Service, selected: readonly Pod[]): Answer {
  const answers = selected.map((pod) => ({ pod, answer: podAnswer(facts, pod) }));
  const first = answers.find(({ answer }) => answer.code !== 'in-progress') ?? answers[0]!;
  return {
    ...first.answer,
    isStuck: true,
    because: [
      `service/${service.metadata.name} has no endpoints: none of its ${selected.length} pods is ready`,
      ...first.answer.because,
    ],
    way: [nameOf({ kind: 'Pod', metadata: first.pod.metadata }), ...first.answer.way],
  };
}

function endpointsAnswer(facts: Facts, service: Service, ready: readonly Pod[]): Answer {
  const found = new Set(endpoints(facts, service));
  const missing = ready.filter(({ status }) => status?.podIP !== undefined && !found.has(status.podIP));
  const name = `service/${service.metadata.name}`;
  if (missing.length > 0)
    return (
      actorDown(facts, 'controller-manager', `${name} waits for its endpoints from`) ??
      stuck(
        'no-endpoints',
        `${name} waits for its endpoints: ${missing.map(({ metadata }) => metadata.name).join(', ')} ready, and not in its EndpointSlices`,
        [],
        ['ask again in a moment; flotilla trace --kind service follows it'],
      )
    );
  const silent = facts.actors.filter(({ actor, answers }) => actor === 'kube-proxy' && !answers);
  if (silent.length > 0)
    return stuck(
      'kube-proxy-down',
      `${name} has ${found.size} endpoints, but nodes whose kube-proxy does not run do not hear of changes`,
      silent.map(({ instance, state }) => `${instance} is ${state === 'running' ? 'silent' : state}`),
      [`flotilla start ${silent.map(({ instance }) => instance).join(' ')}`],
    );
  return fine('ready', `${name} sends to ${[...found].join(', ')}`);
}
