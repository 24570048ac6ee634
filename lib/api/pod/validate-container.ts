// Decides whether the containers of a pod spec may stand: names, images, ports, environment, resources, restarts. Never looks
// at the rest of the spec but what its context tells.
import { duplicate, forbidden, invalidValue, notSupported, oneOf, required, type FieldError } from '../field-error.ts';
import { dns1123Label, portName, portNumber } from '../formats.ts';
import type { Container, ContainerPort, PodSpec, Volume } from '../generated/types.ts';
import { validateEnv, validateEnvFrom } from './validate-env.ts';
import { validateDevices, validateMounts } from './validate-mounts.ts';
import { refuseHandlers, validateHandlers, type HandlerContext } from './validate-probes.ts';
import { validateResources } from './validate-resources.ts';
import { validateSecurityContext } from './validate-security.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const RESIZABLE = ['cpu', 'memory'];
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer'];

/** What the checks of one container need to know of its pod. */
export interface PodContext extends HandlerContext {
  /** Those that nothing is wrong with. */
  volumes: ReadonlyMap<string, Volume>;
  restartPolicy: string | undefined;
  hostUsers: boolean;
  claims: ReadonlySet<string>;
}

export function podContextOf(spec: PodSpec, volumes: ReadonlyMap<string, Volume>): PodContext {
  return {
    volumes,
    os: spec.os?.name,
    restartPolicy: spec.restartPolicy,
    hostUsers: spec.hostUsers !== false,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    claims: new Set((spec.resourceClaims ?? []).flatMap(({ name }) => (name ? [name] : []))),
  };
}

/** Container names are unique over both lists; host ports over those that run side by side. */
export function validateContainers(spec: PodSpec, ctx: PodContext): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const containers = spec.containers ?? [];
  if (containers.length === 0) errors.push(required('spec.containers'));
  containers.forEach((container, i) => {
    const path = `spec.containers[${i}]`;
    errors.push(...validateContainer(container, path, ctx));
    if (names.has(container.name)) errors.push(duplicate(`${path}.name`, container.name));
    names.add(container.name);
    errors.push(...validateHandlers(container, path, ctx));
    if (container.restartPolicy !== undefined)
      errors.push(forbidden(`${path}.restartPolicy`, 'may not be set for non-init containers'));
  });
  errors.push(...repeatedHostPorts(containers, 'spec.containers'));
  (spec.initContainers ?? []).forEach((container, i) => {
    const path = `spec.initContainers[${i}]`;
    errors.push(...validateContainer(container, path, ctx));
    if (container.restartPolicy !== undefined && container.restartPolicy !== 'Always')
      errors.push(notSupported(`${path}.restartPolicy`, container.restartPolicy, ['Always']));
    if (names.has(container.name)) errors.push(duplicate(`${path}.name`, container.name));
    if (container.name) names.add(container.name);
    // They run one by one, and are told by the number that they have alone.
    errors.push(...repeatedHostPorts([container], 'spec.initContainers'));
    errors.push(
      ...(container.restartPolicy === 'Always'
        ? validateHandlers(container, path, ctx)
        : refuseHandlers(container, path)),
    );
  });
  return errors;
}

function repeatedHostPorts(containers: readonly Container[], path: string): FieldError[] {
  const seen = new Set<string>();
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap((port, j) => {
      if (!port.hostPort) return [];
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (seen.has(key)) return [duplicate(`${path}[${i}].ports[${j}].hostPort`, key)];
      seen.add(key);
      return [];
    }),
  );
}

/** What all containers have alike. */
export function validateContainer(container: Container, path: string, ctx: PodContext): FieldError[] {
  return [
    ...validateName(container, path),
    ...(container.image ? [] : [required(`${path}.image`)]),
    ...oneOf(
      `${path}.terminationMessagePolicy`,
      container.terminationMessagePolicy,
      ['File', 'FallbackToLogsOnError'],
      true,
    ),
    ...validatePorts(container.ports ?? [], `${path}.ports`),
    ...(container.env ?? []).flatMap((variable, i) => validateEnv(variable, `${path}.env[${i}]`)),
    ...(container.envFrom ?? []).flatMap((source, i) =>
      validateEnvFrom(source, `${path}.envFrom[${i}]`, `${path}.envFrom`),
    ),
    ...validateMounts(container, path, ctx.volumes),
    ...validateDevices(container, path, ctx.volumes),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], true),
    ...validateResources(container.resources, `${path}.resources`, ctx.claims),
    ...validateResizePolicies(container, `${path}.resizePolicy`, ctx),
    ...validateSecurityContext(container.securityContext, `${path}.securityContext`, ctx.hostUsers),
  ];
}

function validateName(container: Container, path: string): FieldError[] {
  if (!container.name) return [required(`${path}.name`)];
  return dns1123Label(container.name).map((told) => invalidValue(`${path}.name`, container.name, told));
}

/** Templates are read by others too: there a blank image may mean something. */
export function validateImage({ image = '' }: Container, path: string): FieldError[] {
  return image === image.trim()
    ? []
    : [invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace')];
}

function validatePorts(ports: ContainerPort[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, j) => {
    const at = `${path}[${j}]`;
    const errors: FieldError[] = [];
    if (port.name) {
      const problems = portName(port.name);
      errors.push(...problems.map((told) => invalidValue(`${at}.name`, port.name, told)));
      if (problems.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      if (problems.length === 0) names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    for (const field of ['containerPort', 'hostPort'] as const)
      if (port[field])
        errors.push(...portNumber(port[field]).map((told) => invalidValue(`${at}.${field}`, port[field], told)));
    return [...errors, ...oneOf(`${at}.protocol`, port.protocol, PROTOCOLS, true)];
  });
}

/** On the node's own network a port is what it is; a template may leave that open. */
export function validateHostNetworkPorts(spec: PodSpec, isTemplate: boolean): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  return (spec.containers ?? []).flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort = 0, containerPort }, j) => {
      if (hostPort === containerPort || (isTemplate && hostPort === 0)) return [];
      const told = 'must match `containerPort` when `hostNetwork` is true';
      return [invalidValue(`spec.containers[${i}].ports[${j}].hostPort`, hostPort, told)];
    }),
  );
}

/** The real server tells of them at the list. */
function validateResizePolicies(container: Container, path: string, { restartPolicy }: PodContext): FieldError[] {
  const seen = new Set<string>();
  return (container.resizePolicy ?? []).flatMap((policy, i) => {
    const errors: FieldError[] = [];
    const resourceName = policy.resourceName ?? '';
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${i}]`, resourceName));
    seen.add(resourceName);
    errors.push(
      ...oneOf(path, resourceName, RESIZABLE, true),
      ...oneOf(path, policy.restartPolicy, RESIZE_POLICIES, true),
    );
    if (restartPolicy === 'Never' && policy.restartPolicy !== 'NotRequired')
      errors.push(
        invalidValue(path, policy.restartPolicy ?? '', "must be 'NotRequired' when `restartPolicy` is 'Never'"),
      );
    return errors;
  });
}
