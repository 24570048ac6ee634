import test from 'ava';
import type { Message } from '../../../raft/core/index.ts';
import { LateNotices } from './late-notices.ts';

const header = { version: 1, clusterId: 'c', from: 'a', term: 1 };
const append = (to: string, commit: number, quiet: boolean): Message => ({
  ...header,
  to,
  type: 'append',
  prevIndex: 0,
  prevTerm: 0,
  entries: [],
  commit,
  quiet,
});

test('the latest word of a commit goes at the tick, unless entries have told it before', (t) => {
  const sent: string[] = [];
  const notices = new LateNotices((message) =>
    sent.push(`${message.type} ${message.to} ${'commit' in message && message.commit}`),
  );
  notices.send(append('b', 1, true));
  notices.send(append('b', 2, true));
  notices.send(append('c', 2, true));
  notices.send({ ...header, to: 'b', type: 'timeoutNow' });
  t.deepEqual(sent, ['timeoutNow b false']);
  notices.send(append('c', 3, false));
  notices.tick();
  t.deepEqual(sent, ['timeoutNow b false', 'append c 3', 'append b 2']);
  notices.tick();
  t.is(sent.length, 3);
});
