// Decides what an APIService is: a group and version, and which Service answers for it. Never proxies anything.
import { ageOf } from '../age.ts';
import { invalidValue, required, type FieldError } from '../field-error.ts';
import type { APIService } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';

function availableText({ status }: APIService): string {
  const condition = (status?.conditions ?? []).find(({ type }) => type === 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  // The core group's is `v1.`.
  nameRule: 'pathSegment',
  default({ spec }) {
    if (spec?.service !== undefined) fill(spec.service, 'port', 443);
  },
  validate({ metadata, spec }) {
    const errors: FieldError[] = [];
    const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, service } = spec ?? {};
    const wanted = `${version}.${group}`;
    if (metadata.name !== wanted)
      errors.push(
        invalidValue(
          'metadata.name',
          metadata.name,
          `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`,
        ),
      );
    if (version === '') errors.push(required('spec.version'));
    if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20_000)
      errors.push(
        invalidValue('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000'),
      );
    if (versionPriority <= 0 || versionPriority > 1000)
      errors.push(invalidValue('spec.versionPriority', versionPriority, 'must be positive and less than 1000'));
    if (service === undefined) {
      if ((spec?.caBundle ?? '') !== '')
        errors.push(invalidValue('spec.caBundle', '', 'local APIServices may not have a caBundle'));
      if (spec?.insecureSkipTLSVerify === true)
        errors.push(
          invalidValue('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'),
        );
      return errors;
    }
    for (const field of ['namespace', 'name'] as const)
      if (!service[field]) errors.push(required(`spec.service.${field}`));
    if (spec?.insecureSkipTLSVerify === true && (spec.caBundle ?? '') !== '')
      errors.push(invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
    return errors;
  },
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
