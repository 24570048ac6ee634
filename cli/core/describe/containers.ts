// Decides how containers read in a description: of a pod with their state, of a template without. Never asks for them.
import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Probe,
  Volume,
  VolumeProjection,
} from '../../../lib/api/generated/types.ts';
import { indent, longTime } from './text.ts';

/** Of a pod, with what its containers do. */
export function containerSection(
  title: string,
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
): string[] {
  if (containers.length === 0) return [];
  return [`${title}:`, ...containers.flatMap((container) => containerLines(container, statuses, '  ', '    '))];
}

/** Of a pod template, which kubectl indents less. */
export function templateContainers(title: string, containers: readonly Container[]): string[] {
  if (containers.length === 0) return [];
  return [`${title}:`, ...containers.flatMap((container) => containerLines(container, [], ' ', '  '))];
}

function containerLines(
  container: Container,
  statuses: readonly ContainerStatus[],
  lead: string,
  below: string,
): string[] {
  const status = statuses.find(({ name }) => name === container.name);
  const ports = container.ports ?? [];
  const word = ports.length > 1 ? 'Ports' : 'Port';
  return [
    `${lead}${container.name}:`,
    ...indent(
      [
        ...(status === undefined ? [] : [`Container ID:\t${status.containerID ?? ''}`]),
        `Image:\t${container.image ?? ''}`,
        ...(status === undefined ? [] : [`Image ID:\t${status.imageID ?? ''}`]),
        `${word}:\t${ports.map((port) => `${port.containerPort}/${port.protocol ?? 'TCP'}`).join(', ') || '<none>'}`,
        `Host ${word}:\t${ports.map((port) => `${port.hostPort ?? 0}/${port.protocol ?? 'TCP'}`).join(', ') || '<none>'}`,
        ...wordLines('Command', container.command),
        ...wordLines('Args', container.args),
        ...(status === undefined ? [] : statusLines(status)),
        ...resourceLines('Limits', container.resources?.limits),
        ...resourceLines('Requests', container.resources?.requests),
        ...probeLine('Liveness', container.livenessProbe),
        ...probeLine('Readiness', container.readinessProbe),
        ...probeLine('Startup', container.startupProbe),
        ...environmentLines(container),
        ...mountLines(container),
      ],
      below,
    ),
  ];
}

function wordLines(title: string, words: readonly string[] | undefined): string[] {
  return words === undefined || words.length === 0 ? [] : [`${title}:`, ...indent([...words])];
}

function statusLines(status: ContainerStatus): string[] {
  return [
    ...stateLines('State', status.state),
    ...(status.lastState?.terminated === undefined ? [] : stateLines('Last State', status.lastState)),
    `Ready:\t${status.ready === true ? 'True' : 'False'}`,
    `Restart Count:\t${status.restartCount ?? 0}`,
  ];
}

function stateLines(title: string, state: ContainerState | undefined): string[] {
  if (state?.running !== undefined) return [`${title}:\tRunning`, `  Started:\t${longTime(state.running.startedAt)}`];
  if (state?.terminated !== undefined) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
    return [
      `${title}:\tTerminated`,
      ...(reason === undefined ? [] : [`  Reason:\t${reason}`]),
      ...(message === undefined ? [] : [`  Message:\t${message}`]),
      `  Exit Code:\t${exitCode ?? 0}`,
      ...(signal === undefined ? [] : [`  Signal:\t${signal}`]),
      `  Started:\t${longTime(startedAt)}`,
      `  Finished:\t${longTime(finishedAt)}`,
    ];
  }
  const reason = state?.waiting?.reason;
  return [`${title}:\tWaiting`, ...(reason === undefined ? [] : [`  Reason:\t${reason}`])];
}

