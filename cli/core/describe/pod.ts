// Decides how a pod is described: where it is, what its containers do, why it waits. Never asks for it.
import type { Pod, Toleration } from '../../../lib/api/generated/types.ts';
import { containerSection, volumeLines } from './containers.ts';
import { annotationLines, longTime, mapLines, ownerLine } from './text.ts';

export function podLines(pod: Pod): string[] {
  const { metadata, spec, status } = pod;
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace}`,
    `Priority:\t${spec?.priority ?? 0}`,
    ...(spec?.priorityClassName ? [`Priority Class Name:\t${spec.priorityClassName}`] : []),
    `Service Account:\t${spec?.serviceAccountName ?? 'default'}`,
    `Node:\t${spec?.nodeName ? `${spec.nodeName}/${status?.hostIP ?? ''}` : '<none>'}`,
    ...(status?.startTime === undefined ? [] : [`Start Time:\t${longTime(status.startTime)}`]),
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    ...stateLines(pod),
    `IP:\t${status?.podIP ?? ''}`,
    ...ipLines(pod),
    ...ownerLine(metadata),
    ...containerSection('Init Containers', spec?.initContainers ?? [], status?.initContainerStatuses ?? []),
    ...containerSection('Containers', spec?.containers ?? [], status?.containerStatuses ?? []),
    ...conditionLines(pod),
    ...volumeLines(spec?.volumes ?? []),
    `QoS Class:\t${status?.qosClass ?? ''}`,
    ...mapLines('Node-Selectors', spec?.nodeSelector),
    ...tolerationLines(spec?.tolerations ?? []),
  ];
}

function stateLines({ metadata, status }: Pod): string[] {
  const deleted = metadata?.deletionTimestamp;
  return [
    deleted === undefined ? `Status:\t${status?.phase ?? ''}` : `Status:\tTerminating (since ${longTime(deleted)})`,
    ...(deleted === undefined ? [] : [`Termination Grace Period:\t${metadata?.deletionGracePeriodSeconds ?? 0}s`]),
    ...(status?.reason ? [`Reason:\t${status.reason}`] : []),
    ...(status?.message ? [`Message:\t${status.message}`] : []),
  ];
}

function ipLines({ status }: Pod): string[] {
  const ips = status?.podIPs ?? [];
  return ips.length === 0 ? ['IPs:\t<none>'] : ['IPs:', ...ips.map(({ ip }) => `  IP:\t${ip}`)];
}

function conditionLines({ status }: Pod): string[] {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return [];
  return ['Conditions:', '  Type\tStatus', ...conditions.map(({ type, status: is }) => `  ${type} \t${is} `)];
}

export function tolerationLines(tolerations: readonly Toleration[]): string[] {
  if (tolerations.length === 0) return ['Tolerations:\t<none>'];
  const lines = tolerations.map(tolerationText).sort();
  return lines.map((line, i) => `${i === 0 ? 'Tolerations:' : ''}\t${line}`);
}

function tolerationText({ key = '', value, effect, operator, tolerationSeconds }: Toleration): string {
  const name = `${key}${value ? `=${value}` : ''}${effect ? `:${effect}` : ''}`;
  const exists = operator === 'Exists' ? `${name === '' ? '' : ' '}op=Exists` : '';
  return `${name}${exists}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`;
}
