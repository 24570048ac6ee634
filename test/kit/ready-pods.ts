// Does: asks a whole cluster for the pods of an app, and waits until they are ready. Never changes one.
import type { Pod } from '../../lib/api/generated/types.ts';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { isReady, type List } from './manifests.ts';

export function podsIn(cluster: TestCluster) {
  const podsOf = async (app: string): Promise<Pod[]> =>
    (await cluster.get<List<Pod>>('pods', '-l', `app=${app}`)).items;
  const readyPods = (app: string, count: number): Promise<Pod[]> =>
    eventually(`${count} ready pods of ${app}`, async () => {
      const pods = (await podsOf(app)).filter(isReady);
      return pods.length === count ? pods : undefined;
    });
  return { podsOf, readyPods };
}
