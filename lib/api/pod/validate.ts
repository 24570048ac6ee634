// Decides whether a pod spec may stand, for pods and for templates. Never looks at an older version (validate-update.ts).
import {
  at,
  duplicate,
  forbidden,
  GoText,
  invalidValue,
  notSupported,
  oneOf,
  required,
  type FieldError,
} from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, ipAddress, searchDomain, type Format } from '../formats.ts';
import type { PodSpec, PodTemplateSpec, Volume } from '../generated/types.ts';
import { validateAnnotations, validateLabels } from '../metadata.ts';
import { validateEphemeralList } from './ephemeral.ts';
import { podContextOf, validateContainers, validateHostNetworkPorts, validateImage } from './validate-container.ts';
import { validatePodResources, validateResources } from './validate-resources.ts';
import { validateAffinity, validateGates, validateSpread, validateTolerations } from './validate-scheduling.ts';
import { validateHostUsers, validatePodSecurityContext } from './validate-security.ts';
import { validateTokenAccounts, validateVolumes } from './validate-volumes.ts';

const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'];

/** Paths begin with `spec`: prefix them with `at('spec.template', …)` for templates. `podName`: of a pod itself. */
export function validatePodSpec(spec: PodSpec, isTemplate: boolean, podName = ''): FieldError[] {
  const volumes = new Map<string, Volume>();
  return [
    ...validateVolumes(spec, podName, volumes),
    ...validateClaims(spec),
    ...validateContainers(spec, podContextOf(spec, volumes)),
    ...validateEphemeralList(spec, volumes),
    ...validatePodResources(spec.resources, 'spec.resources'),
    ...validateHostNetworkPorts(spec, isTemplate),
    ...oneOf('spec.restartPolicy', spec.restartPolicy, ['Always', 'OnFailure', 'Never'], true),
    ...oneOf('spec.dnsPolicy', spec.dnsPolicy, DNS_POLICIES, true),
    ...validateLabels(spec.nodeSelector, 'spec.nodeSelector'),
    ...validatePodSecurityContext(spec.securityContext, spec, 'spec.securityContext'),
    ...validateAffinity(spec.affinity, 'spec.affinity'),
    ...validateDns(spec),
    ...validateGates(spec),
    ...validateSpread(spec),
    ...validateHostUsers(spec),
    ...nameAt(spec.serviceAccountName, 'spec.serviceAccountName', dns1123Subdomain),
    ...nameAt(spec.nodeName, 'spec.nodeName', dns1123Subdomain),
    ...validateDeadline(spec.activeDeadlineSeconds),
    ...nameAt(spec.hostname, 'spec.hostname', dns1123Label),
    ...nameAt(spec.subdomain, 'spec.subdomain', dns1123Label),
    ...validateTolerations(spec.tolerations ?? [], 'spec.tolerations'),
    ...validateHostAliases(spec),
    ...nameAt(spec.priorityClassName, 'spec.priorityClassName', dns1123Subdomain),
    ...(spec.runtimeClassName === undefined
      ? []
      : dns1123Subdomain(spec.runtimeClassName).map((told) =>
          invalidValue('spec.runtimeClassName', spec.runtimeClassName, told),
        )),
    ...(spec.preemptionPolicy === undefined
      ? []
      : oneOf('spec.preemptionPolicy', spec.preemptionPolicy, PREEMPTION_POLICIES, true)),
    ...(spec.overhead === undefined ? [] : validateResources({ limits: spec.overhead }, 'spec.overhead')),
    ...validateOs(spec),
    ...(isTemplate ? [] : validatePodOnly(spec)),
  ];
}

