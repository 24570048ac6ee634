// Decides whether the containers of a pod spec may stand: names, images, ports, environment, mounts, resources, probes.
// Never looks at the rest of the spec but its volumes' names and its grace period.
import {
  duplicate,
  forbidden,
  invalidValue,
  notFoundValue,
  notSupported,
  required,
  type FieldError,
} from '../field-error.ts';
import { dns1123Label, httpHeaderName, portName, portNumber } from '../formats.ts';
import type { Container, ContainerPort, LifecycleHandler, PodSpec, Probe, Volume } from '../generated/types.ts';
import { validateEnv, validateEnvFrom } from './validate-env.ts';
import { validateResources } from './validate-resources.ts';
import { validateSecurityContext } from './validate-security.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const NEGATIVE = 'must be greater than or equal to 0';

/** What the checks of one container need to know of its pod. */
export interface PodContext {
  volumes: ReadonlyMap<string, Volume>;
  hostNetwork: boolean;
  graceSeconds: number;
  /** Pods are held more strictly than templates in a few places. */
  isTemplate: boolean;
  claims: ReadonlySet<string>;
}

export function podContextOf(spec: PodSpec, isTemplate: boolean): PodContext {
  return {
    volumes: new Map((spec.volumes ?? []).map((volume) => [volume.name, volume])),
    hostNetwork: spec.hostNetwork === true,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    isTemplate,
    claims: new Set((spec.resourceClaims ?? []).map((claim) => claim.name)),
  };
}

/** Container names are unique over all lists; host ports over the lists that run side by side. */
export function validateContainers(spec: PodSpec, ctx: PodContext): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  if ((spec.containers ?? []).length === 0) errors.push(required('spec.containers'));
  for (const [list, isInit] of [
    ['containers', false],
    ['initContainers', true],
  ] as const)
    (spec[list] ?? []).forEach((container, i) => {
      const path = `spec.${list}[${i}]`;
      errors.push(...validateContainer(container, path, ctx, isInit));
      if (names.has(container.name) && container.name !== '') errors.push(duplicate(`${path}.name`, container.name));
      names.add(container.name);
      if (!isInit || container.restartPolicy === 'Always')
        errors.push(...repeatedHostPorts(container.ports ?? [], path, hostPorts));
    });
  return errors;
}

function repeatedHostPorts(ports: ContainerPort[], path: string, seen: Set<string>): FieldError[] {
  return ports.flatMap((port, j) => {
    if (!port.hostPort) return [];
    const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
    if (seen.has(key)) return [duplicate(`${path}.ports[${j}].hostPort`, key)];
    seen.add(key);
    return [];
  });
}

export function validateContainer(container: Container, path: string, ctx: PodContext, isInit: boolean): FieldError[] {
  return [
    ...validateName(container, path),
    ...validateImage(container.image ?? '', path, ctx),
    ...validateRestartPolicy(container, path, isInit),
    ...validateHandlers(container, path, ctx, isInit),
    ...oneOf(
      `${path}.terminationMessagePolicy`,
      container.terminationMessagePolicy,
      ['File', 'FallbackToLogsOnError'],
      true,
    ),
    ...validatePorts(container.ports ?? [], `${path}.ports`, ctx),
    ...(container.env ?? []).flatMap((variable, i) => validateEnv(variable, `${path}.env[${i}]`)),
    ...(container.envFrom ?? []).flatMap((source, i) => validateEnvFrom(source, `${path}.envFrom[${i}]`)),
    ...validateMounts(container, path, ctx),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], true),
    ...validateResources(container.resources, `${path}.resources`, ctx.claims),
    ...validateResizePolicies(container, path),
    ...validateSecurityContext(container.securityContext, `${path}.securityContext`),
  ];
}

function validateName(container: Container, path: string): FieldError[] {
  if (!container.name) return [required(`${path}.name`)];
  return dns1123Label(container.name).map((told) => invalidValue(`${path}.name`, container.name, told));
}

