// Shows, paragraph by paragraph, that the core does what the Raft paper says (In Search of an Understandable Consensus
// Algorithm, extended version). Never tests how; the stories tell whole conversations.
import test from 'ava';
import { RaftDisk } from '../../test/sim/raft-disk.ts';
import { simpleConfiguration } from './configuration.ts';
import {
  createRaft,
  raftStatus,
  step,
  type Effect,
  type Entry,
  type Input,
  type Message,
  type MessageBody,
  type RaftState,
} from './index.ts';

const VOTERS = ['a', 'b', 'c', 'd', 'e'];

interface Setting {
  id?: string;
  voters?: string[];
  term?: number;
  vote?: string;
  /** Terms of the entries 1, 2, …; all durable. */
  log?: number[];
  commit?: number;
  seed?: number;
  leaseReads?: boolean;
}

const entry = (index: number, term: number): Entry => ({
  index,
  term,
  kind: 'data',
  data: new Uint8Array([index, term]),
});

function member({
  id = 'a',
  voters = ['a', 'b', 'c'],
  term = 0,
  vote = '',
  log = [],
  commit = 0,
  seed = 1,
  leaseReads = false,
}: Setting = {}): RaftState {
  const disk = new RaftDisk({ index: 0, term: 0, configuration: simpleConfiguration(voters), sizeBytes: 0, hash: '' });
  disk.entries = log.map((each, i) => entry(i + 1, each));
  disk.hardState = { term: Math.max(term, ...log, 0), vote, commit };
  return createRaft({
    clusterId: 'k',
    id,
    incarnation: 1,
    seed,
    electionTicks: { min: 10, max: 20 },
    heartbeatTicks: 2,
    leaseReads,
    restored: disk.restored(),
    reader: disk.reader,
  });
}

function take(raft: RaftState, input: Input): Effect[] {
  const out: Effect[] = [];
  step(raft, input, out);
  return out;
}

/** Confirms every write that is under way, and returns all effects with those of the confirmation. */
function takeAndWrite(raft: RaftState, input: Input): Effect[] {
  const out = take(raft, input);
  const last = raft.log.pending.at(-1);
  return last === undefined ? out : [...out, ...take(raft, { type: 'appended', appendId: last.appendId })];
}

function hear(raft: RaftState, from: string, term: number, body: MessageBody): Effect[] {
  const message = { version: 1, clusterId: 'k', from, to: raft.id, term, ...body } as Message;
  return takeAndWrite(raft, { type: 'receive', message });
}

const sent = (effects: Effect[]): Message[] =>
  effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));

function timeOut(raft: RaftState): Effect[] {
  raft.electionElapsed = raft.electionTimeout;
  return takeAndWrite(raft, { type: 'tick' });
}

/** Stands, and gets pre-votes and votes from `granters`. */
function campaign(raft: RaftState, granters: string[]): Effect[] {
  const out = timeOut(raft);
  for (const from of granters) {
    out.push(...hear(raft, from, raft.term, { type: 'preVoteAnswer', proposedTerm: raft.term + 1, granted: true }));
  }
  for (const from of granters) out.push(...hear(raft, from, raft.term, { type: 'voteAnswer', granted: true }));
  return out;
}

function leader(setting: Setting = {}): RaftState {
  const raft = member(setting);
  campaign(raft, (setting.voters ?? ['a', 'b', 'c']).slice(1));
  if (raft.role !== 'leader') throw new Error(`${raft.id} was not elected`);
  return raft;
}

const accepted = (match: number): MessageBody => ({
  type: 'appendAnswer',
  incarnation: 1,
  outcome: { accepted: true, match },
});

// ---- 5.1 -------------------------------------------------------------------------------------------------------------

test('5.1: a member that sees a higher term takes it and becomes a follower', (t) => {
  for (const raft of [member({ term: 1 }), leader({ term: 1 })]) {
    hear(raft, 'b', 7, { type: 'append', prevIndex: 0, prevTerm: 0, entries: [], commit: 0, quiet: false });
    t.is(raft.term, 7);
    t.is(raft.role, 'follower');
    t.is(raft.leader, 'b');
  }
});

