// Does: asks members of the simulated store until one answers: the way of an operator or an API actor. Never reads an answer.
import { sleep } from '../../lib/base/clock.ts';
import type {
  StoreOperation,
  StoreOperationReply,
  StoreQuery,
  StoreQueryReply,
  StoreRefusal,
  StoreWrite,
  StoreWriteReply,
} from '../../lib/bus/messages.ts';
import { packWrite, unpackReply, type PackedReply } from '../../lib/bus/packed.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { SimBus } from './sim-bus.ts';
import type { World } from './world.ts';

export interface Asking {
  world: World;
  bus: SimBus;
  cluster: string;
  /** Grows when members are added. */
  members: readonly string[];
}

const ATTEMPT_MS = 600;

export const isRefusal = (reply: object): reply is StoreRefusal => 'refused' in reply;

/** One question to one member; undefined: no answer came. */
export function askOnce(
  { bus, cluster }: Asking,
  member: string,
  query: StoreQuery,
): Promise<StoreQueryReply | undefined> {
  const subject = subjectOf(cluster, 'storeQuery', { member, noun: query.query, from: bus.instance });
  return (bus.request(subject, query, { timeoutMs: 2_500 }) as Promise<StoreQueryReply>).catch(() => undefined);
}

/** One wish to one member; undefined: no answer came. */
export function operateOnce(
  { bus, cluster }: Asking,
  member: string,
  operation: StoreOperation,
  timeoutMs = ATTEMPT_MS,
): Promise<StoreOperationReply | undefined> {
  const subject = subjectOf(cluster, 'storeOperate', { member, from: bus.instance });
  return (bus.request(subject, operation, { timeoutMs }) as Promise<StoreOperationReply>).catch(() => undefined);
}

/** The leader's answer; undefined: none in time. `invalid` is an answer, all other refusals are asked again. */
export function operate(
  asking: Asking,
  operation: StoreOperation,
  patienceMs: number,
): Promise<StoreOperationReply | undefined> {
  return untilAnswered(asking, patienceMs, (member) => operateOnce(asking, member, operation));
}

export function write(asking: Asking, data: StoreWrite, patienceMs: number): Promise<StoreWriteReply | undefined> {
  const { bus, cluster } = asking;
  return untilAnswered(asking, patienceMs, (member) => {
    const subject = subjectOf(cluster, 'storeWrite', { member, from: bus.instance });
    const reply = bus.request(subject, packWrite(data), { timeoutMs: ATTEMPT_MS }) as Promise<PackedReply>;
    return reply.then(unpackReply).catch(() => undefined);
  });
}

async function untilAnswered<T extends object>(
  { world, bus, members }: Asking,
  patienceMs: number,
  attempt: (member: string) => Promise<T | StoreRefusal | undefined>,
): Promise<T | StoreRefusal | undefined> {
  const until = world.nowMs + patienceMs;
  let leader: string | undefined;
  while (world.nowMs < until) {
    const member = leader ?? world.pick(members);
    const reply = await attempt(member);
    if (reply !== undefined && (!isRefusal(reply) || reply.refused === 'invalid')) return reply;
    const named = reply !== undefined && isRefusal(reply) ? reply.leader : '';
    leader = named === '' || named === member ? undefined : named;
    await sleep(bus.process.clock, 10 + world.chance.int(40));
  }
  return undefined;
}
