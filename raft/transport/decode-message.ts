// Decides whether something from the bus is a Raft message for this member, field by field. Never throws, and never passes
// a field on that it does not know: what the core is given has exactly the shape that its types promise.
import { decodeConfiguration, toConfiguration } from '../core/configuration.ts';
import {
  ENTRY_KINDS,
  type AppendOutcome,
  type DoubtReason,
  type Entry,
  type MemberId,
  type Message,
  type MessageType,
  type SnapshotDescription,
  type StateHashes,
} from '../core/types.ts';
import { FIELDS } from './encode-message.ts';

/** Why a message was dropped; each reason is counted. */
export type DropReason = 'malformed' | 'foreignCluster' | 'wrongSender';

export interface Expected {
  clusterId: string;
  id: MemberId;
  /** Who the bus says has sent it. */
  from: MemberId;
  type: string;
}

/** Of one message: more than a member has to say at once. */
const MAX_HASHES = 64;

type Fields = Record<string, unknown>;
class Malformed extends Error {}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function natural(fields: Fields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Malformed(name);
  return value as number;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > 256) throw new Malformed(name);
  return value;
}

function flag(fields: Fields, name: string): boolean {
  if (typeof fields[name] !== 'boolean') throw new Malformed(name);
  return fields[name];
}

function bytes(fields: Fields, name: string): Uint8Array {
  if (!(fields[name] instanceof Uint8Array)) throw new Malformed(name);
  return fields[name];
}

function object(fields: Fields, name: string): Fields {
  if (!isFields(fields[name])) throw new Malformed(name);
  return fields[name];
}

/** Contiguous behind `prevIndex`, with terms that never fall and never exceed the leader's. */
function entries(fields: Fields): Entry[] {
  const list = fields['entries'];
  if (!Array.isArray(list) || list.length % 3 !== 0) throw new Malformed('entries');
  const prevIndex = natural(fields, 'prevIndex');
  let term = natural(fields, 'prevTerm');
  const found: Entry[] = [];
  for (let i = 0; i < list.length; i += 3) {
    const entry = {
      index: prevIndex + found.length + 1,
      term: list[i],
      kind: ENTRY_KINDS[list[i + 1]],
      data: list[i + 2],
    };
    if (!Number.isSafeInteger(entry.term) || entry.term < term || entry.kind === undefined)
      throw new Malformed('entries');
    if (!(entry.data instanceof Uint8Array)) throw new Malformed('entries');
    if (entry.kind === 'configuration' && decodeConfiguration(entry.data) === undefined)
      throw new Malformed('configuration');
    term = entry.term;
    found.push(entry as Entry);
  }
  if (term > natural(fields, 'term') || !Number.isSafeInteger(prevIndex + found.length)) throw new Malformed('entries');
  return found;
}

function outcome(fields: Fields): AppendOutcome {
  const list = fields['outcome'];
  if (!Array.isArray(list) || !list.every((each) => Number.isSafeInteger(each) && each >= 0))
    throw new Malformed('outcome');
  const [first, hintIndex, hintTerm] = list as number[];
  if (list.length === 1) return { accepted: true, match: first! };
  if (list.length < 3) throw new Malformed('outcome');
  return { accepted: false, prevIndex: first!, hintIndex: hintIndex!, hintTerm: hintTerm! };
}

function snapshot(value: Fields): SnapshotDescription {
  const configuration = toConfiguration(value['configuration']);
  const described = {
    index: natural(value, 'index'),
    term: natural(value, 'term'),
    sizeBytes: natural(value, 'sizeBytes'),
  };
  if (configuration === undefined || described.sizeBytes === 0 || described.index === 0)
    throw new Malformed('snapshot');
  return { ...described, configuration, hash: text(value, 'hash') };
}

function chunk(fields: Fields): { snapshot: SnapshotDescription; offset: number; data: Uint8Array } {
  const described = snapshot(object(fields, 'snapshot'));
  const data = bytes(fields, 'data');
  const offset = natural(fields, 'offset');
  if (data.length === 0 || offset + data.length > described.sizeBytes) throw new Malformed('data');
  if (described.term > natural(fields, 'term')) throw new Malformed('snapshot');
  return { snapshot: described, offset, data };
}

const lastOf = (fields: Fields): { lastIndex: number; lastTerm: number } => ({
  lastIndex: natural(fields, 'lastIndex'),
  lastTerm: natural(fields, 'lastTerm'),
});

