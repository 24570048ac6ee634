// Decides how members, messages and effects read as text, for stories and for failing seeds. Never changes anything.
import { describe } from '../../raft/core/configuration.ts';
import {
  decodeConfiguration,
  raftStatus,
  type AppendOutcome,
  type Effect,
  type Entry,
  type Input,
  type Message,
  type Standing,
} from '../../raft/core/index.ts';
import type { RaftMember } from './raft-member.ts';
import { entryOf } from './raft-invariants.ts';

const decoder = new TextDecoder();

/** `5/2 x`: index, term, data. */
function entryText({ index, term, kind, data }: Entry): string {
  const position = `${index}/${term}`;
  if (kind === 'empty') return `${position} empty`;
  if (kind === 'data') return `${position} ${decoder.decode(data)}`;
  return `${position} configuration (${describe(decodeConfiguration(data)!)})`;
}

const entriesText = (entries: readonly Entry[]): string =>
  entries.length === 0 ? 'nothing' : entries.map(entryText).join(', ');

function outcomeText(outcome: AppendOutcome): string {
  if (outcome.accepted) return `holds up to ${outcome.match}`;
  return `refuses behind ${outcome.prevIndex}, perhaps ${outcome.hintIndex}/${outcome.hintTerm}`;
}

/** What a message says, without from and to. */
export function messageText(message: Message): string {
  return `${message.type} of term ${message.term}: ${bodyText(message)}`;
}

function bodyText(message: Message): string {
  switch (message.type) {
    case 'preVote':
      return `for term ${message.proposedTerm}, last ${message.lastIndex}/${message.lastTerm}`;
    case 'vote':
      return `last ${message.lastIndex}/${message.lastTerm}${message.transfer ? ', asked by the leader' : ''}`;
    case 'preVoteAnswer':
      return `${message.granted ? 'yes' : 'no'} for term ${message.proposedTerm}`;
    case 'voteAnswer':
      return message.granted ? 'yes' : 'no';
    case 'append':
      return `behind ${message.prevIndex}/${message.prevTerm} ${entriesText(message.entries)}, commit ${message.commit}${message.quiet ? ', quiet' : ''}`;
    case 'appendAnswer':
      return outcomeText(message.outcome);
    case 'heartbeat':
      return `round ${message.round}, commit ${message.commit}`;
    case 'heartbeatAnswer':
      return `round ${message.round}`;
    case 'snapshotChunk':
      return `snapshot ${message.snapshot.index}/${message.snapshot.term}, bytes ${message.offset}..${message.offset + message.data.length} of ${message.snapshot.sizeBytes}`;
    case 'snapshotChunkAnswer':
      if (message.installed) return `snapshot ${message.snapshotIndex} is installed`;
      return `snapshot ${message.snapshotIndex}, ${message.seek ? 'go on at' : 'has'} ${message.nextOffset}`;
    case 'timeoutNow':
      return 'stand now';
    case 'rejoin':
      return 'I do not know what I have promised';
    case 'rejoinAnswer': {
      const { doubt, lastIndex, lastTerm, incarnation, through } = message;
      if (incarnation > 0) return `be life ${incarnation}, and whole behind ${through}`;
      return doubt === '' ? 'I do not lead' : `I am ${doubt} too, last ${lastIndex}/${lastTerm}`;
    }
    case 'stateHashes':
      return message.hashes.map(({ index, hash }) => `${index} ${hash}`).join(', ');
    default:
      return message satisfies never;
  }
}

function standingText(standing: Standing | undefined): string {
  if (standing === undefined) return '';
  const { doubt, damagedThrough, damagedTerm, incarnation } = standing;
  if (doubt !== '') return `; in doubt: ${doubt}`;
  return damagedThrough > 0 ? `; damaged through ${damagedThrough}/${damagedTerm}` : `; whole, life ${incarnation}`;
}

