// Decides how much of each resource a pod asks for and a node offers, as plain numbers: cpu in millicores, all else in
// whole units (bytes, pieces). Never looks at limits or usage.
import { quantityToMilli, quantityToNumber } from '../../../lib/api/quantity.ts';
import type { Container, Node, Pod } from '../../../lib/api/generated/types.ts';

export type Amounts = Record<string, number>;

/** What a container without requests is taken to use, where nodes are compared (never where they are filtered). */
const UNSAID: Amounts = { cpu: 100, memory: 200 * 1024 * 1024 };

function amountsOf(list: Record<string, string> | undefined): Amounts {
  return Object.fromEntries(
    Object.entries(list ?? {}).map(([name, text]) => [
      name,
      name === 'cpu' ? quantityToMilli(text) : quantityToNumber(text),
    ]),
  );
}

export function addTo(sum: Amounts, more: Amounts, sign: 1 | -1 = 1): void {
  for (const [name, amount] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + sign * amount;
}

function larger(a: Amounts, b: Amounts): Amounts {
  const out = { ...a };
  for (const [name, amount] of Object.entries(b)) out[name] = Math.max(out[name] ?? 0, amount);
  return out;
}

function plus(a: Amounts, b: Amounts): Amounts {
  const out = { ...a };
  addTo(out, b);
  return out;
}

/**
 * Init containers run one after the other, sidecars (restartPolicy Always) stay on from their turn: a pod needs the most
 * that it needs at any moment, and its overhead. Requests of the pod as a whole replace those of its containers.
 */
function atAnyMoment(pod: Pod, of: (container: Container) => Amounts): Amounts {
  let sidecars: Amounts = {};
  let most: Amounts = {};
  for (const container of pod.spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      sidecars = plus(sidecars, of(container));
      most = larger(most, sidecars);
    } else most = larger(most, plus(sidecars, of(container)));
  }
  const running = pod.spec.containers.reduce((sum, container) => plus(sum, of(container)), sidecars);
  const total = { ...larger(most, running), ...amountsOf(pod.spec.resources?.requests) };
  return plus(total, amountsOf(pod.spec.overhead));
}

export function requestsOf(pod: Pod): Amounts {
  return atAnyMoment(pod, (container) => amountsOf(container.resources?.requests));
}

export function requestsForScore(pod: Pod): Amounts {
  return atAnyMoment(pod, (container) => ({ ...UNSAID, ...amountsOf(container.resources?.requests) }));
}

export function allocatableOf(node: Node): Amounts {
  return amountsOf(node.status?.allocatable ?? node.status?.capacity);
}
