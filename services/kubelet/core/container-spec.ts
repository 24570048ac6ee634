// Decides everything that a runtime must be told to run one container: program, user, mounts, limits, capabilities.
// Never knows which runtime it is for.
import type { Container, Pod, SecurityContext, VolumeMount } from '../../../lib/api/generated/types.ts';
import type {
  ContainerKind,
  ContainerSpec,
  ImageState,
  Mount,
  PodIdentity,
  UserSpec,
} from '../../../runtime-shims/contract.ts';
import { expand } from './environment.ts';
import { configProblem, PodProblem } from './problem.ts';
import { containerLimitsOf, oomScoreAdjustOf } from './resources.ts';

export interface ContainerSurroundings {
  pod: Pod;
  container: Container;
  kind: ContainerKind;
  attempt: number;
  sandboxId: string;
  image: ImageState;
  env: Record<string, string>;
  /** Where each volume is on the node, by name. */
  volumePaths: Readonly<Record<string, string>>;
  /** Files that the kubelet gives every container. */
  files: { hosts: string; resolvConf: string; hostname: string; terminationLog: string };
  logPath: string;
  /** The running container whose processes it shall see. */
  processNamespaceOf?: string;
  machineBytes: number;
}

/** What containerd gives a container that asks for nothing. */
export const DEFAULT_CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
];

export function podIdentityOf(pod: Pod): PodIdentity {
  return { uid: pod.metadata.uid ?? '', namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}

/** Throws PodProblem. */
export function containerSpecOf(around: ContainerSurroundings): ContainerSpec {
  const { pod, container, image, env } = around;
  const security = container.securityContext ?? {};
  const privileged = security.privileged === true;
  const workingDir =
    container.workingDir !== undefined && container.workingDir !== '' ? container.workingDir : image.config.workingDir;
  return {
    pod: podIdentityOf(pod),
    sandboxId: around.sandboxId,
    name: container.name,
    attempt: around.attempt,
    kind: around.kind,
    image,
    argv: argvOf(container, image, env),
    env: container.tty === true ? { TERM: 'xterm', ...env } : env,
    workingDir: expand(workingDir === '' ? '/' : workingDir, env),
    user: userOf(pod, security, image),
    mounts: mountsOf(around),
    limits: containerLimitsOf(container),
    capabilities: capabilitiesOf(security),
    privileged,
    readOnlyRoot: security.readOnlyRootFilesystem === true,
    noNewPrivileges: security.allowPrivilegeEscalation === false,
    seccomp: seccompOf(pod, security),
    oomScoreAdjust: oomScoreAdjustOf(pod.spec, container, around.machineBytes),
    sysctls: sysctlsOf(pod),
    logPath: around.logPath,
    annotations: pod.metadata.annotations ?? {},
    ...(container.stdin === true
      ? { stdin: container.stdinOnce === true ? ('once' as const) : ('open' as const) }
      : {}),
    tty: container.tty === true,
    ...(around.processNamespaceOf === undefined ? {} : { processNamespaceOf: around.processNamespaceOf }),
  };
}

/** A command of the pod replaces the image's entrypoint and its arguments; arguments alone replace only those. */
function argvOf(container: Container, image: ImageState, env: Record<string, string>): string[] {
  const command = container.command ?? [];
  const args = container.args ?? [];
  const program = command.length > 0 ? command : image.config.entrypoint;
  const rest = args.length > 0 || command.length > 0 ? args : image.config.command;
  const argv = [
    ...(command.length > 0 ? program.map((word) => expand(word, env)) : program),
    ...(args.length > 0 ? rest.map((word) => expand(word, env)) : rest),
  ];
  if (argv.length === 0)
    throw new PodProblem(
      'CreateContainerError',
      `no command specified: neither the container nor image "${image.ref}" says what to run`,
    );
  return argv;
}

function userOf(pod: Pod, security: SecurityContext, image: ImageState): UserSpec {
  const ofPod = pod.spec.securityContext ?? {};
  const uid = security.runAsUser ?? ofPod.runAsUser;
  const gid = security.runAsGroup ?? ofPod.runAsGroup;
  if ((security.runAsNonRoot ?? ofPod.runAsNonRoot) === true) refuseRoot(uid, image);
  const groups = [...(ofPod.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])];
  return {
    image: image.config.user,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    groups,
  };
}

