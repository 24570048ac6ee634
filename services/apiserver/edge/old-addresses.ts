// Does: takes away the keys by which earlier versions held the addresses of Services, once their IPAddresses hold them. Never
// frees an address that a Service has, and never asks again when none is left.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import { messageOf, TroubleError } from '../../../lib/base/errors.ts';
import { LIMITS } from '../../../lib/base/limits.ts';
import type { KeyValue } from '../../../lib/bus/messages.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import { SERVICES } from '../core/service-addresses.ts';
import { OLD_ADDRESSES, spentAddressKeys } from '../core/service-ranges.ts';
import type { StoreClient } from './store-client.ts';

const AGAIN_MS = 10_000;
const RANGE_KEYS = 500;
const QUERY_MS = 5_000;

export function dropOldAddresses(ctx: ActorContext, store: StoreClient, cache: ClusterCache): { stop(): void } {
  let timer: Timer | undefined;
  let isStopped = false;
  const look = async (): Promise<void> => {
    let isDone = false;
    try {
      isDone = await dropSpent(ctx, store, cache);
    } catch (error) {
      ctx.log.debug({ error: messageOf(error) }, 'old keys of addresses could not be dropped; tried again later');
    }
    if (!isDone && !isStopped) timer = ctx.clock.timer(AGAIN_MS, () => void look());
  };
  void look();
  return {
    stop() {
      isStopped = true;
      timer?.cancel();
    },
  };
}

/** Whether there was none. One that is needed yet waits for its IPAddress: the controller-manager makes it. */
async function dropSpent(ctx: ActorContext, store: StoreClient, cache: ClusterCache): Promise<boolean> {
  let found = 0;
  for (let after = '', more = true; more;) {
    const page = await pageOf(store, after);
    found += page.items.length;
    const cause = { span: '', actor: ctx.instance };
    const deadline = ctx.clock.monotonic() + LIMITS.writeTimeoutMs;
    // Who comes too late for one finds it gone the next time.
    await Promise.all(
      [...spentAddressKeys(cache, page.items, SERVICES)].map((spent) => store.write({ ...spent, cause }, deadline)),
    );
    after = page.items.at(-1)?.key ?? '';
    more = page.more;
  }
  return found === 0;
}

async function pageOf(store: StoreClient, after: string): Promise<{ items: KeyValue[]; more: boolean }> {
  const query = { query: 'range' as const, prefix: OLD_ADDRESSES, after, limit: RANGE_KEYS, revision: 0 };
  const reply = await store.query(query, QUERY_MS);
  if (!('range' in reply)) throw new TroubleError(`the store does not list ${OLD_ADDRESSES}`);
  return reply.range;
}
