// Decides the arguments of `ctr run` for one container. Most of its life stands in the OCI specification that the runc
// wrapper lays over ctr's own; what `ctr t exec` reads later (environment, capabilities, directory) must stand here too.
import type { ContainerSpec } from '../contract.ts';
import { labelsOf } from '../shared/identity.ts';
import { loggerUri } from './logger.ts';

/** What containerd gives every container. */
const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

export interface RunPlace {
  id: string;
  runcBinary: string;
  /** See logger.ts. */
  logger: string;
  /** On a terminal, `ctr run` stays beside its container, and says in this file when it has been made. */
  pidFile?: string;
  cgroupsPath: string;
}

export function runArguments(spec: ContainerSpec, place: RunPlace): string[] {
  const flags: Array<[flag: string, value: string]> = [
    place.pidFile === undefined ? ['--log-uri', loggerUri(place.logger, spec.logPath)] : ['--pid-file', place.pidFile],
    ['--runc-binary', place.runcBinary],
    ['--cgroup', place.cgroupsPath],
    ...Object.entries(labelsOf(spec)).map(([name, value]): [string, string] => ['--label', `${name}=${value}`]),
    ...Object.entries(spec.env).map(([name, value]): [string, string] => ['--env', `${name}=${value}`]),
    ...spec.capabilities
      .filter((name) => !DEFAULT_CAPABILITIES.includes(name))
      .map((name): [string, string] => ['--cap-add', name]),
    ...DEFAULT_CAPABILITIES.filter((name) => !spec.capabilities.includes(name)).map((name): [string, string] => [
      '--cap-drop',
      name,
    ]),
  ];
  return [
    'run',
    place.pidFile === undefined ? '--detach' : '--tty',
    ...flags.flat(),
    ...(spec.noNewPrivileges ? [] : ['--allow-new-privs']),
    ...(spec.seccomp === 'default' && !spec.privileged ? ['--seccomp'] : []),
    spec.image.ref,
    place.id,
    ...spec.argv,
  ];
}
