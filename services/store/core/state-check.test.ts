// Which member takes itself out when states differ, and that nobody does without a majority against it.
import test from 'ava';
import { StateCheck } from './state-check.ts';

const THREE = ['a', 'b', 'c'];

function checkOf(hash: string, heard: Record<string, string>): StateCheck {
  const check = new StateCheck();
  check.applied(16, hash);
  for (const [member, other] of Object.entries(heard)) check.hears(member, { index: 16, hash: other });
  return check;
}

test('equal states are equal', (t) => {
  t.deepEqual(checkOf('x', { b: 'x', c: 'x' }).verdict('a', THREE), { found: 'equal' });
  t.deepEqual(checkOf('x', {}).verdict('a', THREE), { found: 'equal' });
});

test('a majority against it: this member is wrong, and says where', (t) => {
  t.deepEqual(checkOf('x', { b: 'y', c: 'y' }).verdict('a', THREE), {
    found: 'wrong',
    text: 'after entry 16 the state here has hash x, at b c y',
  });
  const five = ['a', 'b', 'c', 'd', 'e'];
  t.is(checkOf('x', { b: 'y', c: 'y', d: 'x' }).verdict('a', five).found, 'different');
  t.is(checkOf('x', { b: 'y', c: 'y', d: 'y', e: 'x' }).verdict('a', five).found, 'wrong');
});

test('one against one, and one that stands alone with another: nobody guesses, but it is said', (t) => {
  t.is(checkOf('x', { b: 'y' }).verdict('a', THREE).found, 'different');
  t.is(checkOf('x', { b: 'y' }).verdict('a', ['a', 'b']).found, 'different');
  t.is(checkOf('x', { b: 'y', c: 'z' }).verdict('a', THREE).found, 'different');
  const right = checkOf('x', { b: 'x', c: 'y' });
  t.is(right.verdict('a', THREE).found, 'different');
  t.is(right.difference, 'after entry 16 the state here has hash x, at c y');
});

test('who does not vote convinces nobody; a learner that voters contradict is wrong', (t) => {
  t.is(checkOf('x', { c: 'y', d: 'y' }).verdict('a', ['a', 'b']).found, 'equal');
  t.is(checkOf('x', { a: 'y', b: 'y' }).verdict('d', ['a', 'b']).found, 'wrong');
});

test('a hash that is heard before its entry is applied counts when it is', (t) => {
  const check = new StateCheck();
  for (const member of ['b', 'c']) check.hears(member, { index: 16, hash: 'y' });
  t.is(check.verdict('a', THREE).found, 'equal');
  check.applied(16, 'x');
  t.is(check.verdict('a', THREE).found, 'wrong');
});

test('a member of an older version tells less: as far as all tell, they are compared', (t) => {
  t.is(checkOf('kR', { b: 'kS', c: 'kS' }).verdict('a', THREE).found, 'wrong');
  t.is(checkOf('kR', { b: 'k', c: 'kS' }).verdict('a', THREE).found, 'equal');
  t.is(checkOf('k', { b: 'kR', c: 'kR' }).verdict('a', THREE).found, 'equal');
  t.is(checkOf('kR', { b: 'l', c: 'lS' }).verdict('a', THREE).found, 'wrong');
  const asked = checkOf('kR', {});
  asked.ask(16, 'kR');
  asked.hears('b', { index: 16, hash: 'k' });
  t.is(asked.answer('a', { voters: THREE, outgoing: [] }), 'agreed');
  const contradicted = checkOf('kR', { b: 'kS', c: 'kS' });
  t.true(contradicted.isContradicted(16, 'kR', { voters: THREE, outgoing: [] }));
  t.false(contradicted.isContradicted(16, 'k', { voters: THREE, outgoing: [] }));
});

test('told are every sixteenth entry, and the last one when nothing more comes; memory is bounded', (t) => {
  const check = new StateCheck();
  for (let index = 1; index <= 40; index++) check.applied(index, `hash ${index}`);
  t.deepEqual(
    check.tick(40, () => 'hash 40').map(({ index }) => index),
    [16, 32],
  );
  const told: number[] = [];
  for (let i = 0; i < 60; i++) told.push(...check.tick(40, () => 'hash 40').map(({ index }) => index));
  t.deepEqual(told, [40]);
  for (let index = 41; index <= 40_000; index++) {
    check.applied(index, 'x');
    check.hears('b', { index, hash: 'x' });
  }
  t.true(check.tick(40_000, () => 'x').length <= 32);
  t.is(check.verdict('a', THREE).found, 'equal');
});

const voters = { voters: THREE, outgoing: [] };

function asking(hash: string): StateCheck {
  const check = new StateCheck();
  check.applied(21, hash);
  check.ask(21, hash);
  return check;
}

/** What two members say until neither has anything more to say. */
function talk(a: StateCheck, b: StateCheck): void {
  for (let i = 0; i < 3; i++) {
    for (const said of a.tick(21, () => 'unused')) b.hears('a', said);
    for (const said of b.tick(21, () => 'unused')) a.hears('b', said);
  }
}

test('who is asked for the hash after some entry tells it, also when it gets there later', (t) => {
  const a = asking('x');
  const b = new StateCheck();
  talk(a, b);
  t.is(a.answer('a', voters), 'open');
  b.applied(21, 'x');
  talk(a, b);
  t.is(a.answer('a', voters), 'agreed');
  t.deepEqual(
    b.tick(21, () => 'x'),
    [],
    'and is silent when it is not asked any more',
  );
});

test('a majority agrees or it does not; of a joint configuration both', (t) => {
  t.is(asking('x').answer('a', { voters: ['a'], outgoing: [] }), 'agreed');
  const check = asking('x');
  check.hears('b', { index: 21, hash: 'y' });
  t.is(check.answer('a', voters), 'open', 'c may decide it');
  check.hears('c', { index: 21, hash: 'x' });
  t.is(check.answer('a', voters), 'agreed');
  const joint = asking('x');
  joint.hears('b', { index: 21, hash: 'x' });
  t.is(joint.answer('a', { voters: THREE, outgoing: ['a', 'd', 'e'] }), 'open');
  joint.hears('d', { index: 21, hash: 'x' });
  t.is(joint.answer('a', { voters: THREE, outgoing: ['a', 'd', 'e'] }), 'agreed');
});

test('two of three that differ decide nothing, and it is said; silence is no agreement', (t) => {
  const two = asking('x');
  two.hears('b', { index: 21, hash: 'y' });
  for (let i = 0; i < 50; i++) two.tick(21, () => 'x');
  t.is(two.answer('a', voters), 'differs');
  t.is(two.difference, 'after entry 21 the state here has hash x, at b y');
  const alone = asking('x');
  for (let i = 0; i < 50; i++) alone.tick(21, () => 'x');
  t.is(alone.answer('a', voters), 'silent');
  const wrong = asking('x');
  for (const id of ['b', 'c']) wrong.hears(id, { index: 21, hash: 'y' });
  t.is(wrong.answer('a', voters), 'differs');
});

test('a state that is offered is measured by what a majority has said', (t) => {
  const check = new StateCheck();
  check.hears('b', { index: 32, hash: 'y' });
  t.false(check.isContradicted(32, 'x', voters));
  check.hears('c', { index: 32, hash: 'y' });
  t.true(check.isContradicted(32, 'x', voters));
  t.false(check.isContradicted(32, 'y', voters));
  t.false(check.isContradicted(33, 'x', voters));
});
