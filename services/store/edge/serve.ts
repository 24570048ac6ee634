// Does: answers the store's subjects for this member: writes and readIndex go to the leader's queues, ranges, history and
// status are answered from this member's own state. Never answers a malformed message with anything but why it is that.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { BusMessage, Subscription } from '../../../lib/bus/bus.ts';
import type { StoreQuery, StoreQueryReply, StoreRefusal } from '../../../lib/bus/messages.ts';
import { packReply } from '../../../lib/bus/packed.ts';
import { patternOf } from '../../../lib/bus/subjects.ts';
import type { StoreMember } from './member.ts';
import { storeStatus } from './status.ts';
import { asStoreOperation, asStoreQuery, asStoreWrite } from './validate.ts';

/** A reader that is ahead of this member waits this long for it, then is refused and may ask another. */
const CATCH_UP_MS = 1_000;
const CATCH_UP_STEP_MS = 20;

export function serve(ctx: ActorContext<StoreSettings>, member: StoreMember): Subscription {
  const own = { member: ctx.instance };
  const handle = (name: 'storeWrite' | 'storeQuery' | 'storeOperate', answer: Answerer): Subscription =>
    ctx.bus.subscribe(patternOf(ctx.cluster, name, own), (message) => guarded(ctx, member, message, answer));
  const subscriptions = [
    handle('storeWrite', onWrite),
    handle('storeQuery', onQuery),
    handle('storeOperate', onOperate),
  ];
  return { unsubscribe: () => subscriptions.forEach((subscription) => subscription.unsubscribe()) };

  function onWrite(data: unknown, respond: (reply: unknown) => void): void {
    const write = asStoreWrite(data);
    if (typeof write === 'string') return respond(invalid(write));
    member.leadership.ask({
      proceed: () => member.proposals.add(write, (reply) => respond(packReply(reply))),
      refuse: respond,
    });
  }

  function onQuery(data: unknown, respond: (reply: unknown) => void): void {
    const query = asStoreQuery(data);
    if (typeof query === 'string') return respond(invalid(query));
    if (query.query === 'readIndex')
      return member.leadership.ask({ proceed: () => member.reads.add(respond), refuse: respond });
    const refusal = query.query === 'status' ? undefined : refuseWhileRepaired();
    if (refusal !== undefined) return respond(refusal);
    const revision = query.query === 'range' ? query.revision : query.query === 'history' ? query.since : 0;
    whenAt(revision, ctx.clock.monotonic() + CATCH_UP_MS, (refusal) =>
      respond(refusal ?? answerFromState(ctx, member, query)),
    );
  }

  function onOperate(data: unknown, respond: (reply: unknown) => void): void {
    const operation = asStoreOperation(data);
    if (typeof operation === 'string') return respond(invalid(operation));
    switch (operation.operation) {
      case 'status':
        return respond({ status: storeStatus(ctx, member) });
      case 'snapshotOpen':
        return member.disk.exports.open(respond);
      case 'snapshotRead':
        return member.disk.exports.read(operation.index, operation.offset, respond);
      case 'addMember':
      case 'removeMember':
        return member.leadership.ask({ proceed: () => member.membership.add(operation, respond), refuse: respond });
      default:
        return member.leadership.ask({ proceed: () => member.operations.add(operation, respond), refuse: respond });
    }
  }

  /** What is being repaired is neither old nor new: nobody is told anything from it. */
  function refuseWhileRepaired(): StoreRefusal | undefined {
    if (member.repairs === '') return undefined;
    return member.leadership.refusal(member.leadership.leader === '' ? 'noQuorum' : 'notLeader', member.repairs);
  }

  function whenAt(revision: number, deadline: number, go: (refusal?: StoreRefusal) => void): void {
    if (member.state.revision >= revision) return go();
    if (ctx.clock.monotonic() >= deadline)
      return go(
        member.leadership.refusal(
          'noQuorum',
          `is at revision ${member.state.revision} and was asked for revision ${revision}`,
        ),
      );
    ctx.clock.timer(CATCH_UP_STEP_MS, () => whenAt(revision, deadline, go));
  }

  function invalid(why: string): StoreRefusal {
    return member.leadership.refusal('invalid', `cannot take the message: ${why}`);
  }
}

type Answerer = (data: unknown, respond: (reply: unknown) => void) => void;

/** A fault of ours in answering one message must not cost the member its life. */
function guarded(ctx: ActorContext, member: StoreMember, message: BusMessage, answer: Answerer): void {
  const respond = (reply: unknown): void => message.respond?.(reply);
  try {
    answer(message.data, respond);
  } catch (error) {
    ctx.log.error({ subject: message.subject, error: messageOf(error) }, 'a request could not be answered');
    respond(member.leadership.refusal('invalid', `could not handle the message: ${messageOf(error)}`));
  }
}

function answerFromState(
  ctx: ActorContext<StoreSettings>,
  member: StoreMember,
  query: Exclude<StoreQuery, { query: 'readIndex' }>,
): StoreQueryReply {
  const { state } = member;
  if (query.query === 'status') return { status: storeStatus(ctx, member) };
  if (query.query === 'history') {
    const history = state.historyAfter(query.since, query.limit);
    return history === 'compacted' ? { compacted: { oldest: state.compactedRevision } } : { history };
  }
  const range = state.range(query.prefix, query.after, query.limit, query.revision);
  return range === 'compacted' ? { compacted: { oldest: state.compactedRevision } } : { range };
}