test('5.1: a message of an old term changes nothing, and its sender is told', (t) => {
  const raft = member({ term: 5, log: [5] });
  const out = hear(raft, 'b', 3, {
    type: 'append',
    prevIndex: 0,
    prevTerm: 0,
    entries: [entry(1, 3)],
    commit: 1,
    quiet: false,
  });
  t.is(raft.log.lastTerm, 5);
  t.is(raft.leader, '');
  t.deepEqual(
    sent(out).map(({ term }) => term),
    [5],
  );
});

// ---- 5.2 -------------------------------------------------------------------------------------------------------------

test('5.2: members begin as followers', (t) => {
  t.is(member().role, 'follower');
  t.is(member({ log: [1, 2], term: 4, vote: 'a' }).role, 'follower');
});

test('5.2: a leader sends heartbeats to all, and nobody else does', (t) => {
  const raft = leader();
  const beats = [take(raft, { type: 'tick' }), take(raft, { type: 'tick' })].flatMap(sent);
  t.deepEqual(
    beats.map(({ type, to }) => `${type} ${to}`),
    ['heartbeat b', 'heartbeat c'],
  );
  const follower = member({ id: 'b' });
  t.deepEqual(sent(take(follower, { type: 'tick' })), []);
});

test('5.2: a follower that hears nothing stands; one that hears a leader does not', (t) => {
  const alone = member();
  for (let i = 0; i < 20; i++) take(alone, { type: 'tick' });
  t.is(alone.role, 'preCandidate');
  const led = member({ id: 'b' });
  for (let i = 0; i < 100; i++) {
    take(led, { type: 'tick' });
    if (i % 5 === 0) hear(led, 'a', 1, { type: 'heartbeat', commit: 0, round: i, life: 1 });
  }
  t.is(led.role, 'follower');
});

test('5.2: a candidate votes for itself in a new term and asks all others at once', (t) => {
  const raft = member({ term: 3 });
  timeOut(raft);
  const out = hear(raft, 'b', 3, { type: 'preVoteAnswer', proposedTerm: 4, granted: true });
  t.is(raft.role, 'candidate');
  t.is(raft.term, 4);
  t.is(raft.vote, 'a');
  t.deepEqual(
    sent(out).map(({ type, to }) => `${type} ${to}`),
    ['vote b', 'vote c'],
  );
});

test('5.2: who has a majority leads, who cannot get one follows, others wait', (t) => {
  const table: [number, boolean[], string][] = [
    [1, [], 'leader'],
    [3, [true], 'leader'],
    [3, [], 'candidate'],
    [3, [false], 'candidate'],
    [3, [false, false], 'follower'],
    [3, [true, false], 'leader'],
    [5, [true, true], 'leader'],
    [5, [true, false], 'candidate'],
    [5, [true, false, false], 'candidate'],
    [5, [true, false, false, false], 'follower'],
    [5, [false, false, false], 'follower'],
  ];
  for (const [size, votes, role] of table) {
    const raft = member({ voters: VOTERS.slice(0, size) });
    timeOut(raft);
    for (const from of VOTERS.slice(1, size)) {
      if (raft.role === 'preCandidate') hear(raft, from, 0, { type: 'preVoteAnswer', proposedTerm: 1, granted: true });
    }
    for (const [i, granted] of votes.entries()) hear(raft, VOTERS[i + 1]!, 1, { type: 'voteAnswer', granted });
    t.is(raft.role, role as RaftState['role'], `${size} members, votes ${votes.join(' ')}`);
  }
});

test('5.2: one vote a term, first come first served', (t) => {
  const table: [string, string, boolean][] = [
    ['', 'b', true],
    ['', 'c', true],
    ['b', 'b', true],
    ['c', 'c', true],
    ['b', 'c', false],
    ['c', 'b', false],
  ];
  for (const [vote, from, granted] of table) {
    const raft = member({ term: 1, vote });
    const [answer] = sent(hear(raft, from, 1, { type: 'vote', lastIndex: 0, lastTerm: 0, transfer: false }));
    t.like(answer, { type: 'voteAnswer', granted, to: from });
  }
});

