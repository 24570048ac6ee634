// Does: sees to it that the ServiceAccounts exist in whose names the loops act, so that people find who did what. Never waits for
// them: the API lets a loop act before its account is there.
import { RESOURCES } from '../../../lib/api/resource.ts';
import { sleep, type Clock } from '../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Client } from '../../../lib/client/client.ts';

const NAMESPACE = 'kube-system';
const RETRY_MS = 5_000;

/** Those that are there stay as they are. Gives up when `isOver` says so. */
export async function ensureAccounts(
  { client, clock, log }: { client: Client; clock: Clock; log: Log },
  names: Iterable<string>,
  isOver: () => boolean,
): Promise<void> {
  for (const name of new Set(names))
    while (!isOver()) {
      try {
        await client.create(RESOURCES.serviceAccounts, NAMESPACE, { metadata: { name, namespace: NAMESPACE } });
        break;
      } catch (error) {
        if (isReason(error, 'AlreadyExists')) break;
        log.warn({ account: name, error: messageOf(error) }, 'the account of a loop could not be made; tried again');
        await sleep(clock, RETRY_MS);
      }
    }
}