function resourceLines(title: string, resources: Record<string, unknown> | undefined): string[] {
  const entries = Object.entries(resources ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? [] : [`${title}:`, ...entries.map(([name, value]) => `  ${name}:\t${String(value)}`)];
}

function probeLine(title: string, probe: Probe | undefined): string[] {
  if (probe === undefined) return [];
  const { initialDelaySeconds: delay = 0, timeoutSeconds: timeout = 1, periodSeconds: period = 10 } = probe;
  const { successThreshold: success = 1, failureThreshold: failure = 3 } = probe;
  return [
    `${title}:\t${probeAction(probe)} delay=${delay}s timeout=${timeout}s period=${period}s #success=${success} #failure=${failure}`,
  ];
}

function probeAction(probe: Probe): string {
  if (probe.exec !== undefined) return `exec [${(probe.exec.command ?? []).join(' ')}]`;
  if (probe.httpGet !== undefined) {
    const { scheme = 'HTTP', host = '', port, path = '' } = probe.httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${String(port)}${path}`;
  }
  if (probe.tcpSocket !== undefined) return `tcp-socket ${probe.tcpSocket.host ?? ''}:${String(probe.tcpSocket.port)}`;
  if (probe.grpc !== undefined) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ''}`;
  return 'unknown';
}

function environmentLines(container: Container): string[] {
  const sources = (container.envFrom ?? []).map((from) =>
    from.configMapRef === undefined
      ? `  ${from.secretRef?.name ?? ''}\tSecret\tOptional: ${String(from.secretRef?.optional ?? false)}`
      : `  ${from.configMapRef.name ?? ''}\tConfigMap\tOptional: ${String(from.configMapRef.optional ?? false)}`,
  );
  const own = container.env ?? [];
  return [
    ...(sources.length === 0 ? [] : ['Environment Variables from:', ...sources]),
    ...(own.length === 0
      ? ['Environment:\t<none>']
      : ['Environment:', ...own.map((each) => `  ${each.name}:\t${valueText(each)}`)]),
  ];
}

function valueText({ value, valueFrom }: EnvVar): string {
  if (valueFrom?.fieldRef !== undefined)
    return ` (${valueFrom.fieldRef.apiVersion ?? 'v1'}:${valueFrom.fieldRef.fieldPath})`;
  if (valueFrom?.secretKeyRef !== undefined)
    return `<set to the key '${valueFrom.secretKeyRef.key}' in secret '${valueFrom.secretKeyRef.name}'>  Optional: ${String(valueFrom.secretKeyRef.optional ?? false)}`;
  if (valueFrom?.configMapKeyRef !== undefined)
    return `<set to the key '${valueFrom.configMapKeyRef.key}' of config map '${valueFrom.configMapKeyRef.name}'>  Optional: ${String(valueFrom.configMapKeyRef.optional ?? false)}`;
  if (valueFrom?.resourceFieldRef !== undefined) return ` (${valueFrom.resourceFieldRef.resource})`;
  return value ?? '';
}

function mountLines(container: Container): string[] {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return ['Mounts:\t<none>'];
  return [
    'Mounts:',
    ...mounts.map(
      (mount) =>
        `  ${mount.mountPath} from ${mount.name} (${mount.readOnly === true ? 'ro' : 'rw'}${mount.subPath === undefined ? '' : `,path="${mount.subPath}"`})`,
    ),
  ];
}

export function volumeLines(volumes: readonly Volume[]): string[] {
  if (volumes.length === 0) return ['Volumes:\t<none>'];
  return ['Volumes:', ...volumes.flatMap((volume) => [`  ${volume.name}:`, ...indent(volumeText(volume), '    ')])];
}

function volumeText(volume: Volume): string[] {
  if (volume.emptyDir !== undefined)
    return [
      "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)",
      `Medium:\t${volume.emptyDir.medium ?? ''}`,
      `SizeLimit:\t${String(volume.emptyDir.sizeLimit ?? '<unset>')}`,
    ];
  if (volume.configMap !== undefined)
    return [
      'Type:\tConfigMap (a volume populated by a ConfigMap)',
      `Name:\t${volume.configMap.name}`,
      `Optional:\t${String(volume.configMap.optional ?? false)}`,
    ];
  if (volume.secret !== undefined)
    return [
      'Type:\tSecret (a volume populated by a Secret)',
      `SecretName:\t${volume.secret.secretName}`,
      `Optional:\t${String(volume.secret.optional ?? false)}`,
    ];
  if (volume.hostPath !== undefined)
    return [
      'Type:\tHostPath (bare host directory volume)',
      `Path:\t${volume.hostPath.path}`,
      `HostPathType:\t${volume.hostPath.type ?? ''}`,
    ];
  if (volume.projected !== undefined)
    return [
      'Type:\tProjected (a volume that contains injected data from multiple sources)',
      ...(volume.projected.sources ?? []).flatMap(sourceLines),
    ];
  const kind = Object.keys(volume).find((key) => key !== 'name');
  return [`Type:\t${kind ?? '<unknown>'}`];
}

function sourceLines(source: VolumeProjection): string[] {
  if (source.serviceAccountToken !== undefined)
    return [`TokenExpirationSeconds:\t${source.serviceAccountToken.expirationSeconds ?? 3600}`];
  if (source.configMap !== undefined)
    return [`ConfigMapName:\t${source.configMap.name}`, `Optional:\t${String(source.configMap.optional ?? false)}`];
  if (source.secret !== undefined)
    return [`SecretName:\t${source.secret.name}`, `Optional:\t${String(source.secret.optional ?? false)}`];
  return source.downwardAPI === undefined ? [] : ['DownwardAPI:\ttrue'];
}
