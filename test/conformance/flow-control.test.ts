// Shows priority and fairness over HTTPS: its objects are there from the first second, requests are told what took them,
// wait for their turn, pass a flood of others, and are refused when queues are full.
import { request as httpsRequest } from 'node:https';
import test from 'ava';
import WebSocket from 'ws';
import { ADMIN_TOKEN, startApi, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';

const FLOW = '/apis/flowcontrol.apiserver.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
const DUMP = '/debug/api_priority_and_fairness/dump_priority_levels';

let api: TestApi;
test.before(async () => {
  api = await startApi({ settings: { flowControl: { seats: 245 } } });
  await api.http('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    body: {
      metadata: { name: 'everyone' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [
        { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' },
        { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'system:node:node-1' },
      ],
    },
  });
});
test.after.always(() => api.stop());

/** A level with one seat, for one user or more. */
async function tight(name: string, users: string[], queuing: object): Promise<void> {
  const level = await api.http('POST', `${FLOW}/prioritylevelconfigurations`, {
    body: {
      metadata: { name },
      spec: {
        type: 'Limited',
        // Of 245 seats and 246 shares.
        limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Queue', queuing } },
      },
    },
  });
  if (level.code !== 201) throw new Error(level.text);
  const schema = await api.http('POST', `${FLOW}/flowschemas`, {
    body: {
      metadata: { name },
      spec: {
        priorityLevelConfiguration: { name },
        matchingPrecedence: 10,
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: users.map((user) => ({ kind: 'User', user: { name: user } })),
            resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['configmaps'], namespaces: ['*'] }],
          },
        ],
      },
    },
  });
  if (schema.code !== 201) throw new Error(schema.text);
}

/** A request that keeps its seat until its body comes. */
function stalled(token: string, name: string): { send(): Promise<number> } {
  const bytes = Buffer.from(JSON.stringify({ metadata: { name } }));
  const request = httpsRequest({
    host: '127.0.0.1',
    port: api.port,
    method: 'POST',
    path: MAPS,
    ca: api.caPem,
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': bytes.length },
  });
  const answered = new Promise<number>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode!));
    });
  });
  request.flushHeaders();
  return {
    send: () => {
      request.end(bytes);
      return answered;
    },
  };
}

