// Does: asks the store's leader for what is no write and no question: a lease. Never asks again for what was refused for good.
import type { ActorContext } from '../../../lib/actor/context.ts';
import { sleep } from '../../../lib/base/clock.ts';
import { ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { StoreOperation, StoreOperationReply } from '../../../lib/bus/messages.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import { isRefusal, type StoreMembers } from './store-members.ts';

const RETRY_PAUSE_MS = 50;

/** Throws ApiError with what was last in the way. */
export async function operateStore(
  { bus, clock, cluster, instance }: ActorContext,
  members: StoreMembers,
  operation: StoreOperation,
  timeoutMs: number,
): Promise<StoreOperationReply> {
  const deadline = clock.monotonic() + timeoutMs;
  let last = 'no member was asked';
  let to = members.likelyLeader;
  for (let left = timeoutMs; left > 0; left = deadline - clock.monotonic()) {
    try {
      const subject = subjectOf(cluster, 'storeOperate', { member: to, from: instance });
      const asked = bus.request(subject, operation, { timeoutMs: Math.max(1, left) }) as Promise<StoreOperationReply>;
      const reply = await members.unlessMoved(to, asked);
      if (!isRefusal(reply)) return reply;
      members.refusedBy(to, reply);
      last = `${to}: ${reply.message}`;
      if (reply.refused === 'invalid') break;
    } catch (error) {
      members.lost(to);
      last = messageOf(error);
    }
    to = members.after(to);
    await sleep(clock, RETRY_PAUSE_MS);
  }
  throw new ApiError('ServiceUnavailable', `the store did not do it (${operation.operation}): ${last}`);
}
