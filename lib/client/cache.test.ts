// Shows that a cache is complete again after any loss on the bus, and tells each change once.
import test from 'ava';
import { RESOURCES } from '../api/resource.ts';
import { silentLog } from '../base/log.ts';
import { MemoryNetwork } from '../bus/memory.ts';
import { packObject } from '../bus/event-object.ts';
import type { ApiRequest, ApiResponse, ResourceEvent } from '../bus/messages.ts';
import { subjectOf } from '../bus/subjects.ts';
import { systemClock } from '../actor/system.ts';
import type { KubeObject } from '../reconcile/controller.ts';
import { ResourceCache } from './cache.ts';
import { Client } from './client.ts';

const turn = (ms = 10): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The API's side: a map, and a stream of events with the revision before each. */
class FakeApi {
  readonly network = new MemoryNetwork();
  readonly objects = new Map<string, KubeObject>();
  readonly #bus = this.network.connect('apiserver-1');
  revision = 10;
  #last = 10;
  lists = 0;

  constructor() {
    this.#bus.subscribe(subjectOf('c1', 'apiRequest', { from: 'x' }), (message) => {
      this.lists++;
      const request = message.data as ApiRequest;
      const body = { metadata: { resourceVersion: String(this.revision) }, items: [...this.objects.values()] };
      message.respond?.({ code: request.method === 'GET' ? 200 : 405, body } satisfies ApiResponse);
    });
  }

  put(name: string, lose = false): void {
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED';
    this.revision++;
    const object: KubeObject = {
      metadata: { name, namespace: 'default', uid: name, resourceVersion: String(this.revision) },
    };
    this.objects.set(name, object);
    this.#say(type, name, object, lose);
  }

  remove(name: string, lose = false): void {
    this.revision++;
    const object = this.objects.get(name)!;
    this.objects.delete(name);
    this.#say('DELETED', name, object, lose);
  }

  progress(): void {
    this.#bus.publish(subjectOf('c1', 'progress', {}), {
      version: 1,
      apiserver: 'a',
      revision: this.revision,
      streams: { '/configmaps': this.#last },
    });
  }

  cache(): ResourceCache {
    const bus = this.network.connect('x');
    const transport = {
      request: (request: ApiRequest) =>
        bus.request(subjectOf('c1', 'apiRequest', { from: 'x' }), request, {
          timeoutMs: 30_000,
        }) as Promise<ApiResponse>,
    };
    return new ResourceCache(
      { cluster: 'c1', bus, clock: systemClock, log: silentLog, client: new Client(transport) },
      { ref: RESOURCES.configMaps },
    ).start();
  }

  #say(type: ResourceEvent['type'], name: string, object: KubeObject, lose: boolean): void {
    const event: ResourceEvent = {
      version: 1,
      group: '',
      resource: 'configmaps',
      type,
      namespace: 'default',
      name,
      revision: this.revision,
      previous: this.#last,
      json: packObject(object),
      cause: { span: 's', actor: 'a' },
    };
    this.#last = this.revision;
    if (!lose)
      this.#bus.publish(
        subjectOf('c1', 'watch', { group: 'core', resource: 'configmaps', namespace: 'default', name }),
        event,
      );
  }
}

/** Patience: how fast messages pass is the machine's affair. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await turn();
}

const names = (cache: ResourceCache): string[] =>
  cache
    .list()
    .map((object) => object.metadata.name)
    .toSorted();

test('list first, then events, each change told once', async (t) => {
  const api = new FakeApi();
  api.put('a');
  const cache = api.cache();
  const told: string[] = [];
  cache.onChange(({ before, after }) =>
    told.push(`${before?.metadata.resourceVersion ?? '-'}>${after?.metadata.resourceVersion ?? '-'}`),
  );
  await cache.ready;
  api.put('b');
  api.put('a');
  api.remove('b');
  await until(() => told.length >= 4);
  t.deepEqual(names(cache), ['a']);
  t.deepEqual(told, ['->11', '->12', '11>13', '12>-']);
  t.is(api.lists, 1);
  cache.stop();
});

test('an event lost in the middle is noticed by the next one', async (t) => {
  const api = new FakeApi();
  const cache = api.cache();
  await cache.ready;
  api.put('a', true);
  api.put('b');
  await until(() => cache.size === 2);
  t.deepEqual(names(cache), ['a', 'b']);
  t.is(api.lists, 2);
  cache.stop();
});

test('the last event lost is noticed by the progress message, a lost delete as well', async (t) => {
  const api = new FakeApi();
  api.put('a');
  const cache = api.cache();
  await cache.ready;
  api.remove('a', true);
  await turn();
  t.deepEqual(names(cache), ['a']);
  api.progress();
  await until(() => cache.size === 0);
  t.deepEqual(names(cache), []);
  cache.stop();
});

test('waitFor resolves when the write is in, and at the latest after its time', async (t) => {
  const api = new FakeApi();
  const cache = api.cache();
  await cache.ready;
  const seen = cache.waitFor(11, 1000).then(() => cache.get('default', 'a'));
  api.put('a');
  t.truthy(await seen);
  await cache.waitFor(99, 20);
  t.true(cache.revision < 99);
  cache.stop();
});

test('events that arrive while listing are neither lost nor applied twice', async (t) => {
  const api = new FakeApi();
  const cache = api.cache();
  for (let i = 0; i < 20; i++) api.put(`n${i}`);
  await cache.ready;
  await until(() => cache.size === 20);
  t.is(cache.size, 20);
  cache.stop();
});

test('a list comes in pages of one revision; one that is too large for the bus is asked for again, smaller', async (t) => {
  const all = Array.from({ length: 700 }, (_, i) => ({
    metadata: { name: `o${i}`, namespace: 'default', uid: `u${i}`, resourceVersion: String(i + 1) },
  }));
  const asked: string[] = [];
  const transport = {
    request: (request: ApiRequest): Promise<ApiResponse> => {
      const { limit = '0', continue: token = '0' } = request.query ?? {};
      asked.push(`${token}+${limit}`);
      if (Number(limit) > 300)
        return Promise.resolve({
          code: 413,
          body: { reason: 'RequestEntityTooLarge', message: 'too large', code: 413 },
        });
      const end = Number(token) + Number(limit);
      const more = end < all.length ? { continue: String(end) } : {};
      const body = { metadata: { resourceVersion: '900', ...more }, items: all.slice(Number(token), end) };
      return Promise.resolve({ code: 200, body });
    },
  };
  const bus = new MemoryNetwork().connect('x');
  const cache = new ResourceCache(
    { cluster: 'c1', bus, clock: systemClock, log: silentLog, client: new Client(transport) },
    { ref: RESOURCES.configMaps },
  ).start();
  await cache.ready;
  t.is(cache.size, 700);
  t.is(cache.revision, 900);
  t.deepEqual(asked, ['0+500', '0+250', '250+250', '500+250']);
  cache.stop();
});

test('a list that is not answered is asked for again, and events go on', async (t) => {
  const api = new FakeApi();
  api.put('a');
  let lost = 0;
  api.network.filter = (_from, subject) => !(subject.includes('.cmd.') && lost++ === 0);
  const cache = api.cache();
  await cache.ready;
  api.put('b');
  await until(() => cache.size === 2);
  t.deepEqual(names(cache), ['a', 'b']);
  t.is(lost, 2);
  cache.stop();
});