function validateImage(image: string, path: string, ctx: PodContext): FieldError[] {
  if (image === '') return [required(`${path}.image`)];
  return !ctx.isTemplate && image !== image.trim()
    ? [invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace')]
    : [];
}

/** Values of an enumeration, told in the order of the table that calls (the real server sorts most, but not all). */
export function oneOf(path: string, value: unknown, supported: readonly string[], mustBeSet = false): FieldError[] {
  if (value === undefined || value === '') return mustBeSet ? [required(path)] : [];
  return supported.includes(value as string) ? [] : [notSupported(path, value, supported)];
}

function validateRestartPolicy(container: Container, path: string, isInit: boolean): FieldError[] {
  if (container.restartPolicy === undefined) return [];
  return isInit
    ? oneOf(`${path}.restartPolicy`, container.restartPolicy, ['Always'])
    : [forbidden(`${path}.restartPolicy`, 'may not be set for non-init containers')];
}

function validatePorts(ports: ContainerPort[], path: string, ctx: PodContext): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, j) => {
    const at = `${path}[${j}]`;
    const errors: FieldError[] = [];
    if (port.name) {
      const problems = portName(port.name);
      errors.push(...problems.map((told) => invalidValue(`${at}.name`, port.name, told)));
      if (problems.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else
      errors.push(
        ...portNumber(port.containerPort).map((told) => invalidValue(`${at}.containerPort`, port.containerPort, told)),
      );
    if (port.hostPort) {
      errors.push(...portNumber(port.hostPort).map((told) => invalidValue(`${at}.hostPort`, port.hostPort, told)));
      if (ctx.hostNetwork && port.hostPort !== port.containerPort)
        errors.push(
          invalidValue(`${at}.hostPort`, port.hostPort, 'must match `containerPort` when `hostNetwork` is true'),
        );
    }
    return [...errors, ...oneOf(`${at}.protocol`, port.protocol, PROTOCOLS, true)];
  });
}

