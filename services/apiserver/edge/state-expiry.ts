// Does: lets go of earlier states, which lists in pages and lists of an exact revision are given, when they are five to ten minutes
// old: so long does upstream's compactor leave them to its clients. Never touches the events that watches go on from.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';

/** Upstream's --etcd-compaction-interval. */
const INTERVAL_MS = 300_000;

export function expireStates({ clock }: Pick<ActorContext, 'clock'>, cache: ClusterCache): { stop(): void } {
  let timer: Timer;
  const later = (last: number): void => {
    timer = clock.timer(INTERVAL_MS, () => {
      cache.forgetStates(last);
      later(cache.revision);
    });
  };
  later(0);
  return { stop: () => timer.cancel() };
}
