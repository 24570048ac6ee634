// Does: puts messages of the core on the bus, and hands over those that arrive for this member. Never queues: what the bus
// cannot take is lost, and Raft asks again; how much can be under way is bounded by the core's windows.
import { LIMITS } from '../../lib/base/limits.ts';
import { decodeToken } from '../../lib/base/ids.ts';
import { messageOf } from '../../lib/base/errors.ts';
import type { Bus, BusMessage, Subscription } from '../../lib/bus/bus.ts';
import { Encoded } from '../../lib/bus/codec.ts';
import { parseSubject, patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import type { Append } from '../core/messages.ts';
import type { MemberId, Message } from '../core/types.ts';
import { decodeMessage, type DropReason, type Expected } from './decode-message.ts';
import { encodeMessage } from './encode-message.ts';

export interface RaftTransportOptions {
  bus: Bus;
  /** First token of all subjects. */
  cluster: string;
  /** Of the Raft cluster: a member of another one, or of an older life of this one, is not heard. */
  clusterId: string;
  id: MemberId;
  /** Called for each valid message, synchronously and in the order of arrival. Must not throw: the bus would only log it. */
  receive: (message: Message) => void;
  /** Largest data in one message; a message with more is not sent. */
  payloadBytes?: number;
}

export interface TransportCounts {
  sent: number;
  received: number;
  /** Refused by the bus, or larger than it takes. */
  unsent: number;
  dropped: Record<DropReason, number>;
  /** What the last refusal said; '' if there was none. */
  lastTrouble: string;
}

export interface RaftTransport {
  send(message: Message): void;
  readonly counts: TransportCounts;
  stop(): void;
}

/** For msgpack's names and numbers around each entry, and around the message. */
const ENTRY_ENVELOPE_BYTES = 64;
const MESSAGE_ENVELOPE_BYTES = 4_096;

/** A bound on the encoded size; cheap, and never too small for what our own core sends. */
function sizeOf(message: Message): number {
  if (message.type === 'snapshotChunk') return MESSAGE_ENVELOPE_BYTES + message.data.length;
  if (message.type !== 'append') return MESSAGE_ENVELOPE_BYTES;
  return message.entries.reduce((sum, { data }) => sum + data.length + ENTRY_ENVELOPE_BYTES, MESSAGE_ENVELOPE_BYTES);
}

/** More than there are members and kinds of messages; whoever says others does not make it grow. */
const REMEMBERED = 1_024;

/** Subjects are few and taken apart, or put together, for every message. */
function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const made = make(key);
    if (known.size < REMEMBERED) known.set(key, made);
    return made;
  };
}

/** To two followers. */
function isSame(a: Append, b: Append): boolean {
  return (
    a.term === b.term &&
    a.prevIndex === b.prevIndex &&
    a.prevTerm === b.prevTerm &&
    a.commit === b.commit &&
    a.quiet === b.quiet &&
    a.entries.length === b.entries.length &&
    a.entries.every((entry, i) => entry === b.entries[i])
  );
}

export function createRaftTransport(options: RaftTransportOptions): RaftTransport {
  const { bus, cluster, clusterId, id, payloadBytes = LIMITS.busPayloadBytes } = options;
  const counts: TransportCounts = {
    sent: 0,
    received: 0,
    unsent: 0,
    dropped: { malformed: 0, foreignCluster: 0, wrongSender: 0 },
    lastTrouble: '',
  };
  const subscription: Subscription = bus.subscribe(patternOf(cluster, 'raft', { to: id }), onMessage);

  const expectedOf = remembered((subject: string): Expected => {
    const tokens = parseSubject('raft', subject);
    return { clusterId, id, from: tokens === undefined ? '' : decodeToken(tokens.from), type: tokens?.type ?? '' };
  });
  const subjectsOf = remembered((to: MemberId) =>
    remembered((type: string) => subjectOf(cluster, 'raft', { to, from: id, type })),
  );

  function onMessage({ subject, data }: BusMessage): void {
    const message = decodeMessage(data, expectedOf(subject));
    if (typeof message === 'string') {
      counts.dropped[message]++;
      return;
    }
    counts.received++;
    options.receive(message);
  }

  function refuse(trouble: string): void {
    counts.unsent++;
    counts.lastTrouble = trouble;
  }

  /** Followers that keep pace are sent the same: then the second message costs no second encoding. */
  let former: { message: Append; encoded: Encoded } | undefined;
  function encoded(message: Message): unknown {
    if (message.type !== 'append' || message.entries.length === 0) return encodeMessage(message);
    if (former === undefined || !isSame(former.message, message))
      former = { message, encoded: new Encoded(encodeMessage(message)) };
    return former.encoded;
  }

  return {
    counts,
    send(message) {
      const { to, type } = message;
      const size = sizeOf(message);
      if (size > payloadBytes)
        return refuse(`${type} to ${to}: ${size} bytes are more than the bus takes (${payloadBytes})`);
      try {
        bus.publish(subjectsOf(to)(type), encoded(message));
        counts.sent++;
      } catch (error) {
        refuse(`${type} to ${to}: ${messageOf(error)}`);
      }
    },
    stop: () => subscription.unsubscribe(),
  };
}
