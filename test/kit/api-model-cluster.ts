// Does: plays the scheduler and the kubelets over an ApiModel, one small step at a time in an order that chance draws, for
// tests of controllers. Never decides like the real ones: any node will do, and every pod becomes ready in the end.
import { RESOURCES } from '../../lib/api/resource.ts';
import type { Node, Pod } from '../../lib/api/generated/types.ts';
import type { Chance } from '../../lib/base/chance.ts';
import { toTime } from '../../lib/base/clock.ts';
import type { ApiModel } from './api-model.ts';

type Step = () => void;

export class ModelCluster {
  readonly #model: ApiModel;
  readonly #chance: Chance;
  #address = 0;
  /** Pods for which this holds never become ready. */
  isBroken: (pod: Pod) => boolean = () => false;

  constructor(model: ApiModel, chance: Chance) {
    this.#model = model;
    this.#chance = chance;
  }

  /** Something that may happen happens; false: nothing can. */
  step(): boolean {
    const steps = this.#model.list<Pod>(RESOURCES.pods).flatMap((pod) => this.#next(pod) ?? []);
    if (steps.length === 0) return false;
    steps[this.#chance.int(steps.length)]!();
    return true;
  }

  #next(pod: Pod): Step | undefined {
    const { namespace = '', name } = pod.metadata;
    const isEnded = pod.metadata.deletionTimestamp !== undefined && !pod.metadata.deletionGracePeriodSeconds;
    if (isEnded && (pod.metadata.finalizers ?? []).length > 0) return undefined;
    if (pod.metadata.deletionTimestamp !== undefined)
      return () => void this.#model.delete(RESOURCES.pods, namespace, name, { gracePeriodSeconds: 0 });
    if (!pod.spec.nodeName) return () => this.#bind(pod);
    if (pod.status?.phase === 'Running' || this.isBroken(pod)) return undefined;
    return () => this.setReady(pod, true);
  }

  #bind(pod: Pod): void {
    const nodes = this.#model.list<Node>(RESOURCES.nodes);
    const node = nodes[this.#chance.int(nodes.length)];
    const { namespace = '', name } = pod.metadata;
    void this.#model.answer({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`,
      body: { metadata: {}, target: { name: node?.metadata.name ?? 'node-1' } },
    });
  }

  setReady(pod: Pod, isReady: boolean): void {
    const { namespace = '', name } = pod.metadata;
    const ip = pod.status?.podIP ?? `10.0.${(this.#address >> 8) & 255}.${(this.#address++ & 255) + 1}`;
    this.#model.change<Pod>(
      RESOURCES.pods,
      namespace,
      name,
      (copy) => {
        const condition = {
          type: 'Ready',
          status: isReady ? 'True' : 'False',
          lastTransitionTime: toTime(this.#model.now()),
        };
        copy.status = { ...copy.status, phase: 'Running', podIP: ip, conditions: [condition] };
      },
      'status',
    );
  }
}