test('5.2: a candidate that hears a leader of its term or a later one follows it', (t) => {
  for (const term of [1, 2]) {
    const raft = member();
    timeOut(raft);
    hear(raft, 'b', 0, { type: 'preVoteAnswer', proposedTerm: 1, granted: true });
    t.is(raft.role, 'candidate');
    hear(raft, 'c', term, { type: 'append', prevIndex: 0, prevTerm: 0, entries: [], commit: 0, quiet: false });
    t.is(raft.role, 'follower');
    t.is(raft.leader, 'c');
    t.is(raft.term, term);
  }
});

test('5.2: election timeouts are drawn anew, from the whole range, and differ between members', (t) => {
  const drawn = new Set<number>();
  for (let seed = 1; seed <= 200; seed++) {
    const raft = member({ seed });
    timeOut(raft);
    drawn.add(raft.electionTimeout);
  }
  t.deepEqual(
    [...drawn].sort((a, b) => a - b),
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
  );
  const raft = member();
  const again = new Set<number>();
  for (let i = 0; i < 100; i++) {
    timeOut(raft);
    again.add(raft.electionTimeout);
  }
  t.true(again.size > 5);
});

test('the first of a life is short: who lives is heard by then. Not with lease reads: the life before may have promised more', (t) => {
  const firsts = (leaseReads: boolean): number[] => {
    const drawn = new Set<number>();
    for (let seed = 1; seed <= 200; seed++) drawn.add(member({ seed, leaseReads }).electionTimeout);
    return [...drawn].sort((a, b) => a - b);
  };
  t.deepEqual(firsts(false), [4, 5, 6, 7, 8, 9, 10]);
  t.deepEqual(firsts(true), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
});

test('5.6: where a vote takes longer than members wait, each election in vain doubles the wait, up to eight times', (t) => {
  const raft = member();
  const waited: number[] = [];
  for (let i = 0; i < 6; i++) {
    timeOut(raft);
    hear(raft, 'b', raft.term, { type: 'preVoteAnswer', proposedTerm: raft.term + 1, granted: true });
    t.is(raft.role, 'candidate');
    waited.push(raft.electionTimeout);
  }
  for (const [i, ticks] of waited.entries()) {
    const times = 2 ** Math.min(i, 3);
    t.true(ticks >= 10 * times && ticks <= 20 * times, `${ticks} ticks after ${i} in vain`);
  }
  const { term } = raft;
  timeOut(raft);
  for (let i = 0; i < 5; i++) timeOut(raft);
  t.is(raft.term, term, 'a pre-vote without a majority is no election');
  hear(raft, 'c', term + 1, { type: 'append', prevIndex: 0, prevTerm: 0, entries: [], commit: 0, quiet: false });
  t.true(raft.electionTimeout <= 20, 'a leader ends the waiting');
  t.is(raft.votesInVain, 0);
});

test('5.6: a voter waits longer as well, so that it does not end the election that it voted in', (t) => {
  const raft = member();
  for (const [i, term] of [1, 2, 3].entries()) {
    hear(raft, 'b', term, { type: 'vote', lastIndex: 0, lastTerm: 0, transfer: false });
    t.is(raft.vote, 'b');
    t.true(raft.electionTimeout >= 10 * 2 ** i);
    timeOut(raft);
  }
});

// ---- 5.3 -------------------------------------------------------------------------------------------------------------

test('5.3: a leader appends what it is given, and sends it to all', (t) => {
  const raft = leader();
  for (const from of ['b', 'c']) hear(raft, from, 1, accepted(1));
  const out = take(raft, { type: 'propose', proposalId: 1, data: [new Uint8Array([7])] });
  const [write] = out.filter((effect) => effect.type === 'append');
  t.deepEqual(write?.type === 'append' && write.entries.map(({ index, term }) => [index, term]), [[2, 1]]);
  t.deepEqual(sent(out).map((message) => message.type === 'append' && [message.to, message.prevIndex, message.prevTerm, message.entries.length]), [['b', 1, 1, 1], ['c', 1, 1, 1]]); // prettier-ignore
});

test('5.3: an entry is committed when a majority has it, the leader among them or not', (t) => {
  const table: [number, string[], boolean, boolean][] = [
    // members, who acknowledged, is it durable at the leader, is it committed
    [1, [], true, true],
    [1, [], false, false],
    [3, [], true, false],
    [3, ['b'], true, true],
    [3, ['b'], false, false],
    [3, ['b', 'c'], false, true],
    [5, ['b'], true, false],
    [5, ['b', 'c'], true, true],
    [5, ['b', 'c'], false, false],
    [5, ['b', 'c', 'd'], false, true],
  ];
  for (const [size, acks, durable, committed] of table) {
    const raft = leader({ voters: VOTERS.slice(0, size) });
    take(raft, { type: 'propose', proposalId: 1, data: [new Uint8Array([7])] });
    if (durable) take(raft, { type: 'appended', appendId: raft.log.nextAppendId - 1 });
    for (const from of acks) {
      const message = { version: 1, clusterId: 'k', from, to: 'a', term: 1, ...accepted(2) } as Message;
      take(raft, { type: 'receive', message });
    }
    t.is(raft.commit === 2, committed, `${size} members, acknowledged by ${acks.join(' ')}, durable here ${durable}`);
  }
});

test('5.3: committing an entry commits all before it, also those of earlier leaders', (t) => {
  const raft = leader({ log: [1, 1, 2], term: 2 });
  hear(raft, 'b', 3, accepted(4));
  t.is(raft.commit, 4);
});

test('5.3: a follower learns the commit index, and applies in order', (t) => {
  const raft = member({ id: 'b' });
  const append = (prevIndex: number, entries: Entry[], commit: number): Effect[] =>
    hear(raft, 'a', 1, { type: 'append', prevIndex, prevTerm: prevIndex === 0 ? 0 : 1, entries, commit, quiet: false });
  t.deepEqual(
    append(0, [entry(1, 1), entry(2, 1), entry(3, 1)], 0).filter(({ type }) => type === 'apply'),
    [],
  );
  const applied = append(3, [], 2).flatMap((effect) => (effect.type === 'apply' ? effect.entries : []));
  t.deepEqual(
    applied.map(({ index }) => index),
    [1, 2],
  );
  t.is(raft.commit, 2);
  // A leader cannot tell more than the follower is known to have.
  append(3, [], 9);
  t.is(raft.commit, 3);
});

test('5.3: a follower refuses what does not follow its log', (t) => {
  const table: [number, number, boolean][] = [
    // previous index and term of the message; the log is 1/1 2/2
    [0, 0, true],
    [1, 1, true],
    [2, 2, true],
    [1, 2, false],
    [2, 1, false],
    [3, 3, false],
    [3, 2, false],
  ];
  for (const [prevIndex, prevTerm, ok] of table) {
    const raft = member({ log: [1, 2], term: 2 });
    const [answer] = sent(
      hear(raft, 'b', 3, { type: 'append', prevIndex, prevTerm, entries: [], commit: 0, quiet: false }),
    );
    t.like(answer, { type: 'appendAnswer', term: 3 });
    t.is(answer?.type === 'appendAnswer' && answer.outcome.accepted, ok, `behind ${prevIndex}/${prevTerm}`);
  }
});

test('5.3: a follower cuts off what contradicts the leader, and only that', (t) => {
  const table: { prev: [number, number]; entries: number[]; log: number[] }[] = [
    { prev: [2, 2], entries: [3], log: [1, 2, 3] },
    { prev: [1, 1], entries: [3, 4], log: [1, 3, 4] },
    { prev: [0, 0], entries: [1], log: [1, 2, 2] },
    { prev: [0, 0], entries: [3], log: [3] },
    { prev: [1, 1], entries: [2], log: [1, 2, 2] },
    { prev: [3, 2], entries: [4], log: [1, 2, 2, 4] },
  ];
  for (const { prev, entries, log } of table) {
    const raft = member({ log: [1, 2, 2], term: 2 });
    const [prevIndex, prevTerm] = prev;
    const list = entries.map((term, i) => entry(prevIndex + 1 + i, term));
    const commit = 0;
    hear(raft, 'b', 4, { type: 'append', prevIndex, prevTerm, entries: list, commit, quiet: false });
    const terms = Array.from({ length: raft.log.lastIndex }, (_, i) =>
      i + 1 >= raft.log.windowStart ? raft.log.window[i + 1 - raft.log.windowStart]!.term : raft.log.reader.term(i + 1),
    );
    t.deepEqual(terms, log, `behind ${prev.join('/')} ${entries.join(' ')}`);
  }
});

test('5.3: the leader brings every log of figure 7 to its own', (t) => {
  const own = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const logs = {
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };
  for (const [name, log] of Object.entries(logs)) {
    const lead = leader({ id: 'a', voters: ['a', 'b', 'c'], log: own, term: 7 });
    const follower = member({ id: 'b', log, term: 7 });
    let messages = sent(takeAndWrite(lead, { type: 'propose', proposalId: 1, data: [new Uint8Array()] }));
    messages = lead.leading!.progress.get('b')!.probing ? [firstProbe(lead), ...messages] : messages;
    let rounds = 0;
    for (; messages.length > 0 && rounds < 20; rounds++) {
      const next: Message[] = [];
      for (const message of messages) {
        const to = message.to === 'a' ? lead : message.to === 'b' ? follower : undefined;
        if (to !== undefined) next.push(...sent(takeAndWrite(to, { type: 'receive', message })));
      }
      messages = next;
    }
    t.is(follower.log.lastIndex, lead.log.lastIndex, name);
    t.is(follower.log.lastTerm, lead.log.lastTerm, name);
    t.true(rounds <= 8, `${name} took ${rounds} deliveries`);
  }
});

/** What a new leader sent when it was elected: its empty entry, behind the end of its old log. */
function firstProbe(lead: RaftState): Message {
  const { lastIndex } = lead.log;
  const entries = lead.log.window.filter(({ index }) => index === lastIndex - 1);
  return {
    version: 1,
    clusterId: 'k',
    from: 'a',
    to: 'b',
    term: lead.term,
    type: 'append',
    prevIndex: lastIndex - 2,
    prevTerm: 6,
    entries,
    commit: 0,
    quiet: false,
  };
}

// ---- 5.4 -------------------------------------------------------------------------------------------------------------

test('5.4.1: a vote goes to a log that is at least as new', (t) => {
  const table: [number[], [number, number], boolean][] = [
    // own log; the candidate's last index and term
    [[1], [1, 1], true],
    [[1], [2, 1], true],
    [[1, 1], [1, 1], false],
    [[1], [1, 2], true],
    [[1, 1], [1, 2], true],
    [[2], [1, 1], false],
    [[2], [2, 1], false],
    [[2, 2], [3, 1], false],
    [[], [0, 0], true],
  ];
  for (const [log, [lastIndex, lastTerm], granted] of table) {
    const raft = member({ log, term: 2 });
    const [vote] = sent(hear(raft, 'b', 3, { type: 'vote', lastIndex, lastTerm, transfer: false }));
    t.like(vote, { type: 'voteAnswer', granted }, `log ${log.join(' ')}, candidate ${lastIndex}/${lastTerm}`);
    const other = member({ log, term: 2 });
    const [preVote] = sent(hear(other, 'b', 2, { type: 'preVote', proposedTerm: 3, lastIndex, lastTerm }));
    t.like(preVote, { type: 'preVoteAnswer', granted });
  }
});

test('5.4.2: an entry of an earlier term is not committed by counting', (t) => {
  const table: [number, number][] = [
    // what a majority has; the commit index then. The log was 1/1 2/2, the leader's own entry is 3/3.
    [1, 0],
    [2, 0],
    [3, 3],
  ];
  for (const [match, commit] of table) {
    const raft = leader({ log: [1, 2], term: 2 });
    hear(raft, 'b', 3, accepted(match));
    t.is(raft.commit, commit, `a majority has ${match}`);
  }
});

// ---- 6, 8 ------------------------------------------------------------------------------------------------------------

test('6: a leader is not deposed by a member that lost sight of it', (t) => {
  const raft = member({ id: 'b' });
  hear(raft, 'a', 1, { type: 'heartbeat', commit: 0, round: 1, life: 1 });
  t.deepEqual(hear(raft, 'c', 9, { type: 'vote', lastIndex: 99, lastTerm: 8, transfer: false }), []);
  t.is(raft.term, 1);
  for (let i = 0; i < 9; i++) take(raft, { type: 'tick' });
  t.deepEqual(hear(raft, 'c', 9, { type: 'vote', lastIndex: 99, lastTerm: 8, transfer: false }), []);
  take(raft, { type: 'tick' });
  hear(raft, 'c', 9, { type: 'vote', lastIndex: 99, lastTerm: 8, transfer: false });
  t.is(raft.vote, 'c');
});

test('8: a new leader begins its term with an empty entry', (t) => {
  const raft = leader({ log: [1, 1], term: 1 });
  t.like(raft.log.window.at(-1), { index: 3, term: 2, kind: 'empty' });
});

// ---- what the paper leaves to the reader -------------------------------------------------------------------------------

test('a follower commits only as far as a message shows that the logs agree', (t) => {
  const raft = member({ id: 'b', log: [1, 1, 1] });
  hear(raft, 'a', 2, { type: 'append', prevIndex: 1, prevTerm: 1, entries: [], commit: 3, quiet: false });
  t.is(raft.commit, 1);
});

test('a late message from before the commit index is answered with the commit index, not with the end of the log', (t) => {
  const raft = member({ id: 'b', log: [1, 1, 1, 1], commit: 2 });
  const append = { type: 'append' as const, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, quiet: false };
  const [answer] = sent(hear(raft, 'a', 2, append));
  t.like(answer, { type: 'appendAnswer', outcome: { accepted: true, match: 2 } });
});

test('an answer from a former life of a follower counts for nothing', (t) => {
  const raft = leader();
  hear(raft, 'b', 1, { type: 'heartbeatAnswer', incarnation: 2, round: 0 });
  hear(raft, 'b', 1, accepted(1));
  t.is(raft.commit, 0);
  hear(raft, 'b', 1, { type: 'appendAnswer', incarnation: 2, outcome: { accepted: true, match: 1 } });
  t.is(raft.commit, 1);
});

// ---- what the driver is promised ---------------------------------------------------------------------------------------

test('no promise leaves before the write that it rests on', (t) => {
  const raft = member({ id: 'b' });
  const out = take(raft, { type: 'receive', message: { version: 1, clusterId: 'k', from: 'a', to: 'b', term: 1, type: 'vote', lastIndex: 0, lastTerm: 0, transfer: false } }); // prettier-ignore
  const write = out.findIndex(({ type }) => type === 'append');
  const answer = out.findIndex(({ type }) => type === 'send');
  t.true(write !== -1 && write < answer);
  t.like(out[answer], { afterAppend: 1 });
});

test('a driver that breaks its side of the contract stops the member', (t) => {
  t.throws(() => take(member(), { type: 'appended', appendId: 5 }), { message: /write 5 was confirmed/ });
  t.throws(() => take(member(), { type: 'applied', index: 5 }), { message: /5 was applied/ });
  t.throws(() => hear(leader(), 'b', 1, accepted(99)), { message: /claims entry 99/ });
  t.throws(() => hear(leader(), 'b', 1, { type: 'heartbeat', commit: 0, round: 1, life: 1 }), {
    message: /two leaders in term 1/,
  });
});

test('status tells what an operator needs', (t) => {
  const raft = leader();
  hear(raft, 'b', 1, accepted(1));
  t.like(raftStatus(raft), {
    id: 'a',
    role: 'leader',
    term: 1,
    commit: 1,
    lastIndex: 1,
    firstIndex: 1,
    configurationCommitted: true,
  });
  t.deepEqual(raftStatus(raft).followers.map(({ id, state, match }) => [id, state, match]), [['b', 'replicate', 1], ['c', 'probe', 0]]); // prettier-ignore
});
