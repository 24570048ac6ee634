// Decides whether security contexts of pods and containers may stand. Never decides whether a policy allows them.
import {
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  oneOfIfGiven,
  required,
  tooLong,
  type FieldError,
} from '../field-error.ts';
import { longerThan, userId } from '../formats.ts';
import type { PodSecurityContext, SecurityContext } from '../generated/types.ts';
import { localPath } from './volume-sources.ts';

const PROC_MOUNTS = ['Default', 'Unmasked'];

/** What a pod shares with its node, or its containers with each other. */
interface Sharing {
  hostPID?: boolean | undefined;
  shareProcessNamespace?: boolean | undefined;
  hostUsers?: boolean | undefined;
  hostNetwork?: boolean | undefined;
  hostIPC?: boolean | undefined;
}

type Profile = { type: string; localhostProfile?: string | undefined } | undefined;

const idAt = (value: number | undefined, path: string): FieldError[] =>
  value === undefined ? [] : userId(value).map((told) => invalidValue(path, value, told));

export function validateSecurityContext(
  context: SecurityContext | undefined,
  path: string,
  hostUsers: boolean,
): FieldError[] {
  if (context === undefined) return [];
  return [
    ...idAt(context.runAsUser, `${path}.runAsUser`),
    ...idAt(context.runAsGroup, `${path}.runAsGroup`),
    ...validateProcMount(context.procMount, `${path}.procMount`, hostUsers),
    ...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`),
    ...validateEscalation(context, path),
    ...validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`),
  ];
}

function validateProcMount(mount: string | undefined, path: string, hostUsers: boolean): FieldError[] {
  if (mount === undefined) return [];
  if (mount === 'Unmasked' && hostUsers)
    return [invalidValue(path, mount, '`hostUsers` must be false to use `Unmasked`')];
  return PROC_MOUNTS.includes(mount) ? [] : [notSupported(path, mount, PROC_MOUNTS)];
}

function validateEscalation(context: SecurityContext, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (context.allowPrivilegeEscalation !== false) return errors;
  if (context.privileged === true)
    errors.push(invalidValue(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  if ((context.capabilities?.add ?? []).includes('CAP_SYS_ADMIN'))
    errors.push(
      invalidValue(
        path,
        context,
        'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      ),
    );
  return errors;
}

export function validatePodSecurityContext(
  context: PodSecurityContext | undefined,
  spec: Sharing,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  errors.push(
    ...idAt(context?.fsGroup, `${path}.fsGroup`),
    ...idAt(context?.runAsUser, `${path}.runAsUser`),
    ...idAt(context?.runAsGroup, `${path}.runAsGroup`),
    ...(context?.supplementalGroups ?? []).flatMap((group, i) => idAt(group, `${path}.supplementalGroups[${i}]`)),
  );
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    errors.push(
      invalidValue(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  if (context === undefined) return errors;
  return [
    ...errors,
    ...validateSysctls(context.sysctls ?? [], spec, `${path}.sysctls`),
    ...oneOfIfGiven(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`),
    ...validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`),
    ...oneOfIfGiven(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...oneOfIfGiven(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']),
  ];
}

/** With users of its own a pod can't share the node's. */
export function validateHostUsers(spec: Sharing): FieldError[] {
  if (spec.hostUsers !== false) return [];
  return (
    [
      ['hostNetwork', 'hostNetwork'],
      ['hostPID', 'HostPID'],
      ['hostIPC', 'HostIPC'],
    ] as const
  ).flatMap(([field, told]) =>
    spec[field] === true ? [forbidden(`spec.${told}`, 'when `pod.Spec.HostUsers` is false')] : [],
  );
}

const LONGEST_SYSCTL = 253;
const SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL = `^(${SEGMENT}[\\./])*${SEGMENT}$`;
const sysctl = new RegExp(SYSCTL);
const IPC_SYSCTLS = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/;

function validateSysctls(sysctls: ReadonlyArray<{ name: string }>, spec: Sharing, path: string): FieldError[] {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name = '' }, i) => {
    const at = `${path}[${i}].name`;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(at));
    else if (name.length > LONGEST_SYSCTL || !sysctl.test(name))
      errors.push(invalidValue(at, name, `must have at most ${LONGEST_SYSCTL} characters and match regex ${SYSCTL}`));
    else if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork === true && dotted.startsWith('net.'))
      errors.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC === true && IPC_SYSCTLS.test(dotted))
      errors.push(invalidValue(at, name, "may not be specified when 'hostIPC' is true"));
    return errors;
  });
}

const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateSeccomp(profile: Profile, path: string): FieldError[] {
  if (profile === undefined) return [];
  const at = `${path}.localhostProfile`;
  const { type = '', localhostProfile } = profile;
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'));
  else if (!PROFILES.includes(type)) errors.push(notSupported(`${path}.type`, type, PROFILES));
  if (type === 'Localhost')
    errors.push(
      ...(localhostProfile === undefined
        ? [required(at, 'must be set when seccomp type is Localhost')]
        : localPath(localhostProfile, at)),
    );
  else if (localhostProfile !== undefined)
    errors.push(invalidValue(at, profile, 'can only be set when seccomp type is Localhost'));
  return errors;
}

const LONGEST_PROFILE = 4095;

function validateAppArmor(profile: Profile, path: string): FieldError[] {
  if (profile === undefined) return [];
  const at = `${path}.localhostProfile`;
  const { type = '', localhostProfile } = profile;
  if (type === '') return [required(`${path}.type`, 'type is required when appArmorProfile is set')];
  if (!PROFILES.includes(type)) return [notSupported(`${path}.type`, type, PROFILES)];
  if (type !== 'Localhost')
    return localhostProfile === undefined
      ? []
      : [invalidValue(at, localhostProfile, 'can only be set when AppArmor type is Localhost')];
  if (localhostProfile === undefined || localhostProfile === '')
    return [required(at, 'must be set when AppArmor type is Localhost')];
  const errors: FieldError[] = [];
  if (localhostProfile !== localhostProfile.trim())
    errors.push(invalidValue(at, localhostProfile, 'must not be padded with whitespace'));
  if (longerThan([localhostProfile], LONGEST_PROFILE)) errors.push(tooLong(at, LONGEST_PROFILE));
  return errors;
}