/** Code of the answer to bob's upgrade; the watch, if there is one, is ended. */
function webSocketWatch(): Promise<number> {
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}${MAPS}?watch=1`, {
    ca: api.caPem,
    headers: { authorization: 'Bearer bob-token' },
  });
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(101));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', reject);
  }).finally(() => socket.terminate()) as Promise<number>;
}

async function counts(level: string): Promise<{ waiting: number; executing: number; rejected: number }> {
  const { text } = await api.http('GET', DUMP);
  const cells = text
    .split('\n')
    .find((row) => row.startsWith(`${level},`))!
    .split(',')
    .map((cell) => cell.trim());
  return { waiting: Number(cells[4]), executing: Number(cells[5]), rejected: Number(cells[7]) };
}

test.serial("upstream's objects are there, each schema leads to its level, and headers name both", async (t) => {
  const schemas = await api.http('GET', `${FLOW}/flowschemas`);
  t.is(schemas.body.items.length, 13);
  await eventually('no schema dangles', async () => {
    const { body } = await api.http('GET', `${FLOW}/flowschemas`);
    return body.items.every((item: any) => item.status?.conditions?.[0]?.status === 'False');
  });
  const levels = await api.http('GET', `${FLOW}/prioritylevelconfigurations`);
  t.is(levels.body.items.length, 8);
  const uid = (list: any, name: string): string =>
    list.body.items.find((item: any) => item.metadata.name === name).metadata.uid;
  const answer = await api.http('GET', '/api/v1/nodes', { token: 'bob-token' });
  t.is(answer.headers['x-kubernetes-pf-flowschema-uid'], uid(schemas, 'global-default'));
  t.is(answer.headers['x-kubernetes-pf-prioritylevel-uid'], uid(levels, 'global-default'));
  const admin = await api.http('GET', '/api/v1/nodes');
  t.is(admin.headers['x-kubernetes-pf-flowschema-uid'], uid(schemas, 'exempt'));
  t.is((await api.http('GET', DUMP, { token: '' })).code, 403);
});

/** A seat is given back a moment after the answer. */
const allServed = (): Promise<boolean> =>
  eventually('nobody waits or is served, and two were refused', async () => {
    const { waiting, executing, rejected } = await counts('narrow');
    return waiting === 0 && executing === 0 && rejected === 2;
  });

test.serial('a full queue is refused with 429 and told when to come again; others are served', async (t) => {
  await tight('narrow', ['bob'], { queues: 1, handSize: 1, queueLengthLimit: 2 });
  const holder = stalled('bob-token', 'held');
  await eventually('the seat is taken', async () => (await counts('narrow')).executing === 1);
  const waiting = [1, 2].map((n) =>
    api.http('POST', MAPS, { token: 'bob-token', body: { metadata: { name: `w${n}` } } }),
  );
  await eventually('two wait', async () => (await counts('narrow')).waiting === 2);
  const refused = await api.http('GET', MAPS, { token: 'bob-token' });
  t.is(await webSocketWatch(), 429, 'a watch over a WebSocket is no way around');
  t.deepEqual(
    [refused.code, refused.text, refused.headers['retry-after'], refused.headers['content-type']],
    [429, 'Too many requests, please try again later.\n', '1', 'text/plain; charset=utf-8'],
  );
  t.is((await api.http('GET', MAPS)).code, 200, 'an administrator is exempt');
  t.is((await api.http('GET', '/api/v1/nodes', { token: 'bob-token' })).code, 200, 'what another schema takes');
  t.is(await holder.send(), 201);
  t.deepEqual(
    (await Promise.all(waiting)).map(({ code }) => code),
    [201, 201],
  );
  await allServed();
  t.is(await webSocketWatch(), 101, 'a watch over a WebSocket takes its turn, and has no seat once it has begun');
  await allServed();
  const metrics = (await api.http('GET', '/metrics')).text;
  t.regex(
    metrics,
    /apiserver_flowcontrol_rejected_requests_total\{priority_level="narrow",flow_schema="narrow",reason="queue-full"\} 2/,
  );
  t.regex(metrics, /apiserver_flowcontrol_dispatched_requests_total\{priority_level="narrow",flow_schema="narrow"\} 4/);
  t.regex(metrics, /apiserver_flowcontrol_nominal_limit_seats\{priority_level="global-default"\} 20/);
  for (const kind of ['flowschemas', 'prioritylevelconfigurations']) await api.http('DELETE', `${FLOW}/${kind}/narrow`);
});

test.serial("one client's flood fills its own queue: another's request still finds room and is served", async (t) => {
  await tight('shared', ['bob', 'system:node:node-1'], { queues: 64, handSize: 1, queueLengthLimit: 5 });
  const holder = stalled('bob-token', 'holder');
  await eventually('the seat is taken', async () => (await counts('shared')).executing === 1);
  const create = async (token: string, name: string): Promise<number> =>
    (await api.http('POST', MAPS, { token, body: { metadata: { name } } })).code;
  const flood = Array.from({ length: 30 }, (_, n) => create('bob-token', `flood-${n}`));
  await eventually('the flood fills its queue', async () => (await counts('shared')).rejected === 25);
  const quiet = create('node-1-token', 'quiet');
  await eventually('it waits', async () => (await counts('shared')).waiting === 6);
  await holder.send();
  t.is(await quiet, 201);
  const codes = await Promise.all(flood);
  t.deepEqual([codes.filter((code) => code === 201).length, codes.filter((code) => code === 429).length], [5, 25]);
  for (const kind of ['flowschemas', 'prioritylevelconfigurations']) await api.http('DELETE', `${FLOW}/${kind}/shared`);
});

test.serial('who goes while it waits is forgotten, who waits too long is refused', async (t) => {
  const impatient = await startApi({ settings: { flowControl: { seats: 1, waitMs: 50 } } });
  t.teardown(() => impatient.stop());
  // With one seat in all each level has one: that of everyone is held by a request without its body.
  const request = httpsRequest({
    host: '127.0.0.1',
    port: impatient.port,
    method: 'POST',
    path: MAPS,
    ca: impatient.caPem,
    agent: false,
    headers: { authorization: 'Bearer bob-token', 'content-length': 10 },
  });
  request.on('error', () => {});
  request.flushHeaders();
  const level = async (): Promise<string> => (await impatient.http('GET', DUMP, { token: ADMIN_TOKEN })).text;
  await eventually('the seat is taken', async () => /global-default,.* 1, +1, +0, +0, +0$/m.test(await level()));
  const late = await impatient.http('GET', '/api/v1/nodes', { token: 'bob-token' });
  t.is(late.code, 429);
  t.regex((await impatient.http('GET', '/metrics')).text, /reason="time-out"\} 1/);
  request.destroy();
  await eventually('the seat is free', async () => /global-default,.* true, +false, +0, +0,/m.test(await level()));
});
