// Shows that no order of the first events after an election breaks a promise in a small cluster: all of them are gone through,
// with the production step function. `npm run sim:model` goes further.
import test from 'ava';
import { explore } from './raft-model.ts';

test('three members: every order of five events, with a proposal, a change, a crash, losses and elections', (t) => {
  t.timeout(300_000);
  const bounds = { terms: 3, proposals: 1, changes: 1, crashes: 1, slowDisks: false };
  const result = explore({ ...bounds, depth: 5, states: 100_000 });
  t.log(result);
  t.is(result.depth, 5);
  t.true(result.states > 500);
});