function validatePodOnly(spec: PodSpec): FieldError[] {
  return [
    ...validateTokenAccounts(spec),
    ...(['containers', 'initContainers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, i) => validateImage(container, `spec.${list}[${i}]`)),
    ),
  ];
}

function validateClaims({ resourceClaims = [] }: PodSpec): FieldError[] {
  const names = new Set<string>();
  return resourceClaims.flatMap((claim, i) => {
    const path = `spec.resourceClaims[${i}]`;
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${path}.name`));
    else if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    else errors.push(...nameAt(name, `${path}.name`, dns1123Label));
    names.add(name);
    const wrong = (told: string): FieldError => invalidValue(path, claim, told);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined)
      errors.push(wrong('at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined)
      errors.push(wrong('must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    return [
      ...errors,
      ...nameAt(resourceClaimName, `${path}.resourceClaimName`, dns1123Subdomain),
      ...nameAt(resourceClaimTemplateName, `${path}.resourceClaimTemplateName`, dns1123Subdomain),
    ];
  });
}

function validateHostAliases({ hostAliases = [] }: PodSpec): FieldError[] {
  return hostAliases.flatMap(({ ip = '', hostnames = [] }, i) => [
    ...ipAddress(ip).map((told) => invalidValue(`spec.hostAliases[${i}].ip`, ip, told)),
    ...hostnames.flatMap((name, j) =>
      dns1123Subdomain(name).map((told) => invalidValue(`spec.hostAliases[${i}].hostnames[${j}]`, name, told)),
    ),
  ]);
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

/** The real server leaves `metadata` out of their path. */
export function validateTemplateMetadata({ metadata }: PodTemplateSpec, path: string): FieldError[] {
  return [
    ...validateLabels(metadata?.labels, `${path}.labels`),
    ...validateAnnotations(metadata?.annotations, `${path}.annotations`),
  ];
}

/** A template with its labels and annotations; `path` is where it stands. */
export function validatePodTemplate(template: PodTemplateSpec, path: string): FieldError[] {
  const errors = [
    ...validateTemplateMetadata(template, path),
    ...at(path, validatePodSpec(template.spec ?? ({ containers: [] } as PodSpec), true)),
  ];
  if ((template.spec?.ephemeralContainers ?? []).length > 0)
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  return errors;
}

function nameAt(value: string | undefined, path: string, format: Format): FieldError[] {
  return value ? format(value).map((told) => invalidValue(path, value, told)) : [];
}

function validateDns({ dnsPolicy, dnsConfig: config }: PodSpec): FieldError[] {
  const path = 'spec.dnsConfig';
  const servers = config?.nameservers ?? [];
  const searches = config?.searches ?? [];
  if (dnsPolicy === 'None' && config === undefined)
    return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  if (dnsPolicy === 'None' && servers.length === 0)
    return [required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
  const errors: FieldError[] = [];
  const most = (field: string, told: string, values: readonly string[]): void =>
    void errors.push(invalidValue(`${path}.${field}`, GoText.strings(values), told));
  if (servers.length > 3) most('nameservers', 'must not have more than 3 nameservers', servers);
  servers.forEach((server, i) =>
    errors.push(...ipAddress(server).map((told) => invalidValue(`${path}.nameservers[${i}]`, server, told))),
  );
  if (searches.length > 32) most('searches', 'must not have more than 32 search paths', searches);
  if (searches.join(' ').length > 2048)
    most('searches', 'must not have more than 2048 characters (including spaces) in the search list', searches);
  searches.forEach((given, i) => {
    const search = given === '.' ? 'root' : given.replace(/\.$/, '');
    errors.push(...searchDomain(search).map((told) => invalidValue(`${path}.searches[${i}]`, search, told)));
  });
  (config?.options ?? []).forEach(({ name }, i) => {
    if (!name) errors.push(required(`${path}.options[${i}]`, 'must not be empty'));
  });
  return errors;
}

function validateDeadline(seconds: number | undefined): FieldError[] {
  if (seconds === undefined || (seconds >= 1 && seconds <= 2_147_483_647)) return [];
  return [invalidValue('spec.activeDeadlineSeconds', seconds, 'must be between 1 and 2147483647, inclusive')];
}

function validateOs(spec: PodSpec): FieldError[] {
  const name = spec.os?.name;
  if (spec.os === undefined) return [];
  if (!name) return [required('spec.os.name', 'cannot be empty')];
  return ['linux', 'windows'].includes(name) ? [] : [notSupported('spec.os', name, ['linux', 'windows'])];
}