/** One line for an effect; undefined for what a story need not tell. */
export function effectText(effect: Effect): string | undefined {
  switch (effect.type) {
    case 'append': {
      const { term, vote } = effect.hardState;
      const cut = effect.truncateFrom === undefined ? '' : `cuts from ${effect.truncateFrom}, `;
      return `write ${effect.appendId}: ${cut}${entriesText(effect.entries)}; term ${term}, vote ${vote || 'none'}${standingText(effect.standing)}`;
    }
    case 'installSnapshot':
      return `write ${effect.appendId}: installs snapshot ${effect.snapshot.index}/${effect.snapshot.term} (${describe(effect.snapshot.configuration)})${standingText(effect.standing)}`;
    case 'send': {
      const after = effect.afterAppend === undefined ? '' : ` [after write ${effect.afterAppend}]`;
      return `→ ${effect.message.to} ${messageText(effect.message)}${after}`;
    }
    case 'apply':
      return `applies ${entriesText(effect.entries)}`;
    case 'sendSnapshotChunk': {
      const { to, snapshot, offset } = effect.message;
      return `→ ${to} snapshotChunk: snapshot ${snapshot.index}/${snapshot.term}, bytes ${offset}..${offset + effect.lengthBytes} of ${snapshot.sizeBytes}`;
    }
    case 'writeSnapshotChunk':
      return `stages bytes ${effect.offset}..${effect.offset + effect.data.length} of snapshot ${effect.snapshot.index}${effect.last ? ', the last' : ''}`;
    case 'compact':
      return `compacts through ${effect.throughIndex}`;
    case 'releaseSnapshot':
      return `lets go of snapshot ${effect.index}`;
    case 'proposalAccepted':
      return `proposal ${effect.proposalId} is at ${effect.firstIndex}/${effect.term}`;
    case 'proposalRefused':
      return `refuses proposal ${effect.proposalId}: ${effect.reason}, leader ${effect.leader || 'unknown'}`;
    case 'sparesLeftOut':
      return 'leaves spares out';
    case 'readReady':
      return `read ${effect.readId} may see ${effect.index}`;
    case 'readFailed':
      return `read ${effect.readId} fails: ${effect.reason}, leader ${effect.leader || 'unknown'}`;
    case 'leaderChanged':
      return `is ${effect.role} in term ${effect.term}, leader ${effect.leader || 'unknown'}`;
    case 'configurationChanged':
      return `configuration of ${effect.index}: ${describe(effect.configuration)}`;
    case 'configurationAccepted':
      return `change ${effect.changeId} is at ${effect.index}/${effect.term}`;
    case 'configurationRefused':
      return `refuses change ${effect.changeId}: ${effect.reason}: ${effect.message}`;
    case 'transferEnded':
      return `transfer ${effect.transferId} ${effect.done ? 'done' : 'failed'}: ${effect.reason}`;
    default:
      return effect satisfies never;
  }
}

/** What happened to a member, as the line above its effects. Undefined: its own doing, told by the effects before. */
export function inputText(id: string, input: Input): string | undefined {
  switch (input.type) {
    case 'tick':
      return `${id} ticks`;
    case 'receive':
      return `${input.message.from} ⇒ ${id} ${messageText(input.message)}`;
    case 'appended':
      return `${id} has done write ${input.appendId}`;
    case 'appendFailed':
      return `${id} cannot write: ${input.reason}`;
    case 'snapshotTaken':
      return `${id} has taken snapshot ${input.snapshot.index}/${input.snapshot.term}`;
    case 'reviewSpares':
      return `${id} asks whether a majority is late`;
    case 'applied':
    case 'snapshotChunkWritten':
    case 'snapshotChunkFailed':
    case 'propose':
    case 'readIndex':
    case 'logReadable':
    case 'changeConfiguration':
    case 'transferLeadership':
    case 'peerDisconnected':
      return undefined;
    default:
      return input satisfies never;
  }
}

/** `a leader term 2 vote a · commit 3 applied 3 durable 4 · 1/1 empty, 2/1 x`. */
export function logText(member: RaftMember): string {
  const { id, role, term, commit, applied, durable, firstIndex, lastIndex } = raftStatus(member.raft);
  const shown: string[] = [];
  if (firstIndex > 1) shown.push(`…${firstIndex - 1}`);
  for (let index = firstIndex; index <= lastIndex; index++) {
    const entry = entryOf(member, index);
    if (typeof entry === 'object') shown.push(entryText(entry));
  }
  return `${id} ${role} term ${term} · commit ${commit} applied ${applied} durable ${durable} · ${shown.join(', ')}`;
}

export function progressText(member: RaftMember): string[] {
  const { leading } = member.raft;
  if (leading === undefined) return [`${member.id} does not lead`];
  return [...leading.progress].map(([id, progress]) => {
    const { state, match, next, inflight, probing, transfer } = progress;
    const more =
      transfer === undefined
        ? ''
        : `, snapshot ${transfer.snapshot.index}: ${transfer.acked} of ${transfer.snapshot.sizeBytes}`;
    return `${id} ${state} match ${match} next ${next} unanswered ${inflight.length + Number(probing)}${more}`;
  });
}
