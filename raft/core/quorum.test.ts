// Shows that majorities are counted as a naive reading of the paper counts them, for every small configuration.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { simpleConfiguration } from './configuration.ts';
import { quorumValue, voteResult } from './quorum.ts';
import type { Configuration, MemberId } from './types.ts';

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const someIds = fc.subarray(ids);
const configurations = fc
  .tuple(fc.subarray(ids, { minLength: 1 }), someIds, someIds)
  .map(([voters, outgoing, learners]): Configuration => ({ voters, outgoing, learners }));
const values = fc
  .array(fc.nat(9), { minLength: 7, maxLength: 7 })
  .map((list) => (id: MemberId) => list[ids.indexOf(id)]!);

const isMajority = (some: readonly MemberId[], all: readonly MemberId[]): boolean =>
  all.length === 0 || some.length > all.length / 2;

test('a quorum value is the highest that a majority of both halves has reached', (t) => {
  fc.assert(
    fc.property(configurations, values, (configuration, valueOf) => {
      const reached = (value: number): boolean =>
        [configuration.voters, configuration.outgoing].every((half) =>
          isMajority(
            half.filter((id) => valueOf(id) >= value),
            half,
          ),
        );
      const naive = Array.from({ length: 10 }, (_, value) => value).findLast(reached);
      return quorumValue(configuration, valueOf) === naive;
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('an election is won, lost or open as every way in which the open votes can fall says', (t) => {
  const ballots = fc.array(fc.constantFrom(true, false, undefined), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(configurations, ballots, (configuration, ballot) => {
      const votes = new Map<MemberId, boolean>();
      for (const [i, id] of ids.entries()) if (ballot[i] !== undefined) votes.set(id, ballot[i]);
      const wins = (open: boolean): boolean =>
        [configuration.voters, configuration.outgoing].every((half) =>
          isMajority(
            half.filter((id) => votes.get(id) ?? open),
            half,
          ),
        );
      const naive = wins(false) ? 'won' : wins(true) ? 'pending' : 'lost';
      return voteResult(configuration, votes) === naive;
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('learners count nowhere', (t) => {
  const configuration = simpleConfiguration(['a', 'b', 'c'], ['d', 'e']);
  t.is(
    quorumValue(configuration, (id) => (id === 'd' || id === 'e' ? 9 : 1)),
    1,
  );
  t.is(voteResult(configuration, new Map([['a', true], ['d', true], ['e', true]])), 'pending'); // prettier-ignore
});
