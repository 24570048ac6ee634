// Decides what an Ingress is: hosts, paths and the backends behind them. Never routes anything.
import { ageOf } from '../age.ts';
import { invalidValue, oneOf, required, type FieldError } from '../field-error.ts';
import { dns1035Label, dns1123Subdomain, isIPv4, isIPv6, portName, portNumber, type Format } from '../formats.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { balancerAddresses } from './load-balancer.ts';
import { validateBalancer } from './status-rules.ts';

export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const MOST_HOSTS = 3;
const BAD_PARTS = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_ENDS = ['/..', '/.'];

const wildcard: Format = (text) => {
  const rest = dns1123Subdomain(text.slice(2));
  return text.startsWith('*.') && rest.length === 0
    ? []
    : [
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ];
};

function validateHost(host: string, path: string): FieldError[] {
  if (host === '') return [];
  if (isIPv4(host) || isIPv6(host)) return [invalidValue(path, host, 'must be a DNS name, not an IP address')];
  const format = host.includes('*') ? wildcard : dns1123Subdomain;
  return format(host).map((told) => invalidValue(path, host, told));
}

function validateBackend(backend: IngressBackend | undefined, path: string): FieldError[] {
  const { service, resource } = backend ?? {};
  if (service !== undefined && resource !== undefined)
    return [invalidValue(path, '', 'cannot set both resource and service backends')];
  if (service === undefined)
    return resource === undefined ? [required(path, 'resource or service backend is required')] : [];
  const errors = service.name
    ? dns1035Label(service.name).map((told) => invalidValue(`${path}.service.name`, service.name, told))
    : [required(`${path}.service.name`)];
  const { name = '', number = 0 } = service.port ?? {};
  const at = `${path}.service.port`;
  if (name !== '' && number !== 0) errors.push(invalidValue(at, '', 'cannot set both port name & port number'));
  else if (name !== '') errors.push(...portName(name).map((told) => invalidValue(`${at}.name`, name, told)));
  else if (number !== 0) errors.push(...portNumber(number).map((told) => invalidValue(`${at}.number`, number, told)));
  else errors.push(required(path, 'port name or number is required'));
  return errors;
}

function validatePath(path: HTTPIngressPath, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const text = path.path ?? '';
  if (path.pathType === undefined)
    return [
      required(`${at}.pathType`, 'pathType must be specified'),
      ...validateBackend(path.backend, `${at}.backend`),
    ];
  errors.push(...oneOf(`${at}.pathType`, path.pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  const mayBeEmpty = path.pathType === 'ImplementationSpecific' && text === '';
  if (!mayBeEmpty && !text.startsWith('/')) errors.push(invalidValue(`${at}.path`, text, 'must be an absolute path'));
  if (path.pathType !== 'ImplementationSpecific') {
    for (const bad of BAD_PARTS)
      if (text.includes(bad)) errors.push(invalidValue(`${at}.path`, text, `must not contain '${bad}'`));
    for (const bad of BAD_ENDS)
      if (text.endsWith(bad)) errors.push(invalidValue(`${at}.path`, text, `cannot end with '${bad}'`));
  }
  return [...errors, ...validateBackend(path.backend, `${at}.backend`)];
}

function validateRule(rule: IngressRule, path: string): FieldError[] {
  const errors = validateHost(rule.host ?? '', `${path}.host`);
  if (rule.http === undefined) return errors;
  const paths = rule.http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  return [...errors, ...paths.flatMap((one, j) => validatePath(one, `${path}.http.paths[${j}]`))];
}

/** At most three; the others are counted by their rules, also by those of no host. */
function hostsText(rules: readonly IngressRule[]): string {
  const hosts: string[] = [];
  const isLonger = rules.some(({ host = '' }) => {
    if (hosts.length === MOST_HOSTS) return true;
    if (host !== '') hosts.push(host);
    return false;
  });
  if (hosts.length === 0) return '*';
  return hosts.join(',') + (isLonger ? ` + ${rules.length - MOST_HOSTS} more...` : '');
}

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  validate({ spec = {} }) {
    const errors: FieldError[] = [];
    if ((spec.rules ?? []).length === 0 && spec.defaultBackend === undefined)
      errors.push(invalidValue('spec', [], 'either `defaultBackend` or `rules` must be specified'));
    if (spec.defaultBackend !== undefined) errors.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend'));
    (spec.rules ?? []).forEach((rule, i) => errors.push(...validateRule(rule, `spec.rules[${i}]`)));
    (spec.tls ?? []).forEach((tls, i) =>
      (tls.hosts ?? []).forEach((host, j) => errors.push(...validateHost(host, `spec.tls[${i}].hosts[${j}]`))),
    );
    if (spec.ingressClassName !== undefined)
      errors.push(
        ...dns1123Subdomain(spec.ingressClassName).map((told) =>
          invalidValue('spec.ingressClassName', spec.ingressClassName, told),
        ),
      );
    return errors;
  },
  validateCreate({ metadata, spec = {} }) {
    const named = metadata.annotations?.[CLASS_ANNOTATION];
    return named !== undefined && spec.ingressClassName !== undefined
      ? [invalidValue(`annotations.${CLASS_ANNOTATION}`, named, 'can not be set when the class field is also set')]
      : [];
  },
  validateStatusUpdate: ({ status }, { status: was }) =>
    validateBalancer(status?.loadBalancer?.ingress, was?.loadBalancer?.ingress),
  cells: (object, now) => {
    const { metadata, spec = {} } = object;
    return [
      metadata.name,
      spec.ingressClassName ?? '<none>',
      hostsText(spec.rules ?? []),
      balancerAddresses(object.status).join(','),
      (spec.tls ?? []).length > 0 ? '80, 443' : '80',
      ageOf(metadata.creationTimestamp, now),
    ];
  },
});
