// Decides what of a pod breaks the Pod Security Standards `baseline` and `restricted`, in upstream's words and order. Never
// knows a namespace.
export type Level = 'privileged' | 'baseline' | 'restricted';

type Check = (pod: Pod) => string | undefined;

interface Pod {
  metadata: any;
  spec: any;
  /** All of them: running, init, ephemeral. */
  containers: any[];
}

const BASELINE_CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);
const SAFE_SYSCTLS = new Set(
  'kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_rmem net.ipv4.tcp_wmem'.split(
    ' ',
  ),
);
const RESTRICTED_VOLUMES = new Set(
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' '),
);
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');
const plural = (word: string, list: readonly unknown[]): string => (list.length === 1 ? word : `${word}s`);
const named = (list: readonly any[]): string => `${plural('container', list)} ${quoted(list.map(({ name }) => name))}`;
const verb = (list: readonly unknown[], one: string, many: string): string => (list.length === 1 ? one : many);
const unique = (list: readonly string[]): string[] => [...new Set(list)].toSorted();

function hostNamespaces({ spec }: Pod): string | undefined {
  const found = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true);
  return found.length === 0 ? undefined : `host namespaces (${found.map((field) => `${field}=true`).join(', ')})`;
}

function hostPathVolumes({ spec }: Pod): string | undefined {
  const found = (spec.volumes ?? [])
    .filter((volume: any) => volume.hostPath !== undefined)
    .map(({ name }: any) => name);
  return found.length === 0 ? undefined : `hostPath volumes (${plural('volume', found)} ${quoted(found)})`;
}

function hostPorts({ containers }: Pod): string | undefined {
  const found = containers.filter(({ ports }) => (ports ?? []).some((port: any) => (port.hostPort ?? 0) !== 0));
  if (found.length === 0) return undefined;
  const ports = unique(
    found.flatMap((one) => one.ports.filter((port: any) => port.hostPort).map((port: any) => String(port.hostPort))),
  );
  return `hostPort (${named(found)} ${verb(found, 'uses', 'use')} ${plural('hostPort', ports)} ${ports.join(', ')})`;
}

function privileged({ containers }: Pod): string | undefined {
  const found = containers.filter(({ securityContext }) => securityContext?.privileged === true);
  return found.length === 0 ? undefined : `privileged (${named(found)} must not set securityContext.privileged=true)`;
}

function procMount({ containers }: Pod): string | undefined {
  const found = containers.filter(
    ({ securityContext: own }) => own?.procMount !== undefined && own.procMount !== 'Default',
  );
  return found.length === 0
    ? undefined
    : `procMount (${named(found)} must not set securityContext.procMount to "${found[0].securityContext.procMount}")`;
}

function baselineCapabilities({ containers }: Pod): string | undefined {
  const added = (one: any): string[] =>
    (one.securityContext?.capabilities?.add ?? []).filter((name: string) => !BASELINE_CAPABILITIES.has(name));
  const found = containers.filter((one) => added(one).length > 0);
  if (found.length === 0) return undefined;
  return `non-default capabilities (${named(found)} must not include ${quoted(unique(found.flatMap(added)))} in securityContext.capabilities.add)`;
}

function seLinuxOptions({ spec, containers }: Pod): string | undefined {
  const optionsOf = (one: any): any[] => [one?.securityContext?.seLinuxOptions].filter(Boolean);
  const all = [spec, ...containers].flatMap(optionsOf);
  const types = unique(all.map(({ type = '' }) => type).filter((type) => !SELINUX_TYPES.has(type)));
  const custom = ['user', 'role'].filter((field) => all.some((one) => (one[field] ?? '') !== ''));
  const problems = [
    ...(types.length === 0 ? [] : [`${plural('type', types)} ${quoted(types)}`]),
    ...custom.map((field) => `${field} may not be set`),
  ];
  if (problems.length === 0) return undefined;
  const isBad = (one: any): boolean =>
    optionsOf(one).some(
      ({ type = '', user = '', role = '' }) => !SELINUX_TYPES.has(type) || user !== '' || role !== '',
    );
  const found = containers.filter(isBad);
  const who = [...(isBad(spec) ? ['pod'] : []), ...(found.length === 0 ? [] : [named(found)])].join(' and ');
  return `seLinuxOptions (${who} set forbidden securityContext.seLinuxOptions: ${problems.join('; ')})`;
}

