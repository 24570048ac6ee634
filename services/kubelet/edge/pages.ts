// Does: answers who asks for a page of this node's kubelet through the API. Never serves HTTP itself: kubelets listen to nobody.
import type { Pod } from '../../../lib/api/generated/types.ts';
import type { Clock } from '../../../lib/base/clock.ts';
import type { NodePage, NodeUsage } from '../../../lib/bus/messages.ts';
import type { ContainerState } from '../../../runtime-shims/contract.ts';
import { needsUsage, pageOf, type PageFacts } from '../core/pages.ts';

export interface PageTools {
  node: string;
  clock: Clock;
  configuration: object;
  memoryBytes: number;
  view: { readonly trouble: string | undefined; running(): ContainerState[] };
  pods(): Pod[];
  measure(): Promise<NodeUsage>;
}

export class Pages {
  readonly #tools: PageTools;
  readonly #startedAt: number;

  constructor(tools: PageTools) {
    this.#tools = tools;
    this.#startedAt = tools.clock.now();
  }

  async page(path: string): Promise<NodePage> {
    // What cannot be measured is told as nothing measured.
    const usage = needsUsage(path) ? await this.#tools.measure().catch(() => undefined) : undefined;
    return pageOf(path, { ...this.#facts(), ...(usage === undefined ? {} : { usage }) });
  }

  #facts(): PageFacts {
    const { node, clock, configuration, memoryBytes, view, pods } = this.#tools;
    const { user, system } = process.cpuUsage();
    return {
      node,
      now: clock.now(),
      startedAt: this.#startedAt,
      runtimeTrouble: view.trouble,
      pods: pods(),
      running: view.running().map(({ pod, name, imageRef }) => ({ pod, name, image: imageRef })),
      configuration,
      used: { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() },
      memoryBytes,
    };
  }
}
