// Decides the cluster IP and the node ports of a Service. Each has a key of its own, written in the Service's transaction,
// so that two API actors can never give out one address twice. Never touches what a user chose, only what was left open.
import { invalidValue, type FieldError } from '../../../lib/api/field-error.ts';
import { hasNodePorts } from '../../../lib/api/kinds/service.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { toTime } from '../../../lib/base/clock.ts';
import type { Operation } from '../../../lib/bus/messages.ts';
import { encodeStored } from './cache/cached-object.ts';
import { addressAt, containsAddress, parseCidr, type Cidr } from './address-range.ts';
import type { Companions, WriteRequest } from './pipeline/plan.ts';
import { addressKey, addressOf, givenAddresses, oldAddressKey, serviceRanges, type Range } from './service-ranges.ts';
import { ALLOCATIONS } from './storage-key.ts';

export const SERVICES = 'core/services';
const NODE_PORTS = { first: 30_000, last: 32_767 };
const ATTEMPTS = 64;

interface Taken {
  ips: Set<string>;
  ports: Set<number>;
}

interface Allocation {
  companions: Companions;
  errors: FieldError[];
}

/** Fills clusterIP(s), ipFamilies and nodePort(s) of `object`, which already kept what it may of `old` (undefined: new). */
export function allocateForService(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): Allocation {
  const taken = takenBy(request, object);
  const errors = [...chooseIp(request, object, old, taken), ...choosePorts(request, object, taken)];
  const before = old === undefined ? [] : heldBy(old);
  const after = heldBy(object);
  const added = without(after, before);
  return {
    errors,
    companions: {
      compares: added.flatMap(keysOf).map((key) => ({ key, revision: 0 })),
      operations: [
        ...added.map(({ key }) => ({ type: 'put' as const, key, value: valueOf(request, object, key) })),
        ...releases(without(before, after)),
      ],
    },
  };
}

/** What goes with the removal of an object: a Service gives its addresses back. */
export function releaseOf(object: KubeObject): Companions {
  if (object.kind !== 'Service' || object.apiVersion !== 'v1') return { compares: [], operations: [] };
  return { compares: [], operations: releases(heldBy(object)) };
}

/** The first address of the range is the Service `kubernetes`. */
export function kubernetesServiceIp(serviceCidr: string): string {
  return addressAt(parseCidr(serviceCidr), 1);
}

/** One Service's alone, by a key that nobody else may have. */
interface Held {
  key: string;
  /** Where an earlier version may have said so. */
  formerly?: string;
}

function heldBy(service: KubeObject): Held[] {
  const ip: string | undefined = service['spec']?.clusterIP;
  const address =
    ip === undefined || ip === '' || ip === 'None' ? [] : [{ key: addressKey(ip), formerly: oldAddressKey(ip) }];
  const ports = new Set(nodePortsOf(service));
  return [...address, ...[...ports].map((port) => ({ key: `${ALLOCATIONS}nodeports/${port}` }))];
}

const without = (held: readonly Held[], others: readonly Held[]): Held[] =>
  held.filter(({ key }) => !others.some((other) => other.key === key));

const keysOf = ({ key, formerly }: Held): string[] => (formerly === undefined ? [key] : [key, formerly]);

const releases = (held: readonly Held[]): Operation[] =>
  held.flatMap(keysOf).map((key) => ({ type: 'delete' as const, key }));

/** An address is held by its IPAddress, a port by a key that only names the Service. */
function valueOf(request: WriteRequest, service: KubeObject, key: string): Uint8Array {
  const { namespace, name } = service.metadata;
  if (key.startsWith(ALLOCATIONS)) return new TextEncoder().encode(JSON.stringify({ service: `${namespace}/${name}` }));
  const made = { uid: request.chance.uuid(), time: toTime(request.now) };
  return encodeStored(addressOf(service, service['spec'].clusterIP, made));
}

function nodePortsOf(service: KubeObject): number[] {
  return ((service['spec']?.ports ?? []) as Array<{ nodePort?: number }>)
    .map((port) => port.nodePort ?? 0)
    .filter((port) => port > 0);
}

function takenBy(request: WriteRequest, object: KubeObject): Taken {
  const taken: Taken = { ips: new Set(), ports: new Set() };
  for (const { object: other, namespace, name } of request.view.list(SERVICES)) {
    if (namespace === object.metadata.namespace && name === object.metadata.name) continue;
    if (other['spec']?.clusterIP !== undefined) taken.ips.add(other['spec'].clusterIP);
    for (const port of nodePortsOf(other)) taken.ports.add(port);
  }
  for (const ip of givenAddresses(request.view)) taken.ips.add(ip);
  return taken;
}

