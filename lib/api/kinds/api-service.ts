// Decides what an APIService is: a group and version, and which Service answers for it. Never proxies anything.
import { ageOf } from '../age.ts';
import { invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import { dns1035Label, dns1123Subdomain, pathSegment, portNumber } from '../formats.ts';
import type { APIService } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { keepOtherMetadata } from './workload.ts';
import { fill } from '../pod/defaults.ts';

function availableText({ status }: APIService): string {
  const condition = (status?.conditions ?? []).find(({ type }) => type === 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

/** Where the name says nothing that could stand in a path, what it should be is told. */
function validateName(name: string, wanted: string): FieldError[] {
  if (name === '' || pathSegment(name).length > 0 || name === wanted) return [];
  return [invalidValue('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`)];
}

/** Of base64. */
const decodedLength = (text: string): number => Math.floor((text.replace(/=+$/, '').length * 3) / 4);

function validateStatus({ status }: APIService): FieldError[] {
  return (status?.conditions ?? []).flatMap((condition, i) => {
    const supported = ['True', 'False', 'Unknown'];
    return supported.includes(condition.status)
      ? []
      : [notSupported(`status.conditions[${i}].status`, condition.status ?? '', supported)];
  });
}

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  prepareForStatusUpdate: keepOtherMetadata,
  // The core group's is `v1.`.
  nameRule: 'pathSegment',
  default({ spec }) {
    if (spec?.service !== undefined) fill(spec.service, 'port', 443);
  },
  validate({ metadata, spec }) {
    const errors: FieldError[] = [];
    const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, service } = spec ?? {};
    errors.push(...validateName(metadata.name ?? '', `${version}.${group}`));
    if (group === '' && version !== 'v1')
      errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
    if (group !== '') errors.push(...dns1123Subdomain(group).map((told) => invalidValue('spec.group', group, told)));
    errors.push(...dns1035Label(version).map((told) => invalidValue('spec.version', version, told)));
    if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20_000)
      errors.push(
        invalidValue('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000'),
      );
    if (versionPriority <= 0 || versionPriority > 1000)
      errors.push(invalidValue('spec.versionPriority', versionPriority, 'must be positive and less than 1000'));
    if (service === undefined) {
      if ((spec?.caBundle ?? '') !== '')
        errors.push(
          invalidValue(
            'spec.caBundle',
            `${decodedLength(spec?.caBundle ?? '')} bytes`,
            'local APIServices may not have a caBundle',
          ),
        );
      if (spec?.insecureSkipTLSVerify === true)
        errors.push(
          invalidValue('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'),
        );
      return errors;
    }
    for (const field of ['namespace', 'name'] as const)
      if (!service[field]) errors.push(required(`spec.service.${field}`));
    const { port = 0 } = service;
    errors.push(
      ...portNumber(port).map((told) => invalidValue('spec.service.port', port, `port is not valid: ${told}`)),
    );
    if (spec?.insecureSkipTLSVerify === true && (spec.caBundle ?? '') !== '')
      errors.push(invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
    return errors;
  },
  validateStatusUpdate: validateStatus,
  prepareForCreate(object) {
    if (object.spec?.service !== undefined) return;
    const condition = {
      type: 'Available',
      status: 'True',
      lastTransitionTime: object.metadata?.creationTimestamp ?? '',
      reason: 'Local',
      message: 'Local APIServices are always available',
    };
    object.status = { conditions: [condition] };
  },
  cells: (object, now) => {
    const { service } = object.spec ?? {};
    return [
      object.metadata.name,
      service === undefined ? 'Local' : `${service.namespace}/${service.name}`,
      availableText(object),
      ageOf(object.metadata.creationTimestamp, now),
    ];
  },
});
