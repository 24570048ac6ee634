// Decides whether a pod spec may stand, for pods and for templates. Never looks at an older version (validate-update.ts).
import { at, forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, ipAddress, type Format } from '../formats.ts';
import type { PodSpec, PodTemplateSpec } from '../generated/types.ts';
import { validateAnnotations, validateLabels } from '../metadata.ts';
import { oneOf, podContextOf, validateContainers } from './validate-container.ts';
import { validateResources } from './validate-resources.ts';
import { validateScheduling } from './validate-scheduling.ts';
import { validatePodSecurityContext } from './validate-security.ts';
import { validateVolumes } from './validate-volumes.ts';

/** Paths begin with `spec`: prefix them with `at('spec.template', …)` for templates. */
export function validatePodSpec(spec: PodSpec, isTemplate: boolean): FieldError[] {
  const ctx = podContextOf(spec, isTemplate);
  return [
    ...validateVolumes(spec, isTemplate),
    ...validateContainers(spec, ctx),
    ...oneOf('spec.restartPolicy', spec.restartPolicy, ['Always', 'OnFailure', 'Never'], true),
    ...validateDns(spec),
    ...validateSeconds(spec),
    ...nameAt(spec.hostname, 'spec.hostname', dns1123Label),
    ...nameAt(spec.subdomain, 'spec.subdomain', dns1123Label),
    ...nameAt(spec.serviceAccountName, 'spec.serviceAccountName', dns1123Subdomain),
    ...nameAt(spec.priorityClassName, 'spec.priorityClassName', dns1123Subdomain),
    ...nameAt(spec.runtimeClassName, 'spec.runtimeClassName', dns1123Subdomain),
    ...validateScheduling(spec),
    ...validatePodSecurityContext(spec.securityContext, spec, 'spec.securityContext'),
    ...validateResources(spec.resources, 'spec.resources'),
    ...(spec.hostAliases ?? []).flatMap((alias, i) => nameAt(alias.ip, `spec.hostAliases[${i}].ip`, ipAddress)),
    ...validateOs(spec),
  ];
}

/** What pods may not have at their creation, though later they may. */
export function validatePodCreate(spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.ephemeralContainers ?? []).length > 0)
    errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  if (spec.nodeName && (spec.schedulingGates ?? []).length > 0)
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  return errors;
}

/** A template with its labels and annotations; `path` is where it stands. */
export function validatePodTemplate(template: PodTemplateSpec, path: string): FieldError[] {
  const errors = [
    ...validateLabels(template.metadata?.labels, `${path}.metadata.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${path}.metadata.annotations`),
    ...at(path, validatePodSpec(template.spec ?? ({ containers: [] } as PodSpec), true)),
  ];
  if ((template.spec?.ephemeralContainers ?? []).length > 0)
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  return errors;
}

function nameAt(value: string | undefined, path: string, format: Format): FieldError[] {
  return value ? format(value).map((told) => invalidValue(path, value, told)) : [];
}

function validateDns(spec: PodSpec): FieldError[] {
  const errors = oneOf(
    'spec.dnsPolicy',
    spec.dnsPolicy,
    ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'],
    true,
  );
  const config = spec.dnsConfig;
  if (spec.dnsPolicy === 'None') {
    if (config === undefined)
      errors.push(required('spec.dnsConfig', 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if ((config.nameservers ?? []).length === 0)
      errors.push(
        required('spec.dnsConfig.nameservers', 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
      );
  }
  const servers = config?.nameservers ?? [];
  if (servers.length > 3)
    errors.push(invalidValue('spec.dnsConfig.nameservers', servers, 'must not have more than 3 nameservers'));
  servers.forEach((server, i) => errors.push(...nameAt(server, `spec.dnsConfig.nameservers[${i}]`, ipAddress)));
  const searches = config?.searches ?? [];
  if (searches.length > 32)
    errors.push(invalidValue('spec.dnsConfig.searches', searches, 'must not have more than 32 search paths'));
  if (searches.join(' ').length > 2048)
    errors.push(
      invalidValue(
        'spec.dnsConfig.searches',
        searches,
        'must not have more than 2048 characters (including spaces) in the search list',
      ),
    );
  return errors;
}

function validateSeconds(spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds: grace } = spec;
  if (deadline !== undefined && (deadline < 1 || deadline > 2_147_483_647))
    errors.push(invalidValue('spec.activeDeadlineSeconds', deadline, 'must be between 1 and 2147483647, inclusive'));
  if (grace !== undefined && grace < 0)
    errors.push(invalidValue('spec.terminationGracePeriodSeconds', grace, 'must be greater than or equal to 0'));
  return errors;
}

function validateOs(spec: PodSpec): FieldError[] {
  const name = spec.os?.name;
  if (spec.os === undefined) return [];
  if (!name) return [required('spec.os.name')];
  return ['linux', 'windows'].includes(name) ? [] : [notSupported('spec.os', name, ['linux', 'windows'])];
}
