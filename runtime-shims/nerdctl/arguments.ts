// Decides the arguments of every nerdctl call; golden tests hold them. Never runs nerdctl. The same words are docker's.
import type { ContainerSpec, EnsureImageOptions, Limits, Mount, SandboxSpec } from '../contract.ts';
import { LABELS, labelsOf } from '../shared/identity.ts';

/** Holds a pod's namespaces: nerdctl, unlike ctr, joins only those of a running container. */
export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.9';

export function pauseArguments(id: string, spec: SandboxSpec, image: string): string[] {
  const labels = {
    [LABELS.podUid]: spec.pod.uid,
    [LABELS.podName]: spec.pod.name,
    [LABELS.podNamespace]: spec.pod.namespace,
    [LABELS.attempt]: String(spec.attempt),
    [LABELS.kind]: 'sandbox',
  };
  const network = spec.hostNetwork ? ['--network', 'host'] : ['--network', 'none', '--hostname', spec.hostname];
  const ipc = ['--ipc', spec.hostIpc ? 'host' : 'shareable'];
  const pid = spec.hostPid ? ['--pid', 'host'] : [];
  return ['run', '--detach', '--name', id, ...network, ...ipc, ...pid, ...labelFlags(labels), image];
}

export function runArguments(id: string, spec: ContainerSpec, sandbox: SandboxSpec, cgroupParent: string): string[] {
  const shared = `container:${spec.sandboxId}`;
  const pid = sandbox.hostPid ? ['--pid', 'host'] : sandbox.shareProcessNamespace ? ['--pid', shared] : [];
  const [program, ...rest] = spec.argv;
  return [
    'run',
    '--detach',
    ...flag('--name', id),
    ...flag('--network', shared),
    ...flag('--ipc', sandbox.hostIpc ? 'host' : shared),
    ...pid,
    ...flag('--cgroup-parent', cgroupParent),
    ...flag('--log-driver', 'json-file'),
    ...flag('--log-opt', `log-path=${spec.logPath}`),
    ...labelFlags(labelsOf(spec)),
    ...Object.entries(spec.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...(spec.workingDir === '' ? [] : ['--workdir', spec.workingDir]),
    ...userFlags(spec),
    ...spec.mounts.flatMap(mountFlags),
    ...limitFlags(spec.limits),
    ...securityFlags(spec),
    ...Object.entries(spec.sysctls).flatMap(([name, value]) => ['--sysctl', `${name}=${value}`]),
    ...flag('--oom-score-adj', String(spec.oomScoreAdjust)),
    ...(program === undefined ? [] : ['--entrypoint', program]),
    spec.image.ref,
    ...rest,
  ];
}

export function pullArguments(ref: string, _options: EnsureImageOptions): string[] {
  return ['pull', '--quiet', ref];
}

function flag(name: string, value: string): string[] {
  return [name, value];
}

function labelFlags(labels: Record<string, string>): string[] {
  return Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
}

function userFlags({ user }: ContainerSpec): string[] {
  const groups = user.groups.flatMap((group) => ['--group-add', String(group)]);
  if (user.uid === undefined && user.gid === undefined) return groups;
  const own = user.gid === undefined ? String(user.uid) : `${user.uid ?? 0}:${user.gid}`;
  return ['--user', own, ...groups];
}

function mountFlags(mount: Mount): string[] {
  return [
    '--volume',
    `${mount.source}:${mount.target}:${mount.readOnly ? 'ro' : 'rw'},${mount.propagation === 'private' ? 'rprivate' : mount.propagation}`,
  ];
}

function limitFlags(limits: Limits): string[] {
  const flags: Array<[string, number | undefined, string]> = [
    ['--memory', limits.memoryBytes, 'b'],
    ['--cpu-shares', limits.cpuShares, ''],
    ['--cpu-quota', limits.cpuQuotaMicros, ''],
    ['--cpu-period', limits.cpuQuotaMicros === undefined ? undefined : limits.cpuPeriodMicros, ''],
    ['--pids-limit', limits.pids, ''],
  ];
  return flags.flatMap(([flag, value, unit]) => (value === undefined ? [] : [flag, `${value}${unit}`]));
}

function securityFlags(spec: ContainerSpec): string[] {
  if (spec.privileged) return ['--privileged', ...(spec.readOnlyRoot ? ['--read-only'] : [])];
  const capabilities = spec.capabilities.flatMap((name) => ['--cap-add', name.replace(/^CAP_/, '')]);
  return [
    ...flag('--cap-drop', 'ALL'),
    ...capabilities,
    ...(spec.seccomp === 'unconfined' ? ['--security-opt', 'seccomp=unconfined'] : []),
    ...(spec.noNewPrivileges ? ['--security-opt', 'no-new-privileges'] : []),
    ...(spec.readOnlyRoot ? ['--read-only'] : []),
  ];
}
