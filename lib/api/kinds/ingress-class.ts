// Decides what an IngressClass is: which controller serves it, with which parameters. Never serves one.
import { ageOf } from '../age.ts';
import { invalidValue, notSupported, required, tooLong, forbidden, type FieldError } from '../field-error.ts';
import { isSubdomain } from '../formats.ts';
import type { IngressClass, IngressClassParametersReference } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';

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
  for (const field of ['kind', 'name'] as const) if (!parameters[field]) errors.push(required(`${path}.${field}`));
  if (parameters.scope === 'Namespace' && !parameters.namespace)
    errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  else if (parameters.scope === 'Cluster' && parameters.namespace !== undefined)
    errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  else if (!['Cluster', 'Namespace'].includes(parameters.scope ?? ''))
    errors.push(notSupported(`${path}.scope`, parameters.scope ?? '', ['Cluster', 'Namespace']));
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
    if (spec?.parameters !== undefined) fill(spec.parameters, 'scope', 'Cluster');
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
