// Shows on a real cluster (hollow runtime) that `why` finds what is stuck: a dozen ways that objects tell of, and
// actors that do not run.
import test from 'ava';
import type { Answer } from '../../cli/core/why/facts.ts';
import { why } from '../../cli/core/why/why.ts';
import { actorFacts } from '../../cli/edge/why-facts.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import { factsOf, make } from './ask-why.ts';
import { namespaceOf, STUCK_CASES, type StuckCase } from './stuck-cases.ts';

const NAMES = new Set(
  'too-large no-image no-secret no-key not-ready crashes out-of-memory init-fails held-namespace selects-nothing rollout-fails no-account is-served'.split(
    ' ',
  ),
);
const CASES = STUCK_CASES.filter(({ name }) => NAMES.has(name));
const cluster = new TestCluster({ name: 'trc-why', args: ['--runtime', 'hollow', '--stores', '1', '--nodes', '2'] });
tellOnFailure(test, cluster);

test.before(async () => {
  await cluster.up();
  await Promise.all(CASES.map((one) => make(cluster.home, one)));
});

test.after.always(() => cluster.down());

async function called(one: StuckCase, code: string, tells: readonly string[] = []): Promise<Answer> {
  let last: Answer | undefined;
  return eventually(
    () => `${one.ask} of ${one.name} is ${code}, it is ${JSON.stringify(last)}`,
    async () => {
      last = why(await factsOf(cluster.home, one));
      const text = JSON.stringify(last);
      return last.code === code && tells.every((told) => text.includes(told)) && last;
    },
  );
}

const caseOf = (name: string): StuckCase => CASES.find((one) => one.name === name)!;

test.serial('each way of being stuck is called by its name', async (t) => {
  t.is(CASES.length, NAMES.size);
  for (const one of CASES) t.is((await called(one, one.code, one.tells)).code, one.code);
});

test.serial('the command says it in words, and by its exit code', async (t) => {
  const stuck = await cluster.flotilla('why', 'deployment/x', '-n', namespaceOf(caseOf('rollout-fails')));
  t.is(stuck.code, 1);
  t.regex(
    stuck.stdout,
    /^deployment\/x → replicaset\/x-\w+ → pod\/x-\w+-\w+\n✗ container main of pod\/x-.* waits for image/,
  );
  t.regex(stuck.stdout, /→ look at the name and the tag/);
  const well = await cluster.flotilla('why', 'service', 'x', '-n', namespaceOf(caseOf('is-served')));
  t.is(well.code, 0, well.stdout + well.stderr);
  t.regex(well.stdout, /✓ service\/x sends to/);
  t.is((await cluster.flotilla('why', 'pods')).code, 1);
});

test.serial('who does not run is named: scheduler, kubelet, controller-manager, apiserver', async (t) => {
  await cluster.must('stop', 'scheduler-1');
  t.regex((await called(caseOf('too-large'), 'scheduler-down')).help[0]!, /flotilla start scheduler-1/);
  await cluster.must('start', 'scheduler-1');
  const { pods } = await factsOf(cluster.home, caseOf('not-ready'));
  const node = pods[0]!.spec.nodeName!;
  await cluster.must('stop', `kubelet-${node}`);
  await called(caseOf('not-ready'), 'kubelet-down', [`flotilla start kubelet-${node}`]);
  await cluster.must('start', `kubelet-${node}`);
  await called(caseOf('not-ready'), 'readiness');
  await cluster.must('stop', 'controller-manager-1');
  const session = caseOf('is-served');
  await cluster.must('scale', 'deployment', 'x', '--replicas', '3', '-n', namespaceOf(session));
  await called({ ...session, ask: 'deployment/x' }, 'controller-manager-down');
  await cluster.must('start', 'controller-manager-1');
  await called({ ...session, ask: 'deployment/x' }, 'ready');
  await cluster.must('stop', 'apiserver-1');
  const { actors } = await actorFacts(cluster.home);
  t.false(actors.find(({ instance }) => instance === 'apiserver-1')!.answers);
  const down = await cluster.flotilla('why', 'deployment/x');
  t.is(down.code, 1);
  t.regex(down.stdout, /✗ everything waits for the apiserver, and none is running/);
});
