// Decides what an IngressClass is: which controller serves it, with which parameters. Never serves one.
import { ageOf } from '../age.ts';
import { invalidValue, notSupported, required, tooLong, forbidden, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, isSubdomain, pathSegment } from '../formats.ts';
import type { IngressClass, IngressClassParametersReference } from '../generated/types.ts';
import { defineKind } from '../object.ts';

const LONGEST_CONTROLLER = 250;

function validateController(controller: string): FieldError[] {
  const path = 'spec.controller';
  if (controller === '') return [required(path)];
  const [domain = '', ...rest] = controller.split('/');
  const errors: FieldError[] = [];
  if (rest.join('/') === '' || !isSubdomain(domain))
    errors.push(invalidValue(path, controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  if (controller.length > LONGEST_CONTROLLER) errors.push(tooLong(path, LONGEST_CONTROLLER));
  return errors;
}

function validateParameters(parameters: IngressClassParametersReference | undefined): FieldError[] {
  if (parameters === undefined) return [];
  const path = 'spec.parameters';
  const errors: FieldError[] = [];
  const { apiGroup, scope = '', namespace } = parameters;
  if (apiGroup !== undefined)
    errors.push(...dns1123Subdomain(apiGroup).map((told) => invalidValue(`${path}.apiGroup`, apiGroup, told)));
  for (const field of ['kind', 'name'] as const) {
    const value = parameters[field] ?? '';
    if (value === '') errors.push(required(`${path}.${field}`, `${field} is required`));
    else errors.push(...pathSegment(value).map((told) => invalidValue(`${path}.${field}`, value, told)));
  }
  if (!['Cluster', 'Namespace'].includes(scope))
    return [...errors, notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])];
  if (scope === 'Namespace' && namespace === undefined)
    errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  if (scope === 'Cluster' && namespace !== undefined)
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  if (scope === 'Namespace' && namespace !== undefined)
    errors.push(...dns1123Label(namespace).map((told) => invalidValue(`${path}.namespace`, namespace, told)));
  return errors;
}

function parametersText(parameters: IngressClassParametersReference | undefined): string {
  if (parameters === undefined) return '<none>';
  const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
  return `${parameters.kind}${group}/${parameters.name}`;
}

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  default({ spec }) {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  },
  validate: ({ spec = {} }) => [...validateController(spec.controller ?? ''), ...validateParameters(spec.parameters)],
  validateUpdate: ({ spec = {} }, { spec: was = {} }) =>
    spec.controller === was.controller ? [] : [invalidValue('spec.controller', spec.controller, 'field is immutable')],
  cells: ({ metadata, spec = {} }, now) => [
    metadata.name,
    spec.controller ?? '',
    parametersText(spec.parameters),
    ageOf(metadata.creationTimestamp, now),
  ],
});
