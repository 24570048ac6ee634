// Shows the scheduler as an actor: it binds, says why it cannot, tries again when something changes, and leads alone.
import test from 'ava';
import type { Event, Pod } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import { startOver, type StartedActor } from '../../test/kit/api-model-actor.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { serveModel } from '../../test/kit/api-model-bus.ts';
import { addNodes } from '../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../test/kit/api-model.ts';
import { start } from './main.ts';

function world() {
  const network = new MemoryNetwork();
  const model = new ApiModel({ now: () => Date.now() });
  const served = serveModel(network, 'c1', model);
  const run = (instance = 'scheduler-1', leaderElect = false): Promise<StartedActor> =>
    startOver(network, start, { cluster: 'c1', actor: 'scheduler', instance, settings: { leaderElect } });
  return { network, model, served, run };
}

function pod(model: ApiModel, name: string, spec: object = {}): void {
  const containers = [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }];
  model.create(RESOURCES.pods, { metadata: { name, namespace: 'default' }, spec: { containers, ...spec } });
}
const find = (model: ApiModel, name: string): Pod => model.get<Pod>(RESOURCES.pods, 'default', name)!;
const nodeOf = (model: ApiModel, name: string): string => find(model, name)?.spec.nodeName ?? '';
const events = (model: ApiModel): string[] =>
  model.list<Event>(RESOURCES.events).map(({ reason, message }) => `${reason}: ${message}`);

test('a pod is bound, its event written, the decision traced', async (t) => {
  const { model, run } = world();
  addNodes(model, ['node-1']);
  const { actor, spans } = await run();
  pod(model, 'web');
  await eventually('web is bound', () => nodeOf(model, 'web') === 'node-1');
  await eventually('the event', () => events(model).includes('Scheduled: Successfully assigned default/web to node-1'));
  await eventually('the span', () => spans().length === 1);
  const [span] = spans();
  t.is(span!.verb, 'schedule');
  t.is(span!.outcome, 'changed');
  t.is(span!.saw, '1 nodes, 1 fit');
  t.deepEqual(span!.did, ['bind default/web to node-1']);
  t.deepEqual(actor.status(), { leads: true, nodes: 1, active: 0, backoff: 0, unschedulable: 0, binding: 0, bound: 1 });
  await actor.stop();
});

test('a pod that fits nowhere says why, and is placed when a node comes', async (t) => {
  const { model, run } = world();
  addNodes(model, ['node-1', 'node-2', 'node-3']);
  const { actor, spans } = await run();
  pod(model, 'big', { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '100' } } }] });
  const message = '0/3 nodes are available: 3 Insufficient cpu.';
  await eventually('the event', () => events(model).includes(`FailedScheduling: ${message}`));
  await eventually('the condition', () => find(model, 'big').status?.conditions !== undefined);
  const condition = find(model, 'big').status!.conditions!.find(({ type }) => type === 'PodScheduled')!;
  t.deepEqual([condition.status, condition.reason, condition.message], ['False', 'Unschedulable', message]);
  await eventually('the span', () => spans().length > 0);
  t.is(spans()[0]!.why, message);
  model.create(RESOURCES.nodes, { metadata: { name: 'huge' } });
  model.change(
    RESOURCES.nodes,
    '',
    'huge',
    (node) => Object.assign(node, { status: { allocatable: { cpu: '200', pods: '10' } } }),
    'status',
  );
  await eventually('big is bound', () => nodeOf(model, 'big') === 'huge');
  await actor.stop();
});

test('room that a deleted pod leaves is used', async (t) => {
  const { model, run } = world();
  addNodes(model, ['node-1']);
  const { actor } = await run();
  for (const name of ['a', 'b', 'c', 'd']) pod(model, name);
  await eventually('all four are bound', () => ['a', 'b', 'c', 'd'].every((name) => nodeOf(model, name) !== ''));
  pod(model, 'e');
  await eventually('e is refused', () => events(model).some((event) => event.includes('1 Insufficient cpu')));
  model.delete(RESOURCES.pods, 'default', 'a', { gracePeriodSeconds: 0 });
  await eventually('e is bound', () => nodeOf(model, 'e') === 'node-1');
  t.pass();
  await actor.stop();
});

test('a burst never overcommits a node, though bindings are only seen later', async (t) => {
  const { model, run } = world();
  addNodes(model, ['node-1', 'node-2']);
  const { actor } = await run();
  for (let i = 0; i < 20; i++) pod(model, `p${i}`);
  const bound = (): Pod[] => model.list<Pod>(RESOURCES.pods).filter((one) => one.spec.nodeName);
  await eventually('eight are bound', () => bound().length === 8);
  await eventually('twelve wait', () => actor.status()['unschedulable'] === 12);
  const perNode = Map.groupBy(bound(), (one) => one.spec.nodeName);
  t.deepEqual(
    [...perNode.values()].map((pods) => pods.length),
    [4, 4],
  );
  await actor.stop();
});

test('pods of another scheduler, gated, leaving or bound ones are not touched', async (t) => {
  const { model, run, served } = world();
  addNodes(model, ['node-1']);
  pod(model, 'other', { schedulerName: 'mine' });
  pod(model, 'gated', { schedulingGates: [{ name: 'wait' }] });
  pod(model, 'bound', { nodeName: 'node-9' });
  pod(model, 'leaving');
  model.change<Pod>(
    RESOURCES.pods,
    'default',
    'leaving',
    (copy) => void (copy.metadata.finalizers = ['example.com/x']),
  );
  model.delete(RESOURCES.pods, 'default', 'leaving');
  const { actor } = await run();
  pod(model, 'last');
  await eventually('last is bound', () => nodeOf(model, 'last') === 'node-1');
  t.deepEqual(
    served.requests.filter(({ path }) => path.endsWith('/binding')).map(({ path }) => path.split('/').at(-2)),
    ['last'],
  );
  model.change<Pod>(RESOURCES.pods, 'default', 'gated', (copy) => void delete copy.spec.schedulingGates);
  await eventually('gated is bound', () => nodeOf(model, 'gated') === 'node-1');
  await actor.stop();
});

test('one of two leads; when it stops, the other goes on', async (t) => {
  const { model, run } = world();
  addNodes(model, ['node-1']);
  const one = await run('scheduler-1', true);
  await eventually('the first leads', () => one.actor.status()['leads'] === true);
  const two = await run('scheduler-2', true);
  pod(model, 'a');
  await eventually('a is bound', () => nodeOf(model, 'a') === 'node-1');
  t.is(two.actor.status()['leads'], false);
  await one.actor.stop();
  await eventually('the second leads', () => two.actor.status()['leads'] === true);
  pod(model, 'b');
  await eventually('b is bound', () => nodeOf(model, 'b') === 'node-1');
  await two.actor.stop();
});
