// Shows that a loop is woken by changes, does what it decides, sees its own writes, and makes no twin after a lost answer.
import test from 'ava';
import { startOver } from '../../test/kit/api-model-actor.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { serveModel } from '../../test/kit/api-model-bus.ts';
import { ApiModel } from '../../test/kit/api-model.ts';
import type { ActorContext } from '../actor/context.ts';
import { RESOURCES } from '../api/resource.ts';
import { TroubleError } from '../base/errors.ts';
import { MemoryNetwork } from '../bus/memory.ts';
import { busTransport } from '../client/bus-transport.ts';
import { Client, type Transport } from '../client/client.ts';
import { Caches } from './caches.ts';
import { selfKey, type Controller, type KubeObject } from './controller.ts';
import { runController } from './run-controller.ts';

/** Each ConfigMap gets one Secret of a drawn name: nothing but the view keeps it from making two. */
const pair: Controller = {
  name: 'pair',
  kind: 'ConfigMap',
  watches: [
    { ref: RESOURCES.configMaps, keys: selfKey },
    {
      ref: RESOURCES.secrets,
      keys: (_view, before, after) => [
        { namespace: 'default', name: (after ?? before)!.metadata.labels?.['of'] ?? '' },
      ],
    },
  ],
  reconcile(view, key) {
    const isThere = view.list<KubeObject>(RESOURCES.secrets).some((one) => one.metadata.labels?.['of'] === key.name);
    if (isThere || view.get(RESOURCES.configMaps, key.namespace, key.name) === undefined)
      return { actions: [], saw: 'paired' };
    const object = { metadata: { generateName: `${key.name}-`, namespace: 'default', labels: { of: key.name } } };
    return { actions: [{ type: 'create', ref: RESOURCES.secrets, namespace: 'default', object }], saw: 'alone' };
  },
};

function world(wrap: (transport: Transport, loseEvents: (lose: boolean) => void) => Transport) {
  const network = new MemoryNetwork();
  const model = new ApiModel();
  let isLosing = false;
  const served = serveModel(network, 'c1', model, () => isLosing);
  const start = (ctx: ActorContext) => {
    const transport = wrap(busTransport(ctx), (lose) => void (isLosing = lose));
    const client = new Client(transport);
    const caches = new Caches({ ...ctx, client });
    const loop = runController({ ...ctx, client }, pair, caches);
    return Promise.resolve({
      status: () => ({ queued: loop.queueLength }),
      stop() {
        loop.stop();
        caches.stop();
        return Promise.resolve();
      },
    });
  };
  const run = () =>
    startOver(network, start, { cluster: 'c1', actor: 'controller-manager', instance: 'cm-1', settings: {} });
  return { model, served, run };
}

const secrets = (model: ApiModel): number => model.list(RESOURCES.secrets).length;
const add = (model: ApiModel, name: string): void =>
  void model.create(RESOURCES.configMaps, { metadata: { name, namespace: 'default' } });

test('objects that were there and objects that come are worked on once each, with their cause', async (t) => {
  const { model, run } = world((transport) => transport);
  add(model, 'early');
  const { actor, spans } = await run();
  await eventually('the early one is paired', () => secrets(model) === 1);
  add(model, 'late');
  await eventually('the late one is paired', () => secrets(model) === 2);
  await eventually('quiet', () => spans().length >= 4 && actor.status()['queued'] === 0);
  t.is(secrets(model), 2);
  const late = spans().find(({ name, outcome }) => name === 'late' && outcome === 'changed')!;
  t.deepEqual(late.causes.revisions, [
    Number(model.get<KubeObject>(RESOURCES.configMaps, 'default', 'late')!.metadata.resourceVersion),
  ]);
  t.is(late.wrote[0]!.kind, 'Secret');
  await actor.stop();
});

test('a create whose answer and event are both lost is not done again', async (t) => {
  let lost = 0;
  const { model, served, run } = world((transport, loseEvents) => ({
    async request(request) {
      if (request.method !== 'POST' || lost > 0) return transport.request(request);
      lost++;
      loseEvents(true);
      await transport.request(request);
      loseEvents(false);
      throw new TroubleError('the answer was lost');
    },
  }));
  const { actor, spans } = await run();
  add(model, 'a');
  await eventually('the answer is lost', () => lost === 1);
  await eventually('the failure is traced', () => spans().some(({ outcome }) => outcome === 'failed'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(secrets(model), 1, 'not before the cache is complete again');
  served.sayProgress();
  await eventually('looked at again', () =>
    spans().some(({ outcome, saw }) => outcome === 'unchanged' && saw === 'paired'),
  );
  t.is(secrets(model), 1);
  await actor.stop();
});
