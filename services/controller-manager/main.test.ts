// Shows the controller-manager as an actor: all loops together bring a Deployment up, roll it, and take it away again.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Deployment, EndpointSlice, Pod } from '../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef } from '../../lib/api/resource.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import { ModelCluster } from '../../test/kit/api-model-cluster.ts';
import { startOver, type StartedActor } from '../../test/kit/api-model-actor.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { serveModel } from '../../test/kit/api-model-bus.ts';
import { addNodes } from '../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../test/kit/api-model.ts';
import { start } from './main.ts';

const CLUSTER = { name: 'c1', clusterId: 'x', domain: 'cluster.local', podCidr: '', serviceCidr: '', dnsIp: '' };

async function world(loses: () => boolean = () => false) {
  const dir = await mkdtemp(join(tmpdir(), 'cm-'));
  await writeFile(join(dir, 'ca.crt'), 'PEM');
  const network = new MemoryNetwork();
  const model = new ApiModel({ now: () => Date.now() });
  const served = serveModel(network, 'c1', model, loses);
  addNodes(model, ['node-1', 'node-2', 'node-3']);
  const cluster = new ModelCluster(model, seededChance(1));
  const timer = setInterval(() => {
    cluster.step();
    served.sayProgress();
  }, 5);
  const settings = {
    cluster: CLUSTER,
    leaderElect: true,
    rootCaFile: join(dir, 'ca.crt'),
    nodeMonitorGraceSeconds: 40,
    defaultTolerationSeconds: 300,
  };
  const run = (): Promise<StartedActor> =>
    startOver(network, start, {
      cluster: 'c1',
      actor: 'controller-manager',
      instance: 'controller-manager-1',
      settings,
    });
  const end = async (): Promise<void> => {
    clearInterval(timer);
    await rm(dir, { recursive: true });
  };
  return { model, run, end, settings };
}

function apply(model: ApiModel, image: string): void {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } };
  if (model.get(RESOURCES.deployments, 'default', 'web') === undefined)
    model.create(RESOURCES.deployments, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template },
    });
  else
    model.change<Deployment>(
      RESOURCES.deployments,
      'default',
      'web',
      (copy) => void (copy.spec.template.spec!.containers[0]!.image = image),
    );
}

const endpointsOf = (model: ApiModel): EndpointSlice['endpoints'] =>
  model.list<EndpointSlice>(RESOURCES.endpointSlices).flatMap((slice) => slice.endpoints ?? []);
const isRolledOut = (model: ApiModel, image: string): boolean => {
  const pods = model.list<Pod>(RESOURCES.pods);
  const status = model.get<Deployment>(RESOURCES.deployments, 'default', 'web')?.status;
  const ready = (endpointsOf(model) ?? []).filter(({ conditions }) => conditions?.ready === true);
  return (
    pods.length === 3 &&
    pods.every((pod) => pod.spec.containers[0]!.image === image) &&
    status?.availableReplicas === 3 &&
    status.updatedReplicas === 3 &&
    ready.length === 3
  );
};

async function story(model: ApiModel, actor: StartedActor): Promise<void> {
  await eventually('it leads', () => actor.actor.status()['leads'] === true);
  model.create(RESOURCES.namespaces, { metadata: { name: 'default' } });
  model.create(RESOURCES.services, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  apply(model, 'web:1');
  await eventually('web:1 is rolled out', () => isRolledOut(model, 'web:1'));
  apply(model, 'web:2');
  await eventually('web:2 is rolled out', () => isRolledOut(model, 'web:2'));
  await eventually(
    'the default ServiceAccount',
    () => model.get(RESOURCES.serviceAccounts, 'default', 'default') !== undefined,
  );
  model.delete(RESOURCES.deployments, 'default', 'web', { propagationPolicy: 'Background' });
  await eventually(
    'nothing is left of it',
    () => model.list(RESOURCES.pods).length + model.list(RESOURCES.replicaSets).length === 0,
  );
  const roles = (): number => model.list(resourceRef('rbac.authorization.k8s.io', 'v1', 'roles')).length;
  await eventually('the role is gone', () => roles() === 0);
  await eventually('no endpoints', () => endpointsOf(model)?.length === 0);
}

test('a Deployment comes up behind its Service, rolls, and goes with everything of it', async (t) => {
  const { model, run, end } = await world();
  const actor = await run();
  await story(model, actor);
  const spans = actor.spans();
  const deployment = spans.filter(({ kind }) => kind === 'Deployment');
  t.true(deployment.some(({ did }) => did.some((line) => /^create ReplicaSet default\/web-\w+$/.test(line))));
  t.true(deployment.every(({ saw }) => saw !== ''));
  t.true(
    spans.some(
      ({ kind, wrote }) => kind === 'ReplicaSet' && wrote.some((write) => write.kind === 'Pod' && write.revision > 0),
    ),
  );
  t.is(
    spans.filter(
      ({ outcome, why }) =>
        outcome === 'failed' && !/Operation cannot be fulfilled|already exists|not found/.test(why ?? ''),
    ).length,
    0,
  );
  await actor.actor.stop();
  t.is(actor.actor.status()['controllers'], 0);
  await end();
});

test('the same with every fifth event lost', async (t) => {
  let count = 0;
  const { model, run, end } = await world(() => ++count % 5 === 0);
  const actor = await run();
  await story(model, actor);
  t.pass();
  await actor.actor.stop();
  await end();
});

test('a root CA that cannot be read is told with its path', async (t) => {
  const { end, settings } = await world();
  const network = new MemoryNetwork();
  const error = await t.throwsAsync(
    startOver(network, start, {
      cluster: 'c1',
      actor: 'controller-manager',
      instance: 'controller-manager-1',
      settings: { ...settings, rootCaFile: '/nowhere/ca.crt' },
    }),
  );
  t.regex(error.message, /"\/nowhere\/ca\.crt" \(rootCaFile\)/);
  await end();
});