function validateMounts(container: Container, path: string, ctx: PodContext): FieldError[] {
  const paths = new Set<string>();
  const errors = (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${path}.volumeMounts[${i}]`;
    const problems: FieldError[] = [];
    if (!mount.name) problems.push(required(`${at}.name`));
    else if (!ctx.volumes.has(mount.name)) problems.push(notFoundValue(`${at}.name`, mount.name));
    if (!mount.mountPath) problems.push(required(`${at}.mountPath`));
    else if (paths.has(mount.mountPath))
      problems.push(invalidValue(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    problems.push(...localPath(mount.subPath, `${at}.subPath`), ...localPath(mount.subPathExpr, `${at}.subPathExpr`));
    if (mount.subPath && mount.subPathExpr)
      problems.push(
        invalidValue(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
      );
    problems.push(
      ...oneOf(`${at}.mountPropagation`, mount.mountPropagation, ['Bidirectional', 'HostToContainer', 'None']),
    );
    if (mount.mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true)
      problems.push(
        forbidden(
          `${at}.mountPropagation`,
          'Bidirectional mount propagation is available only to privileged containers',
        ),
      );
    return problems;
  });
  return [...errors, ...validateDevices(container, path, ctx)];
}

function validateDevices(container: Container, path: string, ctx: PodContext): FieldError[] {
  return (container.volumeDevices ?? []).flatMap((device, i) => {
    const at = `${path}.volumeDevices[${i}]`;
    const volume = ctx.volumes.get(device.name);
    const errors: FieldError[] = [];
    if (!device.name) errors.push(required(`${at}.name`));
    else if (volume === undefined) errors.push(notFoundValue(`${at}.name`, device.name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined)
      errors.push(
        invalidValue(
          `${at}.name`,
          device.name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      );
    if (!device.devicePath) errors.push(required(`${at}.devicePath`));
    return errors;
  });
}

/** A path inside something: relative, and it does not climb out. */
export function localPath(value: string | undefined, path: string): FieldError[] {
  if (value === undefined || value === '') return [];
  const errors: FieldError[] = [];
  if (value.startsWith('/')) errors.push(invalidValue(path, value, 'must be a relative path'));
  if (value.split('/').includes('..')) errors.push(invalidValue(path, value, "must not contain '..'"));
  return errors;
}

function validateResizePolicies(container: Container, path: string): FieldError[] {
  const seen = new Set<string>();
  return (container.resizePolicy ?? []).flatMap((policy, i) => {
    const at = `${path}.resizePolicy[${i}]`;
    const errors = [
      ...oneOf(`${at}.resourceName`, policy.resourceName, ['cpu', 'memory'], true),
      ...oneOf(`${at}.restartPolicy`, policy.restartPolicy, ['NotRequired', 'RestartContainer'], true),
    ];
    if (seen.has(policy.resourceName)) errors.push(duplicate(at, policy.resourceName));
    seen.add(policy.resourceName);
    return errors;
  });
}

function validateHandlers(container: Container, path: string, ctx: PodContext, isInit: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const mayHaveHandlers = !isInit || container.restartPolicy === 'Always';
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] === undefined) continue;
    if (!mayHaveHandlers)
      errors.push(forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
    else if (field !== 'lifecycle') errors.push(...validateProbe(container[field]!, `${path}.${field}`, field, ctx));
  }
  if (!mayHaveHandlers) return errors;
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[hook];
    if (handler !== undefined) errors.push(...validateHandler(handler, `${path}.lifecycle.${hook}`, ctx));
  }
  return errors;
}

const PROBE_NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateProbe(probe: Probe, path: string, field: string, ctx: PodContext): FieldError[] {
  const errors = validateHandler(probe, path, ctx);
  for (const key of PROBE_NUMBERS)
    if ((probe[key] ?? 0) < 0) errors.push(invalidValue(`${path}.${key}`, probe[key], NEGATIVE));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  if (field === 'readinessProbe') {
    if (grace !== undefined)
      errors.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
  } else if ((probe.successThreshold ?? 1) !== 1)
    errors.push(invalidValue(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
  return errors;
}

function validateHandler(handler: LifecycleHandler & Probe, path: string, ctx: PodContext): FieldError[] {
  const errors: FieldError[] = [];
  const given = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (key) => handler[key] !== undefined,
  );
  if (given.length === 0) errors.push(required(path, 'must specify a handler type'));
  for (const extra of given.slice(1))
    errors.push(forbidden(`${path}.${extra}`, 'may not specify more than 1 handler type'));
  if (handler.exec !== undefined && (handler.exec.command ?? []).length === 0)
    errors.push(required(`${path}.exec.command`));
  if (handler.httpGet !== undefined) {
    const http = handler.httpGet;
    if (!http.path) errors.push(required(`${path}.httpGet.path`));
    errors.push(...portOrName(http.port, `${path}.httpGet.port`));
    errors.push(...oneOf(`${path}.httpGet.scheme`, http.scheme, ['HTTP', 'HTTPS']));
    for (const header of http.httpHeaders ?? [])
      errors.push(
        ...httpHeaderName(header.name).map((told) => invalidValue(`${path}.httpGet.httpHeaders`, header.name, told)),
      );
  }
  if (handler.tcpSocket !== undefined) errors.push(...portOrName(handler.tcpSocket.port, `${path}.tcpSocket.port`));
  if (handler.grpc !== undefined) errors.push(...portOrName(handler.grpc.port, `${path}.grpc.port`));
  const sleep = handler.sleep?.seconds;
  if (sleep !== undefined && (sleep < 0 || sleep > ctx.graceSeconds))
    errors.push(
      invalidValue(
        `${path}.sleep`,
        sleep,
        `must be non-negative and less than terminationGracePeriodSeconds (${ctx.graceSeconds})`,
      ),
    );
  return errors;
}

export function portOrName(port: number | string, path: string): FieldError[] {
  const problems = typeof port === 'number' ? portNumber(port) : portName(port);
  return problems.map((told) => invalidValue(path, port, told));
}
