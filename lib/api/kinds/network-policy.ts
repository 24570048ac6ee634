// Decides what a NetworkPolicy is: whose traffic, from and to whom, on which ports. Never filters anything.
import { ageOf } from '../age.ts';
import { forbidden, invalidValue, notSupported, oneOf, required, type FieldError } from '../field-error.ts';
import { cidr, portName, portNumber } from '../formats.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { formatSelector, validateSelector } from '../selectors.ts';

function validatePort({ port, endPort, protocol }: NetworkPolicyPort, path: string): FieldError[] {
  const errors = oneOf(`${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']);
  if (typeof port === 'number') {
    errors.push(...portNumber(port).map((told) => invalidValue(`${path}.port`, port, told)));
    if (endPort !== undefined && endPort < port)
      errors.push(invalidValue(`${path}.endPort`, endPort, 'must be greater than or equal to `port`'));
    if (endPort !== undefined)
      errors.push(...portNumber(endPort).map((told) => invalidValue(`${path}.endPort`, endPort, told)));
  } else if (typeof port === 'string') {
    errors.push(...portName(port).map((told) => invalidValue(`${path}.port`, port, told)));
    if (endPort !== undefined)
      errors.push(invalidValue(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric'));
  } else if (endPort !== undefined)
    errors.push(required(`${path}.port`, 'must be specified when `endPort` is specified'));
  return errors;
}

/** First address and number of free bits, as one number each; of IPv4 only (others are not compared). */
function rangeOf(text: string): { first: number; bits: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [a, b, c, d, length] = match.slice(1).map(Number) as [number, number, number, number, number];
  const size = 2 ** (32 - length);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return { first: Math.floor(address / size) * size, bits: 32 - length };
}

function validateBlock(block: IPBlock, path: string): FieldError[] {
  if (!block.cidr) return [required(`${path}.cidr`)];
  const errors = cidr(block.cidr).map((told) => invalidValue(`${path}.cidr`, block.cidr, told));
  const whole = rangeOf(block.cidr);
  (block.except ?? []).forEach((text, i) => {
    const at = `${path}.except[${i}]`;
    const wrong = cidr(text).map((told) => invalidValue(at, text, told));
    errors.push(...wrong);
    const part = rangeOf(text);
    if (wrong.length > 0 || whole === undefined || part === undefined) return;
    const isInside = part.bits < whole.bits && part.first >= whole.first && part.first < whole.first + 2 ** whole.bits;
    if (!isInside) errors.push(invalidValue(at, text, 'must be a strict subset of `cidr`'));
  });
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): FieldError[] {
  if (podSelector === undefined && namespaceSelector === undefined && ipBlock === undefined)
    return [required(path, 'must specify a peer')];
  const errors = [
    ...validateSelector(podSelector, `${path}.podSelector`),
    ...validateSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : validateBlock(ipBlock, `${path}.ipBlock`)),
  ];
  if (ipBlock !== undefined && (podSelector !== undefined || namespaceSelector !== undefined))
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  return errors;
}

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  default({ spec }) {
    if (spec === undefined) return;
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of rule.ports ?? []) fill(port, 'protocol', 'TCP');
    if ((spec.policyTypes ?? []).length === 0)
      spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate({ spec }) {
    if (spec === undefined) return [];
    const errors = validateSelector(spec.podSelector, 'spec.podSelector');
    const rules = (side: 'ingress' | 'egress', peers: 'from' | 'to'): void =>
      (spec[side] ?? []).forEach((rule, i) => {
        const path = `spec.${side}[${i}]`;
        (rule.ports ?? []).forEach((port, j) => errors.push(...validatePort(port, `${path}.ports[${j}]`)));
        const list = (rule as Record<string, NetworkPolicyPeer[] | undefined>)[peers] ?? [];
        list.forEach((peer, j) => errors.push(...validatePeer(peer, `${path}.${peers}[${j}]`)));
      });
    rules('ingress', 'from');
    rules('egress', 'to');
    const types = spec.policyTypes ?? [];
    if (types.length > 2)
      errors.push(invalidValue('spec.policyTypes', types, 'may not specify more than two policyTypes'));
    else
      types.forEach((type, i) => {
        if (!['Egress', 'Ingress'].includes(type))
          errors.push(notSupported(`spec.policyTypes[${i}]`, type, ['Egress', 'Ingress']));
      });
    return errors;
  },
  cells: ({ metadata, spec }, now) => [
    metadata.name,
    formatSelector(spec?.podSelector) || '<none>',
    ageOf(metadata.creationTimestamp, now),
  ],
});
