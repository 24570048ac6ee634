// Shows that no order of the first events after an election breaks a promise in a small cluster: all of them are gone through,
// with the production step function. `npm run sim:model` goes further.
import test from 'ava';
import { explore } from './raft-model.ts';

test('three members: every order of five events, with a proposal, a change, a crash, losses and elections', (t) => {
  t.timeout(300_000);
  const bounds = { terms: 3, proposals: 1, changes: 1, crashes: 1, reads: 0, spareEntries: 0, slowDisks: false };
  const result = explore({ ...bounds, depth: 5, states: 100_000 });
  t.log(result);
  t.is(result.depth, 5);
  t.true(result.states > 500);
});

test('… and with followers that are left out: every order of five events, with two proposals, a read, a crash and losses', (t) => {
  t.timeout(300_000);
  const bounds = { terms: 2, proposals: 2, changes: 0, crashes: 1, reads: 1, spareEntries: 2, slowDisks: false };
  const result = explore({ ...bounds, depth: 5, states: 100_000 });
  t.log(result);
  t.is(result.depth, 5);
  t.true(result.states > 500);
  t.true(result.checks['reads']! > 0);
});
