// Does: answers for a member that cannot start: says why in its status, and sends whoever wants anything else to the others.
// Never votes, stores or serves anything.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Subscription } from '../../../lib/bus/bus.ts';
import { emptyStatus } from '../../../lib/bus/empty-status.ts';
import type { StoreRefusal } from '../../../lib/bus/messages.ts';
import { patternOf } from '../../../lib/bus/subjects.ts';

/** What to do about it, by the kernel's name of the error. */
const ADVICE: Record<string, string> = {
  EACCES: 'let the user that it runs as read and write its data directory',
  EPERM: 'let the user that it runs as read and write its data directory',
  EROFS: 'mount its file system for writing',
  ENOSPC: 'make room on its file system',
  EDQUOT: 'make room for the user that it runs as',
  ENOTDIR: 'give it a directory to keep its data in',
  EIO: 'its disk fails: what stays unreadable is given up and fetched from the other members; replace the disk when writing fails too',
};

/** Until `unsubscribe`; the start is tried again by whoever called it. */
export function standAside(ctx: ActorContext<StoreSettings>, error: unknown): Subscription {
  const own = { member: ctx.instance };
  const why = whyAside(error);
  const nothing = emptyStatus(ctx.instance, ctx.settings.clusterId, 'aside');
  const status = { status: { ...nothing, alarms: [`this member ${why}`] } };
  const refusal: StoreRefusal = { refused: 'stopping', leader: '', message: `store member ${ctx.instance} ${why}` };
  const answer = (name: 'storeWrite' | 'storeQuery' | 'storeOperate'): Subscription =>
    ctx.bus.subscribe(patternOf(ctx.cluster, name, own), ({ data, respond }) =>
      respond?.(asksStatus(data) ? status : refusal),
    );
  const subscriptions = [answer('storeWrite'), answer('storeQuery'), answer('storeOperate')];
  return { unsubscribe: () => subscriptions.forEach((subscription) => subscription.unsubscribe()) };
}

export function whyAside(error: unknown): string {
  const code = codeOf(error);
  const advice = code === undefined ? undefined : ADVICE[code];
  return `does not run, and tries again by itself: ${messageOf(error)}${advice === undefined ? '' : `; ${advice}`}`;
}

/** Of the error or of what caused it. */
export function codeOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    if (code !== undefined) return code;
  }
  return undefined;
}

/** An operator's question. One that a reader asks wants a revision to begin from, and there is none here. */
const asksStatus = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'operation' in data && data.operation === 'status';
