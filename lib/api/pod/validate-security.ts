// Decides whether security contexts of pods and containers may stand. Never decides whether a policy allows them.
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { userId } from '../formats.ts';
import type { PodSecurityContext, SecurityContext } from '../generated/types.ts';

type Profile = { type: string; localhostProfile?: string | undefined } | undefined;

const idAt = (value: number | undefined, path: string): FieldError[] =>
  value === undefined ? [] : userId(value).map((told) => invalidValue(path, value, told));

export function validateSecurityContext(context: SecurityContext | undefined, path: string): FieldError[] {
  if (context === undefined) return [];
  const errors = [
    ...idAt(context.runAsUser, `${path}.runAsUser`),
    ...idAt(context.runAsGroup, `${path}.runAsGroup`),
    ...validateProfile(context.seccompProfile, `${path}.seccompProfile`, 'seccomp'),
    ...validateProfile(context.appArmorProfile, `${path}.appArmorProfile`, 'AppArmor'),
  ];
  if (context.procMount !== undefined && context.procMount !== 'Default' && context.procMount !== 'Unmasked')
    errors.push(notSupported(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']));
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
  spec: {
    hostPID?: boolean | undefined;
    shareProcessNamespace?: boolean | undefined;
    hostUsers?: boolean | undefined;
    hostNetwork?: boolean | undefined;
    hostIPC?: boolean | undefined;
  },
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    errors.push(
      invalidValue(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  if (spec.hostUsers === false)
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const)
      if (spec[field] === true) errors.push(forbidden(`${path}.${field}`, 'when `pod.Spec.HostUsers` is false'));
  if (context === undefined) return errors;
  errors.push(
    ...idAt(context.fsGroup, `${path}.fsGroup`),
    ...idAt(context.runAsUser, `${path}.runAsUser`),
    ...idAt(context.runAsGroup, `${path}.runAsGroup`),
    ...(context.supplementalGroups ?? []).flatMap((group, i) => idAt(group, `${path}.supplementalGroups[${i}]`)),
    ...validateProfile(context.seccompProfile, `${path}.seccompProfile`, 'seccomp'),
    ...validateProfile(context.appArmorProfile, `${path}.appArmorProfile`, 'AppArmor'),
  );
  return errors;
}

const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateProfile(profile: Profile, path: string, name: string): FieldError[] {
  if (profile === undefined) return [];
  const at = `${path}.localhostProfile`;
  const errors: FieldError[] = [];
  if (!profile.type) errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'));
  else if (!PROFILES.includes(profile.type)) errors.push(notSupported(`${path}.type`, profile.type, PROFILES));
  if (profile.type === 'Localhost' && !profile.localhostProfile)
    errors.push(required(at, `must be set when ${name} type is Localhost`));
  if (profile.type !== 'Localhost' && profile.localhostProfile !== undefined)
    errors.push(invalidValue(at, profile.localhostProfile, `can only be set when ${name} type is Localhost`));
  return errors;
}
