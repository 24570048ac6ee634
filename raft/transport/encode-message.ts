// Decides how a message lies on the bus: its fields in a fixed order, without their names, which would be most of a short one,
// and without what the subject says already (type, sender, receiver). Never validates: decode-message.ts does.
import { ENTRY_KINDS, type Message, type MessageType } from '../core/types.ts';

type FieldOf<T extends MessageType> = Exclude<
  keyof Extract<Message, { type: T }>,
  'version' | 'clusterId' | 'from' | 'to' | 'term' | 'type'
>;

/** After version, cluster id and term. A field is only ever added, at the end. */
export const FIELDS: { readonly [T in MessageType]: readonly FieldOf<T>[] } = {
  preVote: ['proposedTerm', 'lastIndex', 'lastTerm'],
  preVoteAnswer: ['proposedTerm', 'granted'],
  vote: ['lastIndex', 'lastTerm', 'transfer'],
  voteAnswer: ['granted'],
  append: ['prevIndex', 'prevTerm', 'entries', 'commit', 'quiet'],
  appendAnswer: ['incarnation', 'outcome'],
  heartbeat: ['commit', 'round', 'life'],
  heartbeatAnswer: ['incarnation', 'round'],
  snapshotChunk: ['snapshot', 'offset', 'data'],
  snapshotChunkAnswer: ['incarnation', 'snapshotIndex', 'nextOffset', 'seek', 'installed'],
  timeoutNow: [],
  rejoin: ['nonce', 'incarnation'],
  rejoinAnswer: ['nonce', 'doubt', 'lastIndex', 'lastTerm', 'incarnation', 'through'],
  stateHashes: ['hashes'],
};

export function encodeMessage(message: Message): unknown[] {
  const encoded: unknown[] = [message.version, message.clusterId, message.term];
  const fields = message as unknown as Record<string, unknown>;
  for (const field of FIELDS[message.type]) encoded.push(encodeField(message, field, fields[field]));
  return encoded;
}

function encodeField(message: Message, field: string, value: unknown): unknown {
  if (message.type === 'append' && field === 'entries')
    // Its index follows from its place.
    return message.entries.flatMap(({ term, kind, data }) => [term, ENTRY_KINDS.indexOf(kind), data]);
  if (message.type !== 'appendAnswer' || field !== 'outcome') return value;
  const { outcome } = message;
  return outcome.accepted ? [outcome.match] : [outcome.prevIndex, outcome.hintIndex, outcome.hintTerm];
}
