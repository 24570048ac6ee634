// Shows what the API server promises when others fail: lost answers and events, no quorum, its own restart, a store whose
// leader dies.
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTls } from 'node:tls';
import test from 'ava';
import { startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';
import { MemoryNetwork } from '../../lib/bus/memory.ts';
import { unpackObject } from '../../lib/bus/event-object.ts';
import type { Progress, ResourceEvent } from '../../lib/bus/messages.ts';
import { patternOf, subjectOf } from '../../lib/bus/subjects.ts';
import { StoreCluster } from '../kit/store-cluster.ts';

const CM = '/api/v1/namespaces/default/configmaps';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const make = (api: TestApi, name: string): ReturnType<TestApi['http']> =>
  api.http('POST', CM, { body: { metadata: { name } } });
const names = (answer: { body: any }): string[] => answer.body.items.map((item: any) => item.metadata.name);

test('a lost answer of the store is asked for again, and the write happens once', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const before = api.store.revision;
  api.store.loseAnswers = 1;
  t.is((await make(api, 'once')).code, 201);
  // The actor writes for itself, too, from time to time: what counts is what happened to this object.
  const path = `${CM}?watch=true&resourceVersion=${before}&fieldSelector=metadata.name%3Donce&timeoutSeconds=1`;
  t.deepEqual(
    (await api.watch(path, 2)).map((event) => event.type),
    ['ADDED'],
  );
});

test('a lost event of the store is fetched from its history', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const opened = Promise.withResolvers<void>();
  const watching = api.watch(`${CM}?watch=true`, 3, { opened: opened.resolve });
  await opened.promise;
  api.store.loseCommitted = 1;
  await make(api, 'lost');
  t.is((await api.http('GET', `${CM}/lost`)).code, 200, 'a read sees its own write');
  api.store.loseCommitted = 1;
  await make(api, 'last');
  await make(api, 'next');
  t.deepEqual(
    (await watching).map((event) => event.object.metadata.name),
    ['lost', 'last', 'next'],
  );
});

test('without a quorum: cached reads go on, labelled; writes are refused with the reason; then all is well again', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await make(api, 'before');
  api.store.up('store-3');
  const [refused, patched] = await Promise.all([
    make(api, 'refused'),
    api.http('PATCH', `${CM}/before`, { headers: MERGE, body: { data: { a: '1' } } }),
  ]);
  for (const answer of [refused, patched]) {
    t.is(answer.code, 503);
    t.is(answer.body.reason, 'ServiceUnavailable');
    t.regex(answer.body.message, /the store has no quorum.*no majority of the members answers/);
    t.is(answer.headers['retry-after'], '1');
  }
  const cached = await api.http('GET', `${CM}?resourceVersion=0`);
  t.deepEqual(names(cached), ['before']);
  t.is(cached.headers['warning'], undefined);
  const fallback = await api.http('GET', CM);
  t.deepEqual(names(fallback), ['before']);
  t.regex(
    String(fallback.headers['warning']),
    /^299 - "this answer comes from the API server's cache at revision \d+ and may be old: the store has no quorum/,
  );
  t.is((await api.http('GET', '/readyz')).code, 500);
  t.is((await api.http('GET', '/livez')).code, 200);
  api.store.up(...api.store.members);
  t.is((await make(api, 'after')).code, 201);
  // The first questions after an outage are not waited for as long as others.
  await eventually('reads are fresh', async () => (await api.http('GET', CM)).headers['warning'] === undefined);
  await eventually('it is ready', async () => (await api.http('GET', '/readyz')).code === 200);
});

test('a watch goes on after a restart of the API server, from the revision it had', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await make(api, 'a');
  const from = (await api.http('GET', CM)).body.metadata.resourceVersion;
  await make(api, 'b');
  await api.http('DELETE', `${CM}/a`);
  await api.restart();
  const events = await api.watch(`${CM}?watch=true&resourceVersion=${from}`, 2);
  t.deepEqual(
    events.map((event) => `${event.type} ${event.object.metadata.name}`),
    ['ADDED b', 'DELETED a'],
  );
});