function chooseIp(request: WriteRequest, object: KubeObject, old: KubeObject | undefined, taken: Taken): FieldError[] {
  const spec = (object['spec'] ??= {});
  if (spec.type === 'ExternalName') return [];
  const given: string = spec.clusterIP ?? '';
  const ranges = serviceRanges(request.view, request.facts.serviceCidr);
  const isChosen = given !== '' && given !== 'None' && given !== old?.['spec']?.clusterIP;
  const errors = isChosen ? checkIp(given, ranges, taken) : [];
  if (given === '') {
    const free = firstOf(ranges, (range) => freeIp(request, range, taken));
    if (free === undefined)
      return [
        invalidValue(
          'spec.clusterIPs',
          [],
          `failed to allocate an IP address: range ${request.facts.serviceCidr} is full`,
        ),
      ];
    spec.clusterIP = free;
  }
  spec.clusterIPs = [spec.clusterIP];
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
  return errors;
}

function firstOf<T>(ranges: readonly Range[], find: (range: Range) => T | undefined): T | undefined {
  for (const range of ranges) {
    const found = find(range);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkIp(ip: string, ranges: readonly Range[], taken: Taken): FieldError[] {
  if (!ranges.some((range) => containsAddress(range, ip)))
    return [
      invalidValue(
        'spec.clusterIPs',
        [ip],
        `failed to allocate IP ${ip}: the provided IP is not in the valid range. The range of valid IPs is ${ranges.map(({ text }) => text).join(', ')}`,
      ),
    ];
  if (taken.ips.has(ip))
    return [invalidValue('spec.clusterIPs', [ip], `failed to allocate IP ${ip}: provided IP is already allocated`)];
  return [];
}

/** Low addresses are left to those who ask for one by name, as upstream: at most 256, at least 16, a 16th of the range. */
function freeIp(request: WriteRequest, cidr: Cidr, taken: Taken): string | undefined {
  const reserved = Math.min(Math.max(16, Math.floor(cidr.size / 16)), 256);
  const first = reserved + 1 < cidr.size - 1 ? reserved + 1 : 2;
  for (const [low, high] of [
    [first, cidr.size - 2],
    [2, first - 1],
  ] as const) {
    const random = pick(request, low, high, (offset) => isFreeIp(request, addressAt(cidr, offset), taken));
    if (random !== undefined) return addressAt(cidr, random);
  }
  return undefined;
}

function isFreeIp(request: WriteRequest, ip: string, taken: Taken): boolean {
  return !taken.ips.has(ip) && ip !== request.facts.dnsIp;
}

/** Tries at random, then in order from a random place: finds the last free one too. */
function pick(
  request: WriteRequest,
  low: number,
  high: number,
  isFree: (value: number) => boolean,
): number | undefined {
  const size = high - low + 1;
  if (size <= 0) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const candidate = low + request.chance.int(size);
    if (isFree(candidate)) return candidate;
  }
  const start = request.chance.int(size);
  for (let i = 0; i < size; i++) if (isFree(low + ((start + i) % size))) return low + ((start + i) % size);
  return undefined;
}

function choosePorts(request: WriteRequest, object: KubeObject, taken: Taken): FieldError[] {
  const spec = object['spec'];
  const errors: FieldError[] = [];
  const own = new Set<number>();
  for (const [i, port] of ((spec.ports ?? []) as Array<{ nodePort?: number }>).entries()) {
    const path = `spec.ports[${i}].nodePort`;
    const given = port.nodePort ?? 0;
    if (given !== 0) {
      if (given < NODE_PORTS.first || given > NODE_PORTS.last)
        errors.push(
          invalidValue(
            path,
            given,
            `provided port is not in the valid range. The range of valid ports is ${NODE_PORTS.first}-${NODE_PORTS.last}`,
          ),
        );
      else if (taken.ports.has(given)) errors.push(invalidValue(path, given, 'provided port is already allocated'));
    } else if (hasNodePorts(spec)) {
      const free = pick(request, NODE_PORTS.first, NODE_PORTS.last, (p) => !taken.ports.has(p) && !own.has(p));
      if (free === undefined) errors.push(invalidValue(path, 0, 'failed to allocate a nodePort: range is full'));
      else port.nodePort = free;
    }
    if (port.nodePort !== undefined) own.add(port.nodePort);
  }
  return errors;
}
