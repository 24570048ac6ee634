// Decides how Services, nodes and namespaces are described. Never asks for them.
import type { EndpointSlice, Lease, Namespace, Node, Pod, Service } from '../../../lib/api/generated/types.ts';
import { addQuantities, quantityToMilli, quantityToNumber } from '../../../lib/api/quantity.ts';
import { ageText, annotationLines, longTime, mapLines, pairsText } from './text.ts';

export function serviceLines(service: Service, slices: readonly EndpointSlice[]): string[] {
  const { metadata, spec } = service;
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    `Selector:\t${pairsText(spec?.selector)}`,
    `Type:\t${spec?.type ?? ''}`,
    `IP Family Policy:\t${spec?.ipFamilyPolicy ?? ''}`,
    `IP Families:\t${(spec?.ipFamilies ?? []).join(',') || '<none>'}`,
    `IP:\t${spec?.clusterIP ?? ''}`,
    `IPs:\t${(spec?.clusterIPs ?? []).join(',') || '<none>'}`,
    ...((spec?.externalIPs ?? []).length === 0 ? [] : [`External IPs:\t${spec!.externalIPs!.join(',')}`]),
    ...(spec?.ports ?? []).flatMap((port) => [
      `Port:\t${port.name ?? '<unset>'}  ${port.port}/${port.protocol ?? 'TCP'}`,
      `TargetPort:\t${String(port.targetPort ?? port.port)}/${port.protocol ?? 'TCP'}`,
      ...(port.nodePort === undefined
        ? []
        : [`NodePort:\t${port.name ?? '<unset>'}  ${port.nodePort}/${port.protocol ?? 'TCP'}`]),
      `Endpoints:\t${endpointText(slices, port.name)}`,
    ]),
    `Session Affinity:\t${spec?.sessionAffinity ?? ''}`,
    ...(spec?.externalTrafficPolicy === undefined ? [] : [`External Traffic Policy:\t${spec.externalTrafficPolicy}`]),
    `Internal Traffic Policy:\t${spec?.internalTrafficPolicy ?? ''}`,
  ];
}

function endpointText(slices: readonly EndpointSlice[], portName: string | undefined): string {
  const all = slices.flatMap((slice) =>
    (slice.ports ?? [])
      .filter((port) => (port.name ?? '') === (portName ?? ''))
      .flatMap((port) =>
        (slice.endpoints ?? [])
          .filter((endpoint) => endpoint.conditions?.ready !== false)
          .flatMap((endpoint) => (endpoint.addresses ?? []).map((address) => `${address}:${port.port}`)),
      ),
  );
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',');
}

export function namespaceLines({ metadata, status }: Namespace): string[] {
  return [
    `Name:\t${metadata?.name}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    `Status:\t${status?.phase ?? ''}`,
  ];
}

export function nodeLines(node: Node, pods: readonly Pod[], lease: Lease | undefined, now: number): string[] {
  const { metadata, spec, status } = node;
  const taints = (spec?.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`);
  const info = status?.nodeInfo;
  return [
    `Name:\t${metadata?.name}`,
    `Roles:\t${rolesOf(metadata?.labels)}`,
    ...mapLines('Labels', metadata?.labels),
    ...annotationLines(metadata),
    `CreationTimestamp:\t${longTime(metadata?.creationTimestamp)}`,
    ...(taints.length === 0 ? ['Taints:\t<none>'] : taints.map((taint, i) => `${i === 0 ? 'Taints:' : ''}\t${taint}`)),
    `Unschedulable:\t${String(spec?.unschedulable ?? false)}`,
    'Lease:',
    `  HolderIdentity:\t${lease?.spec?.holderIdentity ?? '<unset>'}`,
    `  AcquireTime:\t${lease?.spec?.acquireTime === undefined ? '<unset>' : longTime(lease.spec.acquireTime)}`,
    `  RenewTime:\t${longTime(lease?.spec?.renewTime)}`,
    ...conditionTable(
      ['Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message'],
      (status?.conditions ?? []).map((each) => [
        each.type ?? '',
        each.status ?? '',
        longTime(each.lastHeartbeatTime),
        longTime(each.lastTransitionTime),
        each.reason ?? '',
        each.message ?? '',
      ]),
    ),
    'Addresses:',
    ...(status?.addresses ?? []).map(({ type, address }) => `  ${type}:\t${address}`),
    ...quantities('Capacity', status?.capacity),
    ...quantities('Allocatable', status?.allocatable),
    'System Info:',
    ...(
      [
        ['Machine ID', info?.machineID],
        ['System UUID', info?.systemUUID],
        ['Boot ID', info?.bootID],
        ['Kernel Version', info?.kernelVersion],
        ['OS Image', info?.osImage],
        ['Operating System', info?.operatingSystem],
        ['Architecture', info?.architecture],
        ['Container Runtime Version', info?.containerRuntimeVersion],
        ['Kubelet Version', info?.kubeletVersion],
        ['Kube-Proxy Version', info?.kubeProxyVersion],
      ] as const
    ).map(([name, value]) => `  ${name}:\t${value ?? ''}`),
    `PodCIDR:\t${spec?.podCIDR ?? ''}`,
    `PodCIDRs:\t${(spec?.podCIDRs ?? []).join(',')}`,
    ...podTable(pods, status?.allocatable, now),
    ...allocated(pods, status?.allocatable),
  ];
}

