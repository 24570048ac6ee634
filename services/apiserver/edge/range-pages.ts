// Does: reads every key below a prefix from the store, a page at a time, as they were at one revision (0: as they are). Never keeps one.
import { TroubleError } from '../../../lib/base/errors.ts';
import type { KeyValue } from '../../../lib/bus/messages.ts';
import type { StoreClient } from './store-client.ts';

const PAGE_KEYS = 500;
const QUERY_MS = 5_000;

/** `member`: only this one is asked. Throws when the store does not give them. */
export async function* rangePages(
  store: StoreClient,
  { prefix, revision }: { prefix: string; revision: number },
  member?: string,
): AsyncGenerator<KeyValue[]> {
  for (let after = '', more = true; more;) {
    const query = { query: 'range' as const, prefix, after, limit: PAGE_KEYS, revision };
    const reply = await store.query(query, QUERY_MS, member);
    if (!('range' in reply))
      throw new TroubleError(
        `the store cannot give its state at revision ${revision}: ${JSON.stringify(reply).slice(0, 200)}`,
      );
    const { items } = reply.range;
    yield items;
    more = reply.range.more;
    after = items.at(-1)?.key ?? '';
  }
}