function refuseRoot(uid: number | undefined, image: ImageState): void {
  if (uid === 0) throw configProblem("container's runAsUser breaks non-root policy");
  if (uid !== undefined) return;
  const name = image.config.user.split(':')[0]!;
  if (name === '' || name === '0' || name === 'root')
    throw configProblem('container has runAsNonRoot and image will run as root');
  if (!/^\d+$/.test(name))
    throw configProblem(
      `container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root`,
    );
}

/** Own mounts win over the kubelet's files. */
function mountsOf(around: ContainerSurroundings): Mount[] {
  const { container, files } = around;
  const asked = (container.volumeMounts ?? []).map((mount) => volumeMount(mount, around));
  const given: Mount[] = [
    { source: files.hosts, target: '/etc/hosts', readOnly: false, propagation: 'private' },
    { source: files.resolvConf, target: '/etc/resolv.conf', readOnly: false, propagation: 'private' },
    { source: files.hostname, target: '/etc/hostname', readOnly: false, propagation: 'private' },
    {
      source: files.terminationLog,
      target: container.terminationMessagePath ?? '/dev/termination-log',
      readOnly: false,
      propagation: 'private',
    },
  ];
  return [...given.filter(({ target }) => !asked.some((mount) => mount.target === target)), ...asked].toSorted(byDepth);
}

/** `/a` must be mounted before `/a/b`. */
function byDepth(a: Mount, b: Mount): number {
  return a.target.split('/').length - b.target.split('/').length;
}

function volumeMount(mount: VolumeMount, { container, volumePaths, env }: ContainerSurroundings): Mount {
  const path = volumePaths[mount.name];
  if (path === undefined)
    throw configProblem(`container ${container.name} mounts volume "${mount.name}", which the pod does not have`);
  const subPath =
    mount.subPathExpr === undefined || mount.subPathExpr === ''
      ? (mount.subPath ?? '')
      : expand(mount.subPathExpr, env);
  if (subPath.startsWith('/') || subPath.split('/').includes('..'))
    throw configProblem(`subPath "${subPath}" of volume "${mount.name}" must not leave the volume`);
  const propagation = { HostToContainer: 'rslave', Bidirectional: 'rshared' } as const;
  return {
    source: subPath === '' ? path : `${path}/${subPath}`,
    target: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    readOnly: mount.readOnly === true,
    propagation: propagation[mount.mountPropagation as keyof typeof propagation] ?? 'private',
  };
}

export function capabilitiesOf(security: SecurityContext): string[] {
  const name = (text: string): string => text.toUpperCase().replace(/^CAP_/, '');
  const added = (security.capabilities?.add ?? []).map(name);
  const dropped = new Set((security.capabilities?.drop ?? []).map(name));
  if (added.includes('ALL')) return ['ALL'];
  const base = dropped.has('ALL') ? [] : DEFAULT_CAPABILITIES.filter((one) => !dropped.has(one));
  return [...new Set([...base, ...added])].map((one) => `CAP_${one}`);
}

function seccompOf(pod: Pod, security: SecurityContext): 'unconfined' | 'default' {
  const profile = security.seccompProfile ?? pod.spec.securityContext?.seccompProfile;
  if (profile?.type === 'Localhost')
    throw configProblem(`seccomp profile ${profile.localhostProfile ?? ''}: profiles of the node are not supported`);
  return profile?.type === 'RuntimeDefault' ? 'default' : 'unconfined';
}

/** Programs that are not root may listen below 1024: the network is the pod's own. */
function sysctlsOf(pod: Pod): Record<string, string> {
  const asked = Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]));
  return pod.spec.hostNetwork === true ? asked : { 'net.ipv4.ip_unprivileged_port_start': '0', ...asked };
}