const DOUBTS: readonly unknown[] = ['', 'newborn', 'copied', 'lost'] satisfies (DoubtReason | '')[];

function doubt(fields: Fields): DoubtReason | '' {
  if (!DOUBTS.includes(fields['doubt'])) throw new Malformed('doubt');
  return fields['doubt'] as DoubtReason | '';
}

function hashes(fields: Fields): StateHashes['hashes'] {
  const list = fields['hashes'];
  if (!Array.isArray(list) || list.length > MAX_HASHES) throw new Malformed('hashes');
  return list.map((each: unknown) => {
    if (!isFields(each)) throw new Malformed('hashes');
    const rest = each['rest'] === undefined ? {} : { rest: text(each, 'rest') };
    return { index: natural(each, 'index'), hash: text(each, 'hash'), ...rest };
  });
}

type BodyOf<T extends MessageType> = Omit<
  Extract<Message, { type: T }>,
  'version' | 'clusterId' | 'from' | 'to' | 'term' | 'type'
>;

/** One line for each message: a missing one does not compile. */
const BODIES: { [T in MessageType]: (fields: Fields) => BodyOf<T> } = {
  preVote: (f) => ({ proposedTerm: natural(f, 'proposedTerm'), ...lastOf(f) }),
  preVoteAnswer: (f) => ({ proposedTerm: natural(f, 'proposedTerm'), granted: flag(f, 'granted') }),
  vote: (f) => ({ ...lastOf(f), transfer: flag(f, 'transfer') }),
  voteAnswer: (f) => ({ granted: flag(f, 'granted') }),
  append: (f) => ({
    prevIndex: natural(f, 'prevIndex'),
    prevTerm: natural(f, 'prevTerm'),
    entries: entries(f),
    commit: natural(f, 'commit'),
    quiet: flag(f, 'quiet'),
  }),
  appendAnswer: (f) => ({ incarnation: natural(f, 'incarnation'), outcome: outcome(f) }),
  heartbeat: (f) => ({ commit: natural(f, 'commit'), round: natural(f, 'round'), life: natural(f, 'life') }),
  heartbeatAnswer: (f) => ({ incarnation: natural(f, 'incarnation'), round: natural(f, 'round') }),
  snapshotChunk: chunk,
  snapshotChunkAnswer: (f) => ({
    incarnation: natural(f, 'incarnation'),
    snapshotIndex: natural(f, 'snapshotIndex'),
    nextOffset: natural(f, 'nextOffset'),
    seek: flag(f, 'seek'),
    installed: flag(f, 'installed'),
  }),
  timeoutNow: () => ({}),
  rejoin: (f) => ({ nonce: natural(f, 'nonce'), incarnation: natural(f, 'incarnation') }),
  rejoinAnswer: (f) => ({
    nonce: natural(f, 'nonce'),
    doubt: doubt(f),
    ...lastOf(f),
    incarnation: natural(f, 'incarnation'),
    through: natural(f, 'through'),
  }),
  stateHashes: (f) => ({ hashes: hashes(f) }),
};

/** The message, or why it is none for us. */
export function decodeMessage(value: unknown, expected: Expected): Message | DropReason {
  try {
    return decode(value, expected);
  } catch (error) {
    if (error instanceof Malformed) return 'malformed';
    throw error;
  }
}

function decode(value: unknown, { clusterId, id, from, type }: Expected): Message | DropReason {
  if (!Array.isArray(value) || !Object.hasOwn(BODIES, type)) return 'malformed';
  const fields = named(value, type as MessageType);
  const term = natural(fields, 'term');
  const header = { version: natural(fields, 'version'), clusterId: text(fields, 'clusterId'), from, to: id, term };
  if (header.version < 1) return 'malformed';
  if (header.clusterId !== clusterId) return 'foreignCluster';
  if (from === id) return 'wrongSender';
  return { ...header, type, ...BODIES[type as MessageType](fields) } as Message;
}

/** What a newer version has added behind is not looked at. */
function named(list: readonly unknown[], type: MessageType): Fields {
  const fields: Fields = { version: list[0], clusterId: list[1], term: list[2] };
  for (const [i, name] of FIELDS[type].entries()) fields[name] = list[3 + i];
  return fields;
}
