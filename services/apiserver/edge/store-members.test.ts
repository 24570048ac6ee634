// Shows whom the API actor asks of the store, and when it gives up on one that does not answer. Never asks anybody.
import test from 'ava';
import { StoreMembers } from './store-members.ts';

const never = new Promise<string>(() => {});

test('a question to a member ends when another leads, not when this one does', async (t) => {
  const members = new StoreMembers(['a', 'b', 'c']);
  const ofA = members.unlessMoved('a', never);
  const { promise, resolve } = Promise.withResolvers<string>();
  const ofB = members.unlessMoved('b', promise);
  members.leads('b');
  await t.throwsAsync(ofA, { message: 'a did not answer before b led' });
  resolve('an answer');
  t.is(await ofB, 'an answer');
  t.is(members.likelyLeader, 'b');
});

test('one that was answered, or refused, before another leads is left alone', async (t) => {
  const members = new StoreMembers(['a', 'b', 'c']);
  t.is(await members.unlessMoved('a', Promise.resolve('yes')), 'yes');
  await t.throwsAsync(members.unlessMoved('a', Promise.reject(new Error('no'))), { message: 'no' });
  const late = members.unlessMoved('a', never);
  members.leads('c');
  await t.throwsAsync(late, { message: 'a did not answer before c led' });
});
