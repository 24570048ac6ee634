// Shows what reaches a pod through its proxy and that of a Service, and what comes back, with a kubelet that is played here and
// forwards to a real HTTP server.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import test from 'ava';
import { systemClock } from '../../lib/actor/system.ts';
import { ApiError } from '../../lib/base/errors.ts';
import type { StreamOpen } from '../../lib/bus/messages.ts';
import { serveStreams, type BusStream } from '../../lib/bus/streams.ts';
import { ADMIN_TOKEN, startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';

const DEFAULT = '/api/v1/namespaces/default';
const WEB = `${DEFAULT}/pods/web:8080/proxy`;

let api: TestApi;
let server: Server;
const asked: IncomingMessage[] = [];
const ended: string[] = [];

test.before(async () => {
  server = createServer((request, response) => {
    asked.push(request);
    if (request.url === '/moved') return void response.writeHead(302, { location: '/there?x=1' }).end();
    if (request.url === '/big') return void response.end(Buffer.alloc(3_000_000, 'x'));
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () =>
      response.writeHead(201, { 'x-own': 'yes' }).end(`${request.method} ${request.url} ${body}`),
    );
  });
  server.on('upgrade', (request, socket) => {
    asked.push(request);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ');
    socket.pipe(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  api = await startApi();
  const make = (path: string, body: object): Promise<unknown> => api.http('POST', path, { body });
  await make(`${DEFAULT}/serviceaccounts`, { metadata: { name: 'default' } });
  await make('/api/v1/nodes', { metadata: { name: 'node-1' } });
  const containers = [{ name: 'c', image: 'x', ports: [{ containerPort: 8080 }] }];
  await make(`${DEFAULT}/pods`, { metadata: { name: 'web', labels: { app: 'web' } }, spec: { containers } });
  await make(`${DEFAULT}/pods/web/binding`, { metadata: { name: 'web' }, target: { kind: 'Node', name: 'node-1' } });
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  for (const name of ['web', 'empty'])
    await make(`${DEFAULT}/services`, { metadata: { name }, spec: { selector: { app: name }, ports } });
  await make('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: [
      { addresses: ['10.0.0.9'], conditions: { ready: false }, targetRef: { kind: 'Pod', name: 'other' } },
      { addresses: ['10.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'web' } },
    ],
  });
  const bus = api.network.connect('kubelet-node-1');
  serveStreams({ cluster: 'c1', bus, clock: systemClock }, 'node-1', forward);
});
test.after.always(async () => {
  await api.stop();
  server.closeAllConnections();
  server.close();
});

async function forward(verb: string, open: StreamOpen, stream: BusStream): Promise<void> {
  if (verb === 'page') return tellPage(open, stream);
  if (open.port !== 8080) throw new ApiError('InternalError', `connect ECONNREFUSED 127.0.0.1:${open.port}`);
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  stream.onFrame((frame) => {
    if (frame.type === 'data') return new Promise<void>((resolve) => socket.write(frame.data, () => resolve()));
    if (frame.type === 'end') socket.end();
    return undefined;
  });
  void stream.closed.then(() => {
    socket.destroy();
    ended.push(open.id);
  });
  void (async () => {
    for await (const chunk of socket) await stream.write('stdout', chunk as Buffer);
    stream.exit(0);
  })().catch(() => stream.close());
}

async function tellPage({ path }: StreamOpen, stream: BusStream): Promise<void> {
  const page = { code: path === '/none' ? 404 : 200, contentType: 'text/plain', body: `page ${path}` };
  void stream.write('stdout', Buffer.from(JSON.stringify(page))).then(() => stream.exit(0));
}

test.serial('method, path, query, headers and body reach the pod; its answer comes back', async (t) => {
  const got = await api.http('GET', `${WEB}/a%20b/c?x=1&y=2`, { headers: { 'x-mine': 'kept' } });
  t.deepEqual([got.code, got.text, got.headers['x-own']], [201, 'GET /a%20b/c?x=1&y=2 ', 'yes']);
  const { headers } = asked.at(-1)!;
  t.deepEqual([headers['x-mine'], headers.authorization], ['kept', undefined]);
  t.is(headers['x-forwarded-uri'], `${WEB}/a%20b/c`);
  const posted = await api.http('POST', `${WEB}/form`, { body: { some: 'thing' } });
  t.is(posted.text, 'POST /form {"some":"thing"}');
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    t.is((await api.http(method, `${WEB}/x`)).text, `${method} /x `);
  t.is((await api.http('HEAD', `${WEB}/x`)).code, 201);
});

test.serial('a port is named or the first; a Service leads to who is ready', async (t) => {
  for (const name of ['pods/web', 'pods/http:web:', 'services/web', 'services/web:80', 'services/:web:http'])
    t.is((await api.http('GET', `${DEFAULT}/${name}/proxy/x`)).text, 'GET /x ', name);
});

test.serial('what cannot be reached is told in the words of the real one', async (t) => {
  const told = async (path: string): Promise<string> => {
    const { code, body } = await api.http('GET', `${DEFAULT}/${path}`);
    return `${code} ${body.reason} ${body.message}`;
  };
  t.is(
    await told('pods/web:81/proxy/'),
    '503 ServiceUnavailable error trying to reach service: connect ECONNREFUSED 127.0.0.1:81',
  );
  t.is(await told('services/empty/proxy/'), '503 ServiceUnavailable no endpoints available for service "empty"');
  t.is(await told('services/web:x/proxy/'), '503 ServiceUnavailable no service port "x" found for service "web"');
  t.is(await told('pods/nosuch/proxy/'), '404 NotFound pods "nosuch" not found');
  t.regex(await told('pods/web:x/proxy/'), /^400 BadRequest invalid port "x" of pod web/);
  t.regex(await told('pods/a:b:c:d/proxy/'), /^400 BadRequest invalid proxy request "a:b:c:d"/);
});

test.serial('a page is asked for with a slash, and what it sends its visitors to is below it', async (t) => {
  const bare = await api.http('GET', `${WEB}?a=b`);
  t.deepEqual([bare.code, bare.headers.location], [301, `${WEB}/?a=b`]);
  const moved = await api.http('GET', `${WEB}/moved`);
  t.deepEqual([moved.code, moved.headers.location], [302, `${WEB}/there?x=1`]);
});

test.serial('much comes whole', async (t) => {
  t.is((await api.http('GET', `${WEB}/big`)).bytes.length, 3_000_000);
  const before = ended.length;
  const many = await Promise.all(Array.from({ length: 8 }, (_, i) => api.http('GET', `${WEB}/${i}`)));
  t.deepEqual(
    many.map(({ text }) => text),
    many.map((_, i) => `GET /${i} `),
  );
  await eventually('every connection ends with its answer', () => ended.length >= before + 8);
});

test.serial('a connection that changes its protocol is one connection to the pod', async (t) => {
  const upgraded = async (path: string): Promise<[answer: IncomingMessage, said: string]> => {
    const asking = request({
      host: '127.0.0.1',
      port: api.port,
      path,
      ca: api.caPem,
      agent: false,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        connection: 'Upgrade',
        upgrade: 'echo',
        'sec-websocket-protocol': 'base64url.bearer.authorization.k8s.io.eA, mine',
      },
    });
    asking.end();
    const [answer, socket, head] = (await Promise.race([once(asking, 'upgrade'), once(asking, 'response')])) as [
      IncomingMessage,
      Duplex | undefined,
      Buffer,
    ];
    if (socket === undefined) return [answer, (await answer.toArray()).join('')];
    let said = head.toString();
    socket.on('data', (part: Buffer) => (said += part.toString()));
    socket.write('world');
    await eventually('it comes back', () => said === 'hello world');
    socket.destroy();
    return [answer, said];
  };
  const [answer] = await upgraded(`${DEFAULT}/services/web/proxy/echo?x=1`);
  t.deepEqual([answer.statusCode, answer.headers.upgrade], [101, 'echo']);
  const { url, headers } = asked.at(-1)!;
  t.deepEqual([url, headers['sec-websocket-protocol'], headers.authorization], ['/echo?x=1', 'mine', undefined]);
  const [refused, said] = await upgraded(`${DEFAULT}/pods/web:81/proxy/`);
  t.is(refused.statusCode, 503);
  t.is(JSON.parse(said).message, 'error trying to reach service: connect ECONNREFUSED 127.0.0.1:81');
});

test.serial('the kubelet of a node answers for it', async (t) => {
  const at = (rest: string, method = 'GET'): Promise<HttpAnswer> => api.http(method, `/api/v1/nodes/${rest}`);
  for (const name of ['node-1', 'node-1:10250', 'https:node-1:10250'])
    t.is((await at(`${name}/proxy/stats/summary`)).text, 'page /stats/summary', name);
  t.is((await at('node-1/proxy/none')).code, 404);
  t.deepEqual([(await at('node-1/proxy')).code, (await at('node-1/proxy/pods', 'POST')).code], [301, 405]);
  t.regex((await at('node-1:10249/proxy/x')).body.message, /^error trying to reach service: only the kubelet/);
  t.is((await at('nosuch/proxy/pods')).body.message, 'nodes "nosuch" not found');
  const denied = await api.http('GET', '/api/v1/nodes/node-1/proxy/pods', { token: 'bob-token' });
  t.regex(denied.body.message, /cannot get resource "nodes\/proxy"/);
});
