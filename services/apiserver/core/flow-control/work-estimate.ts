// Decides how many seats a request takes: one, and one more for each hundred objects that a list returns. Never looks at how
// busy the server is.
import type { RequestInfo } from '../request-info.ts';

const OBJECTS_PER_SEAT = 100;
const MOST_SEATS = 10;
/** No request takes more than this part of its level. */
const LARGEST_PART = 0.15;

/** How wide a request of a level may be at most: `limit` seats, hands of `handSize` queues. */
export function widest(limit: number, handSize: number): number {
  return Math.min(MOST_SEATS, Math.max(1, Math.min(Math.ceil(limit * LARGEST_PART), Math.floor(limit / handSize))));
}

/** `countOf`: how many objects a list without selectors would return. */
export function seatsOf(
  info: RequestInfo,
  query: URLSearchParams,
  most: number,
  countOf: (group: string, resource: string, namespace: string) => number,
): number {
  if (!info.isResource || info.name !== '' || info.subresource !== '') return 1;
  const readsAll =
    info.verb === 'list' ||
    info.verb === 'deletecollection' ||
    (info.verb === 'watch' && query.get('sendInitialEvents') === 'true');
  if (!readsAll) return 1;
  const count = countOf(info.group, info.resource, info.namespace);
  const limit = Number(query.get('limit') ?? 0);
  const returned = Number.isInteger(limit) && limit > 0 ? Math.min(limit, count) : count;
  return Math.min(most, Math.max(1, Math.ceil(returned / OBJECTS_PER_SEAT)));
}