test('a revision that is forgotten is told as Expired, and a list can go on', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  for (const name of ['a', 'b', 'c']) await make(api, name);
  const page = (await api.http('GET', `${CM}?limit=1`)).body;
  const from = page.metadata.resourceVersion;
  await make(api, 'd');
  api.store.compact();
  await api.restart();
  const [event] = await api.watch(`${CM}?watch=true&resourceVersion=${Number(from) - 1}`, 1);
  t.like(event, { type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  const expired = await api.http('GET', `${CM}?limit=1&continue=${page.metadata.continue}`);
  t.is(expired.code, 410);
  t.is(expired.body.reason, 'Expired');
  const rest = await api.http('GET', `${CM}?continue=${expired.body.metadata.continue}`);
  t.deepEqual(names(rest), ['b', 'c', 'd']);
});

test('actors hear each change once with the revision before it, and of a pod on the node it is bound to', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const bus = api.network.connect('watcher');
  const changes: ResourceEvent[] = [];
  const ofNode: ResourceEvent[] = [];
  const progress: Progress[] = [];
  bus.subscribe(
    patternOf('c1', 'watch', { group: 'core', resource: 'pods' }),
    ({ data }) => void changes.push(data as ResourceEvent),
  );
  bus.subscribe(subjectOf('c1', 'nodePods', { node: 'n.1' }), ({ data }) => void ofNode.push(data as ResourceEvent));
  bus.subscribe(subjectOf('c1', 'progress', {}), ({ data }) => void progress.push(data as Progress));
  await api.http('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const pods = '/api/v1/namespaces/default/pods';
  await api.http('POST', pods, {
    body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } },
  });
  await api.http('POST', `${pods}/p/binding`, {
    body: { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n.1' } },
  });
  await api.http('DELETE', `${pods}/p?gracePeriodSeconds=0`);
  const last = await eventually('the delete is told', () => changes[2]?.revision);
  await eventually('the progress of both streams', () => {
    const streams = progress.at(-1)?.streams;
    return streams?.['/pods'] === last && streams['node/n.1'] === last;
  });
  t.deepEqual(
    changes.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  );
  t.is(changes[1]!.previous, changes[0]!.revision);
  t.is(changes[2]!.previous, changes[1]!.revision);
  t.deepEqual(
    ofNode.map((event) => event.type),
    ['ADDED', 'DELETED'],
  );
  t.is(ofNode[1]!.previous, ofNode[0]!.revision);
  t.is(unpackObject(changes[0]!).metadata.resourceVersion, String(changes[0]!.revision));
});

test('with real store members: the leader dies under writes, every acknowledged one is there', async (t) => {
  t.timeout(600_000);
  const network = new MemoryNetwork();
  const store = await StoreCluster.start({ network, speed: 2 });
  const api = await startApi({ network, stores: store.names });
  t.teardown(async () => {
    await api.stop();
    await store.stop();
  });
  const acknowledged: string[] = [];
  let isOver = false;
  const writer = async (id: number): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const name = `w${id}-${i}`;
      if ((await make(api, name)).code === 201) acknowledged.push(name);
    }
  };
  const writers = [0, 1, 2, 3].map(writer);
  await eventually('some writes', () => acknowledged.length > 20);
  const atKill = acknowledged.length;
  await store.kill(await store.leader());
  await eventually('writes go on after the leader is gone', () => acknowledged.length > atKill + 20);
  isOver = true;
  await Promise.all(writers);
  const stored = new Set(names(await api.http('GET', CM)));
  t.deepEqual(
    acknowledged.filter((name) => !stored.has(name)),
    [],
  );
  t.log(`${acknowledged.length} acknowledged writes, ${atKill} before the leader died`);
});

test('clients that break off, send garbage or shake hands badly kill nothing', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const tls = { host: '127.0.0.1', port: api.port, ca: api.caPem };
  const raw = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectTls(tls, () => socket.write(text, () => setTimeout(() => socket.destroy(), 5)));
      socket.on('error', () => {});
      socket.on('close', () => resolve());
    });
  const half = (): Promise<void> =>
    new Promise((resolve) => {
      const headers = {
        authorization: 'Bearer admin-token',
        'content-type': 'application/json',
        'content-length': '100000',
      };
      const request = httpsRequest({ ...tls, method: 'POST', path: CM, headers, agent: false });
      request.on('error', () => resolve());
      request.on('close', () => resolve());
      request.write('{"metadata":');
      setTimeout(() => request.destroy(), 5);
    });
  const stream = (path: string): Promise<void> =>
    new Promise((resolve) => {
      const client = connectHttp2(api.url, { ca: api.caPem });
      client.on('error', () => {});
      const request = client.request({ ':path': path, authorization: 'Bearer admin-token' });
      request.on('error', () => {});
      request.on('close', () => {
        client.destroy();
        resolve();
      });
      setTimeout(() => request.close(8), Math.random() * 10);
    });
  const upgrade =
    'GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\nConnection: Upgrade\r\n';
  const attempts = Array.from({ length: 15 }, () => [
    half(),
    stream(`${CM}?watch=true`),
    stream(CM),
    stream('/openapi/v3/apis/apps/v1'),
    raw('GARBAGE\r\n\r\n'),
    raw('GET / HTTP/1.1\r\nHost: x\r\n'),
    raw(`${upgrade}Upgrade: websocket\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: zz\r\n\r\n`),
    raw(`${upgrade}Upgrade: SPDY/3.1\r\n\r\n`),
    raw(
      `${upgrade}Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\xff`,
    ),
  ]);
  await Promise.all(attempts.flat());
  t.is((await make(api, 'alive')).code, 201);
  await eventually('no watch outlives its client', () => api.actor.status()['watches'] === 0);
});

test('a start that fails leaves nothing behind on the bus', async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const network = new MemoryNetwork();
  await t.throwsAsync(startApi({ network, settings: { port: api.port } }), {
    message: /cannot listen on 127\.0\.0\.1/,
  });
  const caller = network.connect('operator');
  const subject = subjectOf('c1', 'apiRequest', { from: 'operator' });
  await t.throwsAsync(caller.request(subject, { method: 'GET', path: '/version' }, { timeoutMs: 200 }), {
    message: /nobody answers/,
  });
});
