// Does: plays the kubelets of some nodes against an API: nodes that say that they are well, pods that run soon after they were bound
// and end when they are told to. Never starts a container, and never decides what a test sees of it.
import type { Node, Pod } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import { toMicroTime, toTime } from '../../lib/base/clock.ts';
import type { Client } from '../../lib/client/client.ts';

const LEASES = 'kube-node-lease';
const PAUSE_MS = 20;
const RENEW_MS = 500;
const RESOURCES_OF_NODE = { cpu: '2', memory: '4Gi', pods: '110' };

export class PlayedNodes {
  /** Those whose kubelet is played. One that is taken out is silent from then on. */
  readonly alive: Set<string>;
  readonly #client: Client;
  readonly #names: readonly string[];
  #isStopped = false;
  #played: Promise<void> = Promise.resolve();

  constructor(client: Client, names: readonly string[]) {
    this.#client = client;
    this.#names = names;
    this.alive = new Set(names);
  }

  async start(): Promise<void> {
    for (const name of this.#names) await this.#add(name);
    this.#played = this.#play();
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#played;
  }

  async #add(name: string): Promise<void> {
    await this.#client.create(RESOURCES.nodes, '', { metadata: { name } });
    await this.#client.create(RESOURCES.leases, LEASES, {
      metadata: { name, namespace: LEASES },
      spec: { holderIdentity: name, leaseDurationSeconds: 40 },
    });
    await this.#sayNode(name);
  }

  async #sayNode(name: string): Promise<void> {
    const node = await this.#client.get<Node>(RESOURCES.nodes, { name });
    const conditions = [
      { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastTransitionTime: toTime(Date.now()) },
    ];
    const status = { allocatable: RESOURCES_OF_NODE, capacity: RESOURCES_OF_NODE, conditions };
    await this.#client.update(RESOURCES.nodes, { name, subresource: 'status' }, { ...node, status });
  }

  async #play(): Promise<void> {
    for (let renewedAt = 0; !this.#isStopped;) {
      const { items } = await this.#client.list<Pod>(RESOURCES.pods, {});
      for (const pod of items) await this.#playPod(pod).catch(() => {});
      if (Date.now() - renewedAt > RENEW_MS) {
        renewedAt = Date.now();
        await Promise.allSettled([...this.alive].map((name) => this.#renew(name)));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #renew(name: string): Promise<void> {
    const at = { namespace: LEASES, name };
    await this.#client.patch(RESOURCES.leases, at, 'application/merge-patch+json', {
      spec: { renewTime: toMicroTime(Date.now()) },
    });
    // On a machine that stood still its node was given up meanwhile: a kubelet says again that it is well.
    const node = await this.#client.get<Node>(RESOURCES.nodes, { name });
    if (node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status !== 'True') === true)
      await this.#sayNode(name);
  }

  async #playPod(pod: Pod): Promise<void> {
    const { name, namespace = '', uid = '' } = pod.metadata;
    if (!this.alive.has(pod.spec.nodeName ?? '')) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await this.#client.delete(RESOURCES.pods, { namespace, name }, { uid, graceSeconds: 0 });
      return;
    }
    if (pod.status?.phase === 'Running') return;
    const ip = `10.244.${1 + this.#names.indexOf(pod.spec.nodeName!)}.${(Number.parseInt(uid.slice(0, 4), 16) % 250) + 2}`;
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: toTime(Date.now()) };
    const status = { ...pod.status, phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [...others, ready] };
    await this.#client.update(RESOURCES.pods, { namespace, name, subresource: 'status' }, { ...pod, status });
  }
}