function rolesOf(labels: Record<string, string> | undefined): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(labels ?? {})
    .filter((label) => label.startsWith(prefix))
    .map((label) => label.slice(prefix.length));
  return roles.join(',') || '<none>';
}

function quantities(title: string, map: Record<string, unknown> | undefined): string[] {
  const rows = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return [`${title}:`, ...rows.map(([name, value]) => `  ${name}:\t${String(value)}`)];
}

/** What the node's sums are told of. */
const RESERVED = ['cpu', 'memory', 'ephemeral-storage'];

type Needs = { requests: Record<string, string>; limits: Record<string, string> };

function needsOf(pod: Pod): Needs {
  const sum = (side: 'requests' | 'limits'): Record<string, string> => {
    const total: Record<string, string> = Object.fromEntries(RESERVED.map((name) => [name, '0']));
    for (const container of pod.spec?.containers ?? [])
      for (const name of RESERVED)
        total[name] = addQuantities(
          total[name]!,
          String((container.resources?.[side] as Record<string, unknown> | undefined)?.[name] ?? '0'),
        );
    return total;
  };
  return { requests: sum('requests'), limits: sum('limits') };
}

function share(name: string, value: string, allocatable: Record<string, unknown> | undefined): string {
  const whole = String(allocatable?.[name] ?? '0');
  const measure = name === 'cpu' ? quantityToMilli : quantityToNumber;
  const percent = measure(whole) === 0 ? 0 : Math.trunc((measure(value) / measure(whole)) * 100);
  return `${value} (${percent}%)`;
}

function podTable(pods: readonly Pod[], allocatable: Record<string, unknown> | undefined, now: number): string[] {
  const header = ['Namespace', 'Name', '', 'CPU Requests', 'CPU Limits', 'Memory Requests', 'Memory Limits', 'Age'];
  const rows = pods.map((pod) => {
    const { requests, limits } = needsOf(pod);
    return [
      pod.metadata?.namespace ?? '',
      pod.metadata?.name ?? '',
      '',
      share('cpu', requests['cpu']!, allocatable),
      share('cpu', limits['cpu']!, allocatable),
      share('memory', requests['memory']!, allocatable),
      share('memory', limits['memory']!, allocatable),
      ageText(pod.metadata?.creationTimestamp, now),
    ];
  });
  const rule = ['---------', '----', '', '------------', '----------', '---------------', '-------------', '---'];
  return [
    `Non-terminated Pods:\t(${pods.length} in total)`,
    ...[header, rule, ...rows].map((cells) => `  ${cells.join('\t')}`),
  ];
}

function allocated(pods: readonly Pod[], allocatable: Record<string, unknown> | undefined): string[] {
  const needs = pods.map(needsOf);
  const total = (side: keyof Needs, name: string): string =>
    needs.reduce((sum, each) => addQuantities(sum, each[side][name]!), '0');
  return [
    'Allocated resources:',
    '  (Total limits may be over 100 percent, i.e., overcommitted.)',
    '  Resource\tRequests\tLimits',
    '  --------\t--------\t------',
    ...RESERVED.map(
      (name) =>
        `  ${name}\t${share(name, total('requests', name), allocatable)}\t${share(name, total('limits', name), allocatable)}`,
    ),
  ];
}

/** kubectl leaves a space behind each cell of this one. */
function conditionTable(header: string[], rows: string[][]): string[] {
  const rule = header.map((word) => '-'.repeat(word.length));
  const line = (cells: string[]): string =>
    `  ${cells.map((cell, i) => (i < cells.length - 1 ? `${cell} ` : cell)).join('\t')}`;
  return ['Conditions:', `  ${header.join('\t')}`, `  ${rule.join('\t')}`, ...rows.map(line)];
}
