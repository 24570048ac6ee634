// Shows on a real cluster: the live stream by its filters, the recent past, the export to an OpenTelemetry receiver, the
// example of twenty lines, and that a Secret's value is in no span.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { RESOURCES } from '../../lib/api/resource.ts';
import type { Span } from '../../lib/bus/messages.ts';
import { joinBus, type ClusterBus } from '../../cli/edge/cluster-bus.ts';
import { openSession } from '../../cli/edge/session.ts';
import type { OtlpRequest, OtlpSpan } from '../../cli/core/trace/otlp.ts';
import { follow, TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { IMAGE, isReady, yaml, type List } from '../kit/manifests.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import type { Pod } from '../../lib/api/generated/types.ts';

const cluster = new TestCluster({ name: 'trc-live', args: ['--runtime', 'hollow', '--stores', '1', '--nodes', '2'] });
tellOnFailure(test, cluster);
const live = new Map<string, Span>();
let bus: ClusterBus;
let receiver: Server;
const posts: OtlpRequest[] = [];

test.before(async () => {
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const isRight = request.method === 'POST' && request.url === '/v1/traces';
      if (isRight) posts.push(JSON.parse(Buffer.concat(parts).toString()) as OtlpRequest);
      response.writeHead(isRight ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await cluster.up();
  bus = await joinBus(cluster.home);
  bus.followSpans((span) => void live.set(span.id, span));
  await bus.bus.flush();
});

test.after.always(async () => {
  await bus?.bus.close();
  receiver?.close();
  await cluster.down();
});

const command = (...args: string[]): string[] => [process.execPath, 'cli/main.ts', '--home', cluster.home, ...args];
const receiverUrl = (): string => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const otlpSpans = (): OtlpSpan[] =>
  posts.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  );

function web(name: string, replicas: number): string {
  const labels = { app: name };
  const container = { name: 'web', image: IMAGE };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return yaml({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
}

async function ready(name: string, count: number): Promise<void> {
  await eventually(`${count} pods of ${name} are ready`, async () => {
    const { items } = await cluster.get<List<Pod>>('pods', '-l', `app=${name}`);
    return items.filter(isReady).length === count;
  });
}

const jsonLines = (text: string): Span[] =>
  text
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Span);

test.serial('the live stream is what its filters say; the example hears the same with nothing but nats', async (t) => {
  const filtered = follow(command('trace', '--json', '--kind', 'po', '--actor', 'scheduler', '-n', 'default'));
  const everything = follow(command('trace', '--json', '--since', '5m', '--unchanged'));
  const example = follow([process.execPath, 'examples/trace-subscriber.ts', cluster.home]);
  t.teardown(() => [filtered, everything, example].forEach((one) => one.stop()));
  // Each says something as soon as it listens: a change is made again until it has.
  let round = 0;
  await eventually('all three have heard', async () => {
    if (
      jsonLines(filtered.said()).length > 0 &&
      jsonLines(everything.said()).length > 0 &&
      example.said().includes('schedule Pod')
    )
      return true;
    await cluster.mustApply(web('seen', ++round));
    await ready('seen', round);
    return false;
  });
  t.true(
    jsonLines(filtered.said()).every(
      (span) => span.actor === 'scheduler' && span.kind === 'Pod' && span.namespace === 'default',
    ),
  );
  t.true(new Set(jsonLines(everything.said()).map(({ actor }) => actor)).size > 3);
  const source = readFileSync(new URL('../../examples/trace-subscriber.ts', import.meta.url), 'utf8');
  t.true(source.trimEnd().split('\n').length <= 20);
});

const WHOLE_STORY = ['request Deployment', 'reconcile ReplicaSet', 'schedule Pod', 'sync Pod'];

test.serial('one apply goes to a collector as one trace, again with the same ids', async (t) => {
  await cluster.mustApply(web('sent', 2));
  await ready('sent', 2);
  // The step that made the last pod ready is told of a moment after it.
  const first = await eventually('its whole story is told', async () => {
    posts.length = 0;
    await cluster.must('trace', 'deployment/sent', '--otlp', receiverUrl());
    const names = new Set(otlpSpans().map(({ name }) => name));
    return WHOLE_STORY.every((name) => names.has(name)) && otlpSpans();
  });
  posts.length = 0;
  await cluster.must('trace', 'deployment/sent', '--otlp', `${receiverUrl()}/v1/traces`);
  const second = new Map(otlpSpans().map((span) => [span.spanId, span]));
  t.true(first.length > 10);
  t.is(new Set(first.map(({ spanId }) => spanId)).size, first.length);
  t.true(first.every((span) => second.get(span.spanId)?.traceId === span.traceId));
  t.true(first.every(({ name }) => name !== ''));
});

test.serial('the live stream goes to a collector, and a collector that is not there is told of', async (t) => {
  posts.length = 0;
  const sending = follow(command('trace', '--otlp', receiverUrl()));
  t.teardown(() => sending.stop());
  let round = 0;
  await eventually('a whole story has arrived', async () => {
    if (otlpSpans().some(({ name, parentSpanId }) => name === 'sync Pod' && parentSpanId !== undefined)) return true;
    await cluster.mustApply(web('flow', ++round));
    await ready('flow', round);
    return false;
  });
  const refused = await cluster.flotilla('trace', 'deployment/flow', '--otlp', 'http://127.0.0.1:1');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the collector at http:\/\/127\.0\.0\.1:1\/v1\/traces does not answer/);
});

test.serial('a tree is drawn with its bars and its critical path', async (t) => {
  await cluster.mustApply(web('drawn', 1));
  await ready('drawn', 1);
  const text = await eventually('the tree knows of the ready pod', async () => {
    const said = await cluster.must('trace', 'deployment/drawn');
    return said.includes('last ready of 1 pod') && said;
  });
  t.regex(text, /\*│█/);
  t.regex(text, /critical path: .* from the request to the last ready of 1 pod/);
  t.regex(text, /kubelet-node-\d sync Pod default\/drawn-/);
});

const CANARY = 'canary7f3a9e51c0';

test.serial("a Secret's value is in no span, whatever is done and whatever goes wrong with it", async (t) => {
  const session = openSession({ home: cluster.home });
  t.teardown(() => session.close());
  const encoded = Buffer.from(CANARY).toString('base64');
  const path = '/api/v1/namespaces/default/secrets';
  const secret = (more: object): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hidden' },
    ...more,
  });
  const send = (
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    at: string,
    body: object,
    contentType?: string,
  ): Promise<string> =>
    session.send({ method, path: at, body, ...(contentType === undefined ? {} : { contentType }) }).then(
      () => 'done',
      (error: unknown) => String(error),
    );
  const one = `${path}/hidden`;
  const merge = 'application/merge-patch+json';
  t.is(await send('POST', path, secret({ stringData: { password: CANARY } })), 'done');
  // Each of these is refused, and a careless refusal would quote what it refused.
  const refusals = await Promise.all([
    send('POST', path, secret({ data: { password: CANARY + '!' } })),
    send('POST', path, secret({ stringData: { password: CANARY } })),
    send('PATCH', one, { data: { password: `${CANARY}%%` } }, merge),
    send('PATCH', one, { data: { password: { [CANARY]: 1 } } }, merge),
    send('PATCH', one, { type: CANARY }, merge),
    send('PATCH', one, [{ op: 'test', path: '/data/password', value: CANARY }], 'application/json-patch+json'),
    send('PATCH', one, { data: CANARY }, 'application/strategic-merge-patch+json'),
    send('PUT', one, secret({ data: [CANARY] })),
    send(
      'PATCH',
      `${one}?fieldManager=other`,
      secret({ data: { password: CANARY + '!!' } }),
      'application/apply-patch+yaml',
    ),
  ]);
  t.deepEqual(
    refusals.filter((said) => said === 'done'),
    [],
  );
  const uses = (name: string, container: object, volumes: object[] = []): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'hidden' } },
    spec: { terminationGracePeriodSeconds: 1, volumes, containers: [{ name: 'main', image: IMAGE, ...container }] },
  });
  const reference = (key: string): object => ({
    env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'hidden', key } } }],
  });
  const mount = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
  const pods = '/api/v1/namespaces/default/pods';
  for (const pod of [
    uses('by-env', reference('password')),
    uses('by-all', { envFrom: [{ secretRef: { name: 'hidden' } }] }),
    uses('by-volume', mount, [{ name: 'v', secret: { secretName: 'hidden' } }]),
    uses('by-absent-key', reference('absent')),
    uses('by-absent-item', mount, [
      { name: 'v', secret: { secretName: 'hidden', items: [{ key: 'absent', path: 'a' }] } },
    ]),
    uses('by-bad-name', { image: `$(A)/UPPER`, ...reference('password') }),
  ])
    t.is(await send('POST', pods, pod), 'done');
  await eventually('those who can are ready, the others have said why not', async () => {
    const { items } = await session.client.list<Pod>(RESOURCES.pods, {
      namespace: 'default',
      labelSelector: 'app=hidden',
    });
    const events = await session.client.list<{ reason: string; involvedObject: { name: string } }>(RESOURCES.events, {
      namespace: 'default',
    });
    const complained = (name: string): boolean =>
      events.items.some(({ involvedObject, reason }) => involvedObject.name === name && reason.startsWith('Failed'));
    return items.filter(isReady).length === 3 && complained('by-absent-key') && complained('by-absent-item');
  });
  t.is(await send('PATCH', one, { immutable: true }, merge), 'done');
  t.not(await send('PATCH', one, { stringData: { password: `${CANARY}2` } }, merge), 'done');
  t.is(await send('DELETE', one, {}), 'done');
  const aboutIt = (span: Span): boolean => span.kind === 'Secret' && span.name === 'hidden';
  const remembered = await eventually('its deletion is remembered', async () => {
    const spans = await bus.recentSpans(0);
    return spans.some((span) => aboutIt(span) && span.wrote.some(({ verb }) => verb === 'delete')) && spans;
  });
  t.true(remembered.filter(aboutIt).length >= 10, 'the refusals are spans too');
  const all = JSON.stringify([...live.values(), ...remembered]);
  for (const form of [
    CANARY,
    encoded,
    encoded.replace(/=+$/, ''),
    Buffer.from(encoded).toString('base64').slice(0, 18),
  ])
    t.false(
      all.includes(form),
      `${form} is in ${all.slice(Math.max(0, all.indexOf(form) - 300), all.indexOf(form) + 50)}`,
    );
});
