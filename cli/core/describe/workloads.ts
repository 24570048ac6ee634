// Decides how Deployments and ReplicaSets are described: what is wanted, what is there, which sets carry it. Never asks.
import type { Deployment, LabelSelector, PodTemplateSpec, ReplicaSet } from '../../../lib/api/generated/types.ts';
import { templateContainers, volumeLines } from './containers.ts';
import { tolerationLines } from './pod.ts';
import { annotationLines, indent, longTime, mapLines, ownerLine, pairsText, section } from './text.ts';

export function deploymentLines(deployment: Deployment, sets: readonly ReplicaSet[]): string[] {
  const { metadata, spec, status } = deployment;
  const rolling = spec?.strategy?.rollingUpdate;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status ?? {};
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace}`,
    `CreationTimestamp:\t${longTime(metadata?.creationTimestamp)}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    `Selector:\t${selectorText(spec?.selector)}`,
    `Replicas:\t${spec?.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable`,
    `StrategyType:\t${spec?.strategy?.type ?? ''}`,
    `MinReadySeconds:\t${spec?.minReadySeconds ?? 0}`,
    ...(rolling === undefined
      ? []
      : [
          `RollingUpdateStrategy:\t${String(rolling.maxUnavailable)} max unavailable, ${String(rolling.maxSurge)} max surge`,
        ]),
    ...templateLines(spec?.template),
    ...section(
      'Conditions',
      ['Type', 'Status', 'Reason'],
      (status?.conditions ?? []).map(({ type, status: is, reason }) => [type ?? '', is ?? '', reason ?? '']),
    ),
    ...setLines(deployment, sets),
  ];
}

/** The one whose template is the Deployment's is the newest revision. */
function setLines(deployment: Deployment, sets: readonly ReplicaSet[]): string[] {
  const owned = sets
    .filter((set) => set.metadata?.ownerReferences?.some(({ uid }) => uid === deployment.metadata?.uid) === true)
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  const newest = owned.at(-1);
  const old = owned.slice(0, -1).filter((set) => (set.spec?.replicas ?? 0) > 0 || (set.status?.replicas ?? 0) > 0);
  const text = (list: readonly ReplicaSet[]): string =>
    list
      .map((set) => `${set.metadata?.name} (${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 0} replicas created)`)
      .join(', ') || '<none>';
  return [`OldReplicaSets:\t${text(old)}`, `NewReplicaSet:\t${text(newest === undefined ? [] : [newest])}`];
}

function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
}

export function replicaSetLines({ metadata, spec, status }: ReplicaSet, phases: readonly string[]): string[] {
  const count = (phase: string): number => phases.filter((each) => each === phase).length;
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace}`,
    `Selector:\t${selectorText(spec?.selector)}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    ...ownerLine(metadata),
    `Replicas:\t${status?.replicas ?? 0} current / ${spec?.replicas ?? 1} desired`,
    `Pods Status:\t${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`,
    ...templateLines(spec?.template),
  ];
}

function templateLines(template: PodTemplateSpec | undefined): string[] {
  return [
    'Pod Template:',
    ...indent([
      ...mapLines('Labels', template?.metadata?.labels, '='),
      ...(Object.keys(template?.metadata?.annotations ?? {}).length === 0 ? [] : annotationLines(template?.metadata)),
      ...templateContainers('Init Containers', template?.spec?.initContainers ?? []),
      ...templateContainers('Containers', template?.spec?.containers ?? []),
      ...volumeLines(template?.spec?.volumes ?? []),
      ...mapLines('Node-Selectors', template?.spec?.nodeSelector),
      ...tolerationLines(template?.spec?.tolerations ?? []),
    ]),
  ];
}

function selectorText(selector: LabelSelector | undefined): string {
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator = '', values }) =>
    values === undefined
      ? `${key} ${operator.toLowerCase()}`
      : `${key} ${operator.toLowerCase()} (${values.join(',')})`,
  );
  const pairs = pairsText(selector?.matchLabels, '');
  return [...(pairs === '' ? [] : [pairs]), ...expressions].join(',') || '<none>';
}
