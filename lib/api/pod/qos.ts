// Decides a pod's quality of service class from its requests and limits. Never enforces it.
import { ownValue } from '../../base/records.ts';
import type { Container, PodSpec } from '../generated/types.ts';
import { compareQuantities, quantityOf } from '../quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COUNTED = ['cpu', 'memory'];

/** Guaranteed: every container has cpu and memory limits, and requests equal to them. BestEffort: nothing is asked for. */
export function qosClassOf(spec: PodSpec): QosClass {
  const containers =
    spec.resources === undefined
      ? [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
      : [{ resources: spec.resources }];
  const isPositive = (value: string | undefined): boolean => value !== undefined && quantityOf(value).nanos > 0n;
  const asks = (container: Pick<Container, 'resources'>): boolean =>
    COUNTED.some(
      (name) =>
        isPositive(ownValue(container.resources?.requests, name)) ||
        isPositive(ownValue(container.resources?.limits, name)),
    );
  if (!containers.some(asks)) return 'BestEffort';
  const isGuaranteed = (container: Pick<Container, 'resources'>): boolean =>
    COUNTED.every((name) => {
      const limit = ownValue(container.resources?.limits, name);
      const request = ownValue(container.resources?.requests, name) ?? limit;
      return isPositive(limit) && compareQuantities(request!, limit!) === 0;
    });
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}
