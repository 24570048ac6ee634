// Real processes under load: whatever happens to a store, what its clients saw could come from one store that does one thing
// at a time, nothing that was acknowledged is lost, and it becomes whole again by itself.
import test from 'ava';
import type { CommittedTxn } from '../../lib/bus/messages.ts';
import { judge, type Asked } from './real-history.ts';
import { Stage } from './stage.ts';
import * as troubles from './troubles.ts';

/** Three troubles of the network first: the members' logs are short then, and the rest goes on from what they left. */
const ORDER = [
  troubles.leaderCutOff,
  troubles.leaderDeaf,
  troubles.leaderMute,
  troubles.killLeader,
  troubles.stopLeader,
  troubles.diskFull,
  troubles.natsKilled,
  troubles.natsStopped,
  troubles.wipe,
  troubles.growAndShrink,
  troubles.rollingRestart,
  troubles.killAll,
];

test('a store suffers one trouble after another, and nobody who uses it is ever told what is not so', async (t) => {
  t.timeout(1_800_000);
  // Which follower, which key: any will do, and all of them are tried by the long form (soak.ts).
  const stage = await Stage.begin(Math.random);
  t.teardown(() => stage.end());
  for (const trouble of ORDER) {
    const { asked, acknowledged, unanswered, gapMs, tookMs } = await stage.suffer(trouble);
    t.log(`${trouble.name}: ${asked} asked, ${unanswered} without an answer, longest gap ${gapMs} ms, ${tookMs} ms`);
    t.true(acknowledged > 0, `${trouble.name}: nothing was written`);
  }
  await stage.finish();
});

const value = Buffer.from('a#1 ....');
const committed = (revision: number, change: Partial<CommittedTxn['changes'][number]>): CommittedTxn => ({
  revision,
  cause: { span: 's', actor: 'a' },
  changes: [{ type: 'put', key: '/k', value, createRevision: revision, ...change }],
});
const wrote = (revision: number, call = 0): Asked => ({
  client: 'a',
  input: { type: 'put', key: '/k', value: 'a#1' },
  call,
  return: call + 1,
  result: { sequence: 1, ok: true, revision },
});
const read = (found: string | undefined, revision: number, call: number): Asked => ({
  client: 'b',
  input: { type: 'read', key: '/k' },
  call,
  return: call + 1,
  found: { value: found, revision },
});

test('the judge of histories refuses what no store may say', (t) => {
  const truth = [committed(1, {})];
  t.like(judge([wrote(1), read('a#1', 1, 5)], truth), { asked: 2, acknowledged: 1, unanswered: 0 });
  t.throws(() => judge([wrote(1), read(undefined, 0, 5)], truth), { message: /not linearizable/ });
  t.throws(() => judge([wrote(2)], []), { message: /it is lost/ });
  t.throws(() => judge([wrote(2)], truth), { message: /has revision 2; it has 1/ });
  t.throws(() => judge([], [committed(1, {}), committed(3, { key: '/l' })]), { message: /revision 3 comes after 1/ });
  t.throws(() => judge([], [committed(1, {}), committed(2, {})]), { message: /written twice/ });
  // The second deletion found nothing, and is told the revision of the first.
  const deletion = (call: number): Asked => ({ ...wrote(2, call), input: { type: 'delete', key: '/k' } });
  const gone = [...truth, committed(2, { type: 'delete', value: new Uint8Array(0) })];
  t.notThrows(() => judge([wrote(1), deletion(5), deletion(8), read(undefined, 0, 11)], gone));
  t.throws(() => judge([wrote(1), deletion(5), read('a#1', 1, 8)], gone), { message: /not linearizable/ });
  const unknown: Asked = { ...wrote(1), result: undefined, return: Infinity };
  t.notThrows(() => judge([unknown, read('a#1', 1, 5)], truth));
  t.notThrows(() => judge([unknown, read(undefined, 0, 5)], []));
  t.throws(() => judge([unknown, read('a#1', 1, 5), read(undefined, 0, 7)], truth), { message: /not linearizable/ });
});
