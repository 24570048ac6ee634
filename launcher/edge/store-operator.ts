// Does: asks the members of a running store to do what its owner wants, until it is done or refused for good. Never decides
// whether it is safe: the store's leader does.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TroubleError } from '../../lib/base/errors.ts';
import { silentLog } from '../../lib/base/log.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import type { StoreOperation, StoreOperationReply, StoreRefusal, StoreStatus } from '../../lib/bus/messages.ts';
import { connectNats } from '../../lib/bus/nats.ts';
import { subjectOf } from '../../lib/bus/subjects.ts';
import type { Cluster } from '../core/cluster.ts';
import type { Home } from '../core/home.ts';
import { natsServers, type Places } from '../core/network-places.ts';

const STATUS_MS = 1_000;
const ASK_MS = 10_000;
const AGAIN_MS = 250;

export class StoreOperator {
  readonly bus: Bus;
  private readonly cluster: string;
  private readonly members: readonly string[];

  constructor(bus: Bus, cluster: string, members: readonly string[]) {
    this.bus = bus;
    this.cluster = cluster;
    this.members = members;
  }

  static async connect(home: Home, cluster: Cluster, places: Places): Promise<StoreOperator> {
    const settings = { servers: natsServers(places), seedFile: home.seedFile('operator'), caFile: home.caFile };
    return new StoreOperator(await connectNats('operator', settings, silentLog), cluster.name, cluster.stores);
  }

  /** One question to one member; a refusal is an answer. */
  async ask(member: string, operation: StoreOperation, timeoutMs = ASK_MS): Promise<StoreOperationReply> {
    const subject = subjectOf(this.cluster, 'storeOperate', { member, from: 'operator' });
    return (await this.bus.request(subject, operation, { timeoutMs })) as StoreOperationReply;
  }

  /** Of those that answer. */
  async statuses(): Promise<StoreStatus[]> {
    const asked = await Promise.allSettled(
      this.members.map((member) => this.ask(member, { operation: 'status' }, STATUS_MS)),
    );
    return asked.flatMap((each) => (each.status === 'fulfilled' && 'status' in each.value ? [each.value.status] : []));
  }

  /** Undefined: nobody leads, as far as anybody says. Of two that say so, the later term is right. */
  async leader(): Promise<StoreStatus | undefined> {
    const leaders = (await this.statuses()).filter(({ role }) => role === 'leader');
    return leaders.sort((a, b) => b.term - a.term)[0];
  }

  /** Asks the leader until it is done. Throws what it is refused for, or what was last in the way. */
  async operate(operation: StoreOperation, timeoutMs = 30_000): Promise<Exclude<StoreOperationReply, StoreRefusal>> {
    let last = 'nobody answers';
    for (const until = Date.now() + timeoutMs; Date.now() < until; await pause(AGAIN_MS)) {
      try {
        const leader = await this.leader();
        if (leader === undefined) {
          last = 'no member leads: a majority cannot be reached';
          continue;
        }
        const reply = await this.ask(leader.member, operation);
        if (!('refused' in reply)) return reply;
        if (reply.refused === 'invalid') throw new RefusedError(reply.message);
        last = reply.message;
      } catch (error) {
        if (error instanceof RefusedError) throw error;
        last = messageOf(error);
      }
    }
    throw new TroubleError(`the store did not do it within ${timeoutMs / 1000} s (${operation.operation}): ${last}`);
  }

  close(): Promise<void> {
    return this.bus.close();
  }
}

/** Asking again would not help. */
export class RefusedError extends Error {}