function baselineSeccomp({ spec, containers }: Pod): string | undefined {
  const isOff = (context: any): boolean => context?.seccompProfile?.type === 'Unconfined';
  const found = containers.filter(({ securityContext }) => isOff(securityContext));
  if (!isOff(spec.securityContext) && found.length === 0) return undefined;
  const who = [...(isOff(spec.securityContext) ? ['pod'] : []), ...(found.length === 0 ? [] : [named(found)])].join(
    ' and ',
  );
  return `seccompProfile (${who} must not set securityContext.seccompProfile.type to "Unconfined")`;
}

const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const isSafeProfile = (value: string): boolean =>
  value === '' || value === 'runtime/default' || value.startsWith('localhost/');

function appArmor({ metadata, spec, containers }: Pod): string | undefined {
  const typesOf = (one: any): string[] =>
    [one?.securityContext?.appArmorProfile?.type].filter(
      (type) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost',
    );
  const annotated = Object.entries((metadata.annotations ?? {}) as Record<string, string>)
    .filter(([key, value]) => key.startsWith(APP_ARMOR) && !isSafeProfile(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted();
  const found = containers.filter((one) => typesOf(one).length > 0);
  const values = [...unique([spec, ...containers].flatMap(typesOf)), ...annotated];
  if (values.length === 0) return undefined;
  const setters = [
    ...(typesOf(spec).length === 0 ? [] : ['pod']),
    ...(found.length === 0 ? [] : [named(found)]),
    ...(annotated.length === 0 ? [] : [plural('annotation', annotated)]),
  ];
  return `forbidden AppArmor ${plural('profile', values)} (${setters.join(' and ')} must not set AppArmor profile type to ${quoted(values)})`;
}

function sysctls({ spec }: Pod): string | undefined {
  const found = (spec.securityContext?.sysctls ?? [])
    .map(({ name }: any) => name)
    .filter((name: string) => !SAFE_SYSCTLS.has(name));
  return found.length === 0 ? undefined : `forbidden sysctls (${found.join(', ')})`;
}

function windowsHostProcess({ spec, containers }: Pod): string | undefined {
  const isOn = (context: any): boolean => context?.windowsOptions?.hostProcess === true;
  const found = containers.filter(({ securityContext }) => isOn(securityContext));
  if (!isOn(spec.securityContext) && found.length === 0) return undefined;
  const who = [...(isOn(spec.securityContext) ? ['pod'] : []), ...(found.length === 0 ? [] : [named(found)])].join(
    ' and ',
  );
  return `hostProcess (${who} must not set securityContext.windowsOptions.hostProcess=true)`;
}

function escalation({ containers }: Pod): string | undefined {
  const found = containers.filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  return found.length === 0
    ? undefined
    : `allowPrivilegeEscalation != false (${named(found)} must set securityContext.allowPrivilegeEscalation=false)`;
}

function restrictedCapabilities({ containers }: Pod): string | undefined {
  const undropped = containers.filter(({ securityContext: own }) => !(own?.capabilities?.drop ?? []).includes('ALL'));
  const extra = (one: any): string[] =>
    (one.securityContext?.capabilities?.add ?? []).filter((name: string) => name !== 'NET_BIND_SERVICE');
  const adding = containers.filter((one) => extra(one).length > 0);
  const problems = [
    ...(undropped.length === 0 ? [] : [`${named(undropped)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(adding.length === 0
      ? []
      : [
          `${named(adding)} must not include ${quoted(unique(adding.flatMap(extra)))} in securityContext.capabilities.add`,
        ]),
  ];
  return problems.length === 0 ? undefined : `unrestricted capabilities (${problems.join('; ')})`;
}

function restrictedVolumes({ spec }: Pod): string | undefined {
  const typeOf = (volume: any): string => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
  const found = (spec.volumes ?? []).filter((volume: any) => !RESTRICTED_VOLUMES.has(typeOf(volume)));
  if (found.length === 0) return undefined;
  const types = unique(found.map(typeOf));
  return `restricted volume types (${plural('volume', found)} ${quoted(found.map(({ name }: any) => name))} ${verb(found, 'uses', 'use')} restricted volume ${plural('type', types)} ${quoted(types)})`;
}

function runAsNonRoot({ spec, containers }: Pod): string | undefined {
  const whole = spec.securityContext?.runAsNonRoot;
  const explicit = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  const implicit = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  const needed = whole === true ? [] : implicit;
  const bad = [...(whole === false ? ['pod'] : []), ...(explicit.length > 0 ? [named(explicit)] : [])].join(' and ');
  if (bad !== '') return `runAsNonRoot != true (${bad} must not set securityContext.runAsNonRoot=false)`;
  if (needed.length === 0) return undefined;
  return `runAsNonRoot != true (pod or ${named(needed)} must set securityContext.runAsNonRoot=true)`;
}

function runAsUser({ spec, containers }: Pod): string | undefined {
  const found = containers.filter(({ securityContext }) => securityContext?.runAsUser === 0);
  const isRoot = spec.securityContext?.runAsUser === 0;
  if (!isRoot && found.length === 0) return undefined;
  const who = [...(isRoot ? ['pod'] : []), ...(found.length === 0 ? [] : [named(found)])].join(' and ');
  return `runAsUser=0 (${who} must not set runAsUser=0)`;
}

function restrictedSeccomp({ spec, containers }: Pod): string | undefined {
  const isGood = (context: any): boolean => ['RuntimeDefault', 'Localhost'].includes(context?.seccompProfile?.type);
  const isSaid = (context: any): boolean => context?.seccompProfile?.type !== undefined;
  const bad = containers.filter(({ securityContext }) => isSaid(securityContext) && !isGood(securityContext));
  const isWholeBad = isSaid(spec.securityContext) && !isGood(spec.securityContext);
  if (isWholeBad || bad.length > 0) {
    const who = [...(isWholeBad ? ['pod'] : []), ...(bad.length > 0 ? [named(bad)] : [])].join(' and ');
    const types = unique([...(isWholeBad ? [spec] : []), ...bad].map((one) => one.securityContext.seccompProfile.type));
    return `seccompProfile (${who} must not set securityContext.seccompProfile.type to ${quoted(types)})`;
  }
  if (isGood(spec.securityContext)) return undefined;
  const silent = containers.filter(({ securityContext }) => !isSaid(securityContext));
  return silent.length === 0
    ? undefined
    : `seccompProfile (pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;
}

const BASELINE: readonly Check[] = [
  appArmor,
  baselineCapabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  privileged,
  procMount,
  seLinuxOptions,
  baselineSeccomp,
  sysctls,
  windowsHostProcess,
];
/** In upstream's order: baseline's first, without those that restricted has a stricter one for. */
const RESTRICTED: readonly Check[] = [
  ...BASELINE.filter((check) => ![baselineCapabilities, hostPathVolumes, baselineSeccomp].includes(check)),
  escalation,
  restrictedCapabilities,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  restrictedSeccomp,
];

/** In words; none: the pod keeps to the level. */
export function violationsOf(level: Level, metadata: any, spec: any): string[] {
  if (level === 'privileged') return [];
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
  const checks = level === 'baseline' ? BASELINE : RESTRICTED;
  return checks.flatMap((check) => check({ metadata, spec, containers }) ?? []);
}
