// Shows that a scenario is read field by field, that every mistake is told with its place, and what it plans.
import test from 'ava';
import { parse } from 'yaml';
import { seededChance } from '../../lib/base/chance.ts';
import { planLines, planOf } from './plan.ts';
import { quorumScenario } from './quorum.ts';
import { scenarioOf } from './scenario.ts';

const GOOD = `
name: the leader dies
hypothesis: >
  writes go on
  after an election
needs: { stores: 3 }
load: { writers: 2, service: 1 }
faults:
  - { at: 2s, for: 5s, fault: kill, target: leader }
  - { at: 3s, for: 1s, fault: partition, target: store-1, to: apiserver, one way: true }
  - { at: 9s, fault: restart, target: scheduler }
acts:
  - { at: 2500ms, create: pod/late, node: node-2 }
checks:
  - { at: 5s, that: pod/late, is: Pending }
  - { at: 8s, within: 20s, that: pod/late, is: Ready }
must hold:
  longest write gap: 10s
  Service requests failed: at most 3
  writes acknowledged: at least 5
`;

const scenario = (change: (text: string) => string = (text) => text) =>
  scenarioOf(parse(change(GOOD)) as object, 'x.yaml');

test('what is written is what is read', (t) => {
  const read = scenario();
  t.is(read.hypothesis, 'writes go on after an election');
  t.is(read.lastsMs, 19_000);
  t.deepEqual(read.faults[1], {
    atMs: 3000,
    forMs: 1000,
    fault: 'partition',
    target: 'store-1',
    to: 'apiserver',
    oneWay: true,
  });
  t.deepEqual(read.mustHold, [
    { figure: 'longest write gap', is: 'at most', value: 10_000 },
    { figure: 'Service requests failed', is: 'at most', value: 3 },
    { figure: 'writes acknowledged', is: 'at least', value: 5 },
  ]);
  t.is(read.limitOfHarm[0]!.value, 120_000);
});

const WRONG: Array<[string, (text: string) => string, RegExp]> = [
  ['a duration without a unit', (s) => s.replace('at: 2s', 'at: 2'), /faults\[0\]\.at: 2 must be a duration/],
  ['an unknown fault', (s) => s.replace('fault: kill', 'fault: kil'), /faults\[0\]\.fault: "kil" must be one of kill,/],
  ['no target', (s) => s.replace(', target: leader', ''), /faults\[0\]\.target: is missing/],
  ['one side of a partition', (s) => s.replace('to: apiserver, ', ''), /faults\[1\]\.to: is missing: partition needs/],
  ['an unknown field', (s) => s.replace('for: 5s', 'fro: 5s'), /faults\[0\]\.fro: there is no such field here/],
  ['an unknown figure', (s) => s.replace('writes acknowledged', 'luck'), /must hold\.luck: there is no such figure/],
  [
    'a count as a duration',
    (s) => s.replace('at most 3', '3s'),
    /must hold\.Service requests failed: "3s" must be a wh/,
  ],
  [
    'a gap as a count',
    (s) => s.replace('gap: 10s', 'gap: 10'),
    /must hold\.longest write gap: "10" must be a duration/,
  ],
  ['an unknown state', (s) => s.replace('is: Ready', 'is: Happy'), /checks\[1\]\.is: "Happy" must be Pending,/],
  ['no hypothesis', (s) => s.replace('hypothesis:', 'hypo:'), /hypothesis: is missing[\s\S]*hypo: there is no such/],
  ['nothing that must hold', (s) => s.replace(/must hold:[\s\S]*/, ''), /must hold: nothing/],
  ['a Service that nobody asks', (s) => s.replace(', service: 1', ''), /load\.service: 0, but/],
  ['something after the end', (s) => `${s}lasts: 5s\n`, /lasts: 5000 ms, but something stands at 9000 ms/],
  ['a list that is none', (s) => s.replace(/acts:\n.*\n/, 'acts: 3\n'), /acts: 3 must be a list/],
  ['no map at all', () => '- 3', /the scenario: must be a map/],
];

for (const [name, change, message] of WRONG)
  test(`refused: ${name}`, (t) => {
    t.throws(() => scenario(change), { name: 'ScenarioError', message });
  });

test('every mistake is told at once', (t) => {
  const error = t.throws(() => scenario((s) => s.replace('at: 2s', 'at: 2').replace('kill', 'kil')));
  t.regex(error.message, /faults\[0\]\.at/);
  t.regex(error.message, /faults\[0\]\.fault/);
});

test('the plan of one time', (t) => t.snapshot(planLines(planOf(scenario())).join('\n')));

test('repeated faults are drawn by the seed, later than the first time, and healed in time', (t) => {
  const plan = (seed: number) => planOf(scenario(), { chance: seededChance(seed), forMs: 90_000 });
  t.deepEqual(plan(7), plan(7));
  t.notDeepEqual(plan(7), plan(8));
  const { steps, lastsMs } = plan(7);
  t.is(lastsMs, 90_000);
  t.is(steps.filter(({ type }) => type === 'break').length, 12);
  t.is(steps.filter(({ type }) => type === 'check').length, 2);
  t.true(steps.every(({ atMs }) => atMs <= lastsMs));
});

test('random faults come from the seed, and leave time to heal', (t) => {
  const random = scenarioOf(
    {
      name: 'r',
      hypothesis: 'h',
      lasts: '60s',
      random: {
        every: '5s',
        shortest: '1s',
        longest: '4s',
        of: [
          { fault: 'kill', target: 'store' },
          { fault: 'pause', target: 'apiserver' },
        ],
      },
      'must hold': { 'stale reads': 0 },
    },
    'r.yaml',
  );
  const plan = (seed: number) => planOf(random, { chance: seededChance(seed) });
  t.deepEqual(plan(3), plan(3));
  t.notDeepEqual(plan(3), plan(4));
  const breaks = plan(3).steps.filter(({ type }) => type === 'break');
  const heals = plan(3).steps.filter(({ type }) => type === 'heal');
  t.true(breaks.length >= 6);
  t.is(heals.length, breaks.length);
  t.true(heals.every(({ atMs }) => atMs <= 45_000));
});

for (const members of [3, 5])
  test(`quorum with ${members} members`, (t) => t.snapshot(planLines(planOf(quorumScenario(members))).join('\n')));

test('one member has no quorum to show', (t) => {
  t.throws(() => quorumScenario(1), { message: /--stores 3/ });
});
