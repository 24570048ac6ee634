// Decides the complete OCI runtime specification of one container. Never decides what a pod may have: the kubelet has
// said that in the ContainerSpec.
import type { ContainerSpec, Limits, Mount } from '../contract.ts';
import type { ResolvedUser } from './users.ts';

/** What only the machine and the sandbox know. */
export interface OciSurroundings {
  user: ResolvedUser;
  /** Paths of held namespaces; absent: the host's own. `pid: 'new'`: the container gets its own. */
  namespaces: { network: string; ipc?: string; uts?: string; pid: 'new' | 'host' | { path: string } };
  shmPath: string;
  cgroupsPath: string;
  cgroupVersion: 1 | 2;
  seccomp?: object;
}

const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function ociSpecOf(spec: ContainerSpec, around: OciSurroundings): object {
  return {
    ociVersion: '1.0.2',
    process: processOf(spec, around.user),
    root: { path: 'rootfs', readonly: spec.readOnlyRoot },
    mounts: [...systemMounts(spec, around), ...spec.mounts.map(bindMount)],
    linux: {
      cgroupsPath: around.cgroupsPath,
      namespaces: namespacesOf(around),
      resources: resourcesOf(spec.limits, spec.privileged),
      sysctl: spec.sysctls,
      ...(spec.privileged ? {} : { maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS }),
      ...(around.seccomp === undefined || spec.privileged ? {} : { seccomp: around.seccomp }),
    },
  };
}

function processOf(spec: ContainerSpec, user: ResolvedUser): object {
  return {
    terminal: spec.tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    args: spec.argv,
    env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    cwd: spec.workingDir === '' ? '/' : spec.workingDir,
    capabilities: { bounding: spec.capabilities, effective: spec.capabilities, permitted: spec.capabilities },
    noNewPrivileges: spec.noNewPrivileges,
    oomScoreAdj: spec.oomScoreAdjust,
  };
}

function namespacesOf({ namespaces }: OciSurroundings): object[] {
  return [
    { type: 'mount' },
    { type: 'network', path: namespaces.network },
    ...(namespaces.pid === 'host' ? [] : [{ type: 'pid', ...(namespaces.pid === 'new' ? {} : namespaces.pid) }]),
    ...(namespaces.ipc === undefined ? [] : [{ type: 'ipc', path: namespaces.ipc }]),
    ...(namespaces.uts === undefined ? [] : [{ type: 'uts', path: namespaces.uts }]),
  ];
}

function systemMounts(spec: ContainerSpec, around: OciSurroundings): object[] {
  const writable = spec.privileged ? 'rw' : 'ro';
  const cgroupType = around.cgroupVersion === 2 ? 'cgroup2' : 'cgroup';
  return [
    mount('/proc', 'proc', 'proc', ['nosuid', 'noexec', 'nodev']),
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
    mount('/dev/mqueue', 'mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
    mount('/dev/shm', 'bind', around.shmPath, ['rbind', 'rw', 'nosuid', 'nodev']),
    mount('/sys', 'sysfs', 'sysfs', ['nosuid', 'noexec', 'nodev', writable]),
    mount('/sys/fs/cgroup', cgroupType, 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', writable]),
  ].filter(({ destination }) => !spec.mounts.some((own) => own.target === destination));
}

function mount(destination: string, type: string, source: string, options: string[]) {
  return { destination, type, source, options };
}

function bindMount(own: Mount): object {
  const travel = own.propagation === 'private' ? 'rprivate' : own.propagation;
  return mount(own.target, 'bind', own.source, ['rbind', own.readOnly ? 'ro' : 'rw', travel]);
}

function resourcesOf(limits: Limits, privileged: boolean): object {
  const { cpuShares, cpuQuotaMicros, cpuPeriodMicros, memoryBytes, pids } = limits;
  const cpu = {
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(cpuQuotaMicros === undefined ? {} : { quota: cpuQuotaMicros, period: cpuPeriodMicros ?? 100_000 }),
  };
  return {
    // runc adds the devices that every container may use (null, zero, random, tty …).
    devices: [privileged ? { allow: true, access: 'rwm' } : { allow: false, access: 'rwm' }],
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}
