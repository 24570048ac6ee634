// Shows over real HTTPS that what is made to hurt a decoder gets its Status, changes nothing, and holds nobody else up for long.
import { connect } from 'node:tls';
import test from 'ava';
import { startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';
import { eventually } from '../kit/eventually.ts';

const CM = '/api/v1/namespaces/default/configmaps';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const YAML = { 'content-type': 'application/yaml' };
const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const MERGE = { 'content-type': 'application/merge-patch+json' };
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const BOMB = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefghi'[i]},`.repeat(9)}]`),
].join('\n');
const before = (value: number, bytes: string): Uint8Array =>
  Buffer.concat([Buffer.from([...Buffer.from(bytes), value]), Buffer.from('"}}')]);

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.http('POST', CM, { body: { metadata: { name: 'there' }, data: { a: '1' } } });
});
test.after.always(() => api.stop());

const post = (raw: string | Uint8Array, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  api.http('POST', CM, { raw, headers });
const patch = (body: unknown, headers: Record<string, string>): Promise<HttpAnswer> =>
  api.http('PATCH', `${CM}/there`, { body, headers });

const BAD: Array<[what: string, code: number, ask: () => Promise<HttpAnswer>, message: RegExp]> = [
  ['JSON nested deeply', 400, () => post('{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000)), /exceeded max depth/],
  ['brackets without end', 400, () => post('['.repeat(300_000)), /unexpected end|exceeded max depth|stack/],
  ['YAML nested deeply', 400, () => post('['.repeat(300_000), YAML), /exceeded max depth of 200/],
  ['YAML dashes in one line', 400, () => post('- '.repeat(100_000), YAML), /exceeded max depth of 200/],
  ['YAML with many keys', 400, () => post('a: b\n'.repeat(600_000), YAML), /more than 300000 tokens/],
  ['a YAML alias bomb', 400, () => post(BOMB, YAML), /document contains excessive aliasing/],
  [
    'a key that is a prototype',
    400,
    () => post('{"metadata":{"name":"x","labels":{"__proto__":"y"}}}'),
    /"__proto__" cannot be a key/,
  ],
  [
    'a number that would be kept as another',
    400,
    () => post('{"metadata":{"name":"x","generation":9007199254740993}}'),
    /cannot unmarshal number 9007199254740993: whole numbers beyond/,
  ],
  ['YAML that is no UTF-8', 400, () => post(before(0xff, 'data: {a: '), YAML), /yaml: invalid leading UTF-8 octet/],
  [
    'protobuf that ends early',
    400,
    () => post(Uint8Array.of(0x6b, 0x38, 0x73, 0, 0x0a, 0xff), PROTOBUF),
    /damaged protobuf/,
  ],
  ['protobuf of no kind', 400, () => post(Uint8Array.of(0x6b, 0x38, 0x73, 0), PROTOBUF), /empty body/],
  ['a body over 3 MiB', 413, () => post(Buffer.alloc(3_145_729, 32)), /^Request entity too large: limit is 3145728$/],
  [
    'a patch into a prototype',
    422,
    () => patch([{ op: 'add', path: '/__proto__/polluted', value: 1 }], JSON_PATCH),
    /^the server rejected our request due to an error in our request$/,
  ],
  [
    'a patch with very many operations',
    413,
    () =>
      patch(
        Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })),
        JSON_PATCH,
      ),
    /The allowed maximum operations in a JSON patch is 10000, got 10001/,
  ],
  ['a merge patch that is a list', 400, () => patch([1], MERGE), /error decoding patch/],
  [
    'a directive that is none',
    500,
    () => patch({ data: { $patch: 'explode' } }, STRATEGIC),
    /^unknown patch type: explode/,
  ],
];

test('each gets its Status, and nothing is changed', async (t) => {
  const all = async (): Promise<string[]> =>
    (await api.http('GET', CM)).body.items.map(({ metadata }: any) => `${metadata.name} ${metadata.resourceVersion}`);
  const were = await all();
  for (const [what, code, ask, message] of BAD) {
    const answer = await ask();
    t.is(answer.code, code, `${what}: ${answer.text.slice(0, 200)}`);
    t.is(answer.body?.kind, 'Status', what);
    t.regex(answer.body.message, message, what);
  }
  t.deepEqual(await all(), were);
  t.is(({} as Record<string, unknown>)['polluted'], undefined);
});

/** About 6 units a pair: 10,000,000 may be estimated for a rule, and 1,000,000 spent in one call. */
const TWICE = 'self.all(a, self.all(b, a + b < 1000000))';
const THRICE = 'self.all(a, self.all(b, self.all(c, a + b + c < 1000000)))';

test('patterns and rules of a definition that would go on for ever are stopped', async (t) => {
  const spec = {
    type: 'object',
    properties: {
      text: { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' },
      list: {
        type: 'array',
        items: { type: 'integer' },
        maxItems: 900,
        'x-kubernetes-validations': [{ rule: THRICE }],
      },
    },
  };
  const definition = {
    metadata: { name: 'traps.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'traps', kind: 'Trap' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  };
  const tooDear = await api.http('POST', CRDS, { body: definition });
  t.is(tooDear.code, 422);
  t.regex(tooDear.body.message, /estimated rule cost exceeds budget by factor of more than 100x/);
  // What may cost more in a call than is given to one is taken, and stopped when it does.
  spec.properties.list['x-kubernetes-validations'] = [{ rule: TWICE }];
  const taken = await api.http('POST', CRDS, { body: definition });
  t.is(taken.code, 201, taken.body.message);
  const traps = '/apis/example.com/v1/traps';
  await eventually('served', async () => (await api.http('GET', traps)).code === 200);
  const make = (own: object): Promise<HttpAnswer> =>
    api.http('POST', traps, {
      body: { apiVersion: 'example.com/v1', kind: 'Trap', metadata: { name: 'a' }, spec: own },
    });
  const text = await make({ text: 'a'.repeat(20_000) });
  t.is(text.code, 422);
  t.regex(text.body.message, /spec.text in body should match/);
  const list = await make({ list: Array.from({ length: 900 }, (_, i) => i) });
  t.is(list.code, 422);
  t.regex(list.body.message, /spec.list: Invalid value: "array": .*cost limit exceeded/);
  t.is((await make({ list: [1, 2, 3], text: 'abcDef' })).code, 201);
});

/** What comes back for these bytes until the connection ends. */
const asked = async (bytes: string): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port: api.port, ca: api.caPem });
  socket.on('error', () => {});
  socket.write(bytes);
  let text = '';
  for await (const part of socket) text += String(part);
  return text;
};

test('a first line over HTTP/1.1 is as long as a command may be; what is no request is told so', async (t) => {
  const get = (bytes: number): string =>
    `GET /version?${'x'.repeat(bytes)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  for (const bytes of [20_000, 1_000_000]) t.regex(await asked(get(bytes)), /^HTTP\/1\.1 200 OK\r\n/);
  const refusal = (status: string): string =>
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`;
  t.is(await asked(get(1_100_000)), refusal('431 Request Header Fields Too Large'));
  t.is(await asked('NONSENSE\r\n\r\n'), refusal('400 Bad Request'));
});
