// Decides the kernel's numbers for a container and a pod: shares, quota, memory, out-of-memory score. Never sets them.
import type { Container, PodSpec } from '../../../lib/api/generated/types.ts';
import { qosClassOf } from '../../../lib/api/pod/qos.ts';
import { quantityToMilli, quantityToNumber } from '../../../lib/api/quantity.ts';
import type { Limits } from '../../../runtime-shims/contract.ts';

const PERIOD_MICROS = 100_000;
const LEAST_SHARES = 2;
const LEAST_QUOTA_MICROS = 1_000;

type Resources = Pick<Container, 'resources'>;

function milliOf(container: Resources, kind: 'requests' | 'limits'): number | undefined {
  const { requests, limits } = container.resources ?? {};
  // A request that is not given is the limit.
  const text = kind === 'limits' ? limits?.['cpu'] : (requests?.['cpu'] ?? limits?.['cpu']);
  return text === undefined ? undefined : quantityToMilli(text);
}

function bytesOf(container: Resources, kind: 'requests' | 'limits'): number | undefined {
  const { requests, limits } = container.resources ?? {};
  const text = kind === 'limits' ? limits?.['memory'] : (requests?.['memory'] ?? limits?.['memory']);
  return text === undefined ? undefined : quantityToNumber(text);
}

function sharesOf(milli: number): number {
  return Math.max(LEAST_SHARES, Math.floor((milli * 1024) / 1000));
}

function quotaOf(milli: number): Pick<Limits, 'cpuQuotaMicros' | 'cpuPeriodMicros'> {
  return {
    cpuQuotaMicros: Math.max(LEAST_QUOTA_MICROS, Math.floor((milli * PERIOD_MICROS) / 1000)),
    cpuPeriodMicros: PERIOD_MICROS,
  };
}

export function containerLimitsOf(container: Resources): Limits {
  const cpuLimit = milliOf(container, 'limits');
  const memory = bytesOf(container, 'limits');
  return {
    cpuShares: sharesOf(milliOf(container, 'requests') ?? 0),
    ...(cpuLimit === undefined || cpuLimit === 0 ? {} : quotaOf(cpuLimit)),
    ...(memory === undefined || memory === 0 ? {} : { memoryBytes: memory }),
  };
}

/** The pod as a whole is limited where each of its containers is: the sum, or one init container that needs more. */
export function podLimitsOf(spec: PodSpec): Limits {
  if (spec.resources !== undefined) return containerLimitsOf({ resources: spec.resources });
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const together = [...spec.containers, ...sidecars];
  const alone = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== 'Always');
  const total = (ask: (container: Resources) => number | undefined): number | undefined => {
    const values = together.map(ask);
    if (values.some((value) => value === undefined || value === 0)) return undefined;
    const sum = (values as number[]).reduce((one, other) => one + other, 0);
    const others = alone.map(ask);
    return others.some((value) => value === undefined || value === 0)
      ? undefined
      : Math.max(sum, ...(others as number[]));
  };
  const requests = together.reduce((sum, container) => sum + (milliOf(container, 'requests') ?? 0), 0);
  const cpu = total((container) => milliOf(container, 'limits'));
  const memory = total((container) => bytesOf(container, 'limits'));
  return {
    cpuShares: sharesOf(requests),
    ...(cpu === undefined ? {} : quotaOf(cpu)),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
  };
}

/** Who is killed first when the machine has no memory left: those that asked for none. */
export function oomScoreAdjustOf(spec: PodSpec, container: Container, machineBytes: number): number {
  const qos = qosClassOf(spec);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const score = Math.floor(1000 - (1000 * (bytesOf(container, 'requests') ?? 0)) / machineBytes);
  return Math.min(Math.max(score, 3), 999);
}

export interface PodRequests {
  cpuMillis: number;
  memoryBytes: number;
}

/** What the scheduler counted for it: containers together, or the init container that needs most. */
export function podRequestsOf(spec: PodSpec): PodRequests {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const sum = (ask: (container: Resources) => number | undefined): number => {
    const together = [...spec.containers, ...sidecars].reduce((total, container) => total + (ask(container) ?? 0), 0);
    const before = sidecars.reduce((total, container) => total + (ask(container) ?? 0), 0);
    const alone = (spec.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy !== 'Always')
      .map((container) => (ask(container) ?? 0) + before);
    return Math.max(together, ...alone);
  };
  return {
    cpuMillis: sum((container) => milliOf(container, 'requests')),
    memoryBytes: sum((container) => bytesOf(container, 'requests')),
  };
}
