// Shows that a CRD is served as every other kind a moment after it is made, and what its schema, rules, versions, columns and
// parts do to its objects; and that it takes them with it when it goes.
import test, { type ExecutionContext } from 'ava';
import { startApi, type HttpAnswer, type TestApi } from '../kit/api-server.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

const SPEC = {
  type: 'object',
  required: ['size'],
  'x-kubernetes-validations': [
    { rule: 'self.size <= self.most', message: 'size must not be above most' },
    {
      rule: '!has(self.color) || self.color != "blue"',
      messageExpression: '"not " + self.color',
      fieldPath: '.color',
      reason: 'FieldValueForbidden',
    },
  ],
  properties: {
    size: { type: 'integer', minimum: 1 },
    most: { type: 'integer', default: 10 },
    color: { type: 'string', enum: ['red', 'blue'] },
    name: {
      type: 'string',
      pattern: '^[a-z]+$',
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'name stays' }],
    },
    items: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['key'],
      items: { type: 'object', required: ['key'], properties: { key: { type: 'string' }, value: { type: 'integer' } } },
    },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    port: { 'x-kubernetes-int-or-string': true },
  },
};

function definition(change: (crd: any) => void = () => {}): any {
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          selectableFields: [{ jsonPath: '.spec.color' }],
          additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.size',
              statusReplicasPath: '.status.size',
              labelSelectorPath: '.status.selector',
            },
          },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: structuredClone(SPEC),
                status: { type: 'object', properties: { size: { type: 'integer' }, selector: { type: 'string' } } },
              },
            },
          },
        },
        {
          name: 'v1alpha1',
          served: true,
          storage: false,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
  change(crd);
  return crd;
}

async function eventually(t: ExecutionContext, what: string, check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 4800; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  t.fail(`never: ${what}`);
}

async function served(t: ExecutionContext): Promise<TestApi> {
  const api = await startApi();
  t.teardown(() => api.stop());
  t.is((await api.http('POST', CRDS, { body: definition() })).code, 201);
  await eventually(t, 'served', async () => (await api.http('GET', WIDGETS)).code === 200);
  return api;
}

const widget = (name: string, spec: object): object => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
});
const make = (api: TestApi, name: string, spec: object, query = ''): Promise<HttpAnswer> =>
  api.http('POST', `${WIDGETS}${query}`, { body: widget(name, spec) });
const causes = ({ body }: HttpAnswer): string[] =>
  body.details.causes.map((cause: any) => `${cause.field}: ${cause.message}`);

test('an object is pruned, defaulted, printed, selected, scaled; its status is written by itself', async (t) => {
  const api = await served(t);
  const made = await make(api, 'a', { size: 2, junk: 1, free: { any: { thing: [1] } }, color: 'red' });
  t.is(made.code, 201);
  t.deepEqual(made.body.spec, { size: 2, most: 10, free: { any: { thing: [1] } }, color: 'red' });
  t.regex(String(made.headers['warning']), /unknown field \\"spec.junk\\"/);
  t.is((await make(api, 'b', { size: 1, junk: 1 }, '?fieldValidation=Strict')).code, 400);
  const table = await api.http('GET', WIDGETS, { headers: TABLE });
  t.deepEqual(
    table.body.rows.map((row: any) => row.cells),
    [['a', 2]],
  );
  for (const [color, count] of [
    ['red', 1],
    ['blue', 0],
  ] as const)
    t.is((await api.http('GET', `${WIDGETS}?fieldSelector=spec.color%3D${color}`)).body.items.length, count);
  t.is((await api.http('GET', `${WIDGETS}?fieldSelector=spec.size%3D1`)).code, 400);

  const scaled = await api.http('PATCH', `${WIDGETS}/a/scale`, { body: { spec: { replicas: 4 } }, headers: MERGE });
  t.is(scaled.body.spec.replicas, 4);
  const status = { spec: { size: 9 }, status: { size: 3, selector: 'a=b' } };
  const written = await api.http('PATCH', `${WIDGETS}/a/status`, { body: status, headers: MERGE });
  t.is(written.body.spec.size, 4, 'only the status');
  t.is(written.body.metadata.generation, 2, 'a status is no new generation');
  t.deepEqual((await api.http('GET', `${WIDGETS}/a/scale`)).body.status, { replicas: 3, selector: 'a=b' });
});

test('what a schema refuses is told field by field; rules speak only of what fits the schema', async (t) => {
  const api = await served(t);
  const wrong = await make(api, 'a', {
    size: 0,
    color: 'green',
    items: [{ key: 'x', value: 'y' }, { key: 'x' }],
    port: true,
  });
  t.is(wrong.code, 422);
  t.deepEqual(causes(wrong), [
    'spec.color: Unsupported value: "green": supported values: "red", "blue"',
    'spec.items[0].value: Invalid value: "string": spec.items[0].value in body must be of type integer: "string"',
    'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
    'spec.items[1]: Duplicate value: map[string]interface {}{"key":"x"}',
    '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  ]);
  const rules = await make(api, 'a', { size: 11, color: 'blue' });
  t.deepEqual(causes(rules), [
    'spec: Invalid value: "object": size must not be above most',
    'spec.color: Forbidden: not blue',
  ]);
});

test('transition rules look back; what broke a rule before may stay as it is', async (t) => {
  const api = await served(t);
  t.is((await make(api, 'a', { size: 5, name: 'x' })).code, 201);
  const renamed = await api.http('PATCH', `${WIDGETS}/a`, { body: { spec: { name: 'y' } }, headers: MERGE });
  t.deepEqual(causes(renamed), ['spec.name: Invalid value: "string": name stays']);
  const stricter = definition((crd) => {
    crd.metadata.resourceVersion = undefined;
    crd.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.size.maximum = 3;
  });
  const { versions } = stricter.spec;
  t.is(
    (await api.http('PATCH', `${CRDS}/widgets.example.com`, { body: { spec: { versions } }, headers: MERGE })).code,
    200,
  );
  t.is((await make(api, 'b', { size: 5 })).code, 422, 'a new one must fit');
  const body = { spec: { color: 'red' } };
  t.is((await api.http('PATCH', `${WIDGETS}/a`, { body, headers: MERGE })).code, 200, 'an old value may stay');
});

test('versions are one object; discovery and OpenAPI tell of it; strategic merge is not for it, server-side apply is', async (t) => {
  const api = await served(t);
  await make(api, 'a', { size: 2 });
  const other = await api.http('GET', WIDGETS.replace('v1', 'v1alpha1') + '/a');
  t.is(other.body.apiVersion, 'example.com/v1alpha1');
  t.is(other.body.spec.size, 2);
  const groups = await api.http('GET', '/apis/example.com');
  t.deepEqual(
    groups.body.versions.map(({ version }: any) => version),
    ['v1', 'v1alpha1'],
  );
  const document = (await api.http('GET', '/openapi/v3/apis/example.com/v1')).body;
  t.is(document.components.schemas['com.example.v1.Widget'].properties.spec.properties.size.type, 'integer');
  t.truthy((await api.http('GET', '/openapi/v2')).body.definitions['com.example.v1.Widget']);
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
  t.is((await api.http('PATCH', `${WIDGETS}/a`, { body: {}, headers: strategic })).code, 415);

  const apply = (manager: string, spec: object): Promise<HttpAnswer> =>
    api.http('PATCH', `${WIDGETS}/s?fieldManager=${manager}`, {
      body: widget('s', spec),
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
  t.is((await apply('one', { size: 1, items: [{ key: 'a', value: 1 }], free: { x: 1 } })).code, 201);
  const both = await apply('two', { size: 1, items: [{ key: 'b' }], free: { y: 2 } });
  t.deepEqual(both.body.spec, {
    size: 1,
    most: 10,
    items: [{ key: 'a', value: 1 }, { key: 'b' }],
    free: { x: 1, y: 2 },
  });
  t.is((await apply('two', { size: 2, items: [{ key: 'b' }] })).body.reason, 'Conflict');
});

test('a watch tells of custom objects; a definition that goes takes them along, their finalizers first', async (t) => {
  const api = await served(t);
  await make(api, 'a', { size: 2 });
  await api.http('PATCH', `${WIDGETS}/a`, { body: { metadata: { finalizers: ['example.com/wait'] } }, headers: MERGE });
  await make(api, 'b', { size: 2 });
  const gone = api.watch(`${WIDGETS}?watch=1&resourceVersion=0&timeoutSeconds=20`, 4);
  const deleted = await api.http('DELETE', `${CRDS}/widgets.example.com`);
  t.deepEqual(deleted.body.metadata.finalizers, ['customresourcecleanup.apiextensions.k8s.io']);
  await eventually(t, 'b is gone', async () => (await api.http('GET', `${WIDGETS}/b`)).code === 404);
  t.is((await api.http('GET', `${WIDGETS}/a`)).code, 200, 'a is held');
  t.is((await make(api, 'c', { size: 1 })).code, 405, 'nothing comes any more');
  await api.http('PATCH', `${WIDGETS}/a`, { body: { metadata: { finalizers: null } }, headers: MERGE });
  await eventually(t, 'not served', async () => (await api.http('GET', WIDGETS)).code === 404);
  t.is((await api.http('GET', `${CRDS}/widgets.example.com`)).code, 404);
  t.deepEqual((await gone).map(({ type }) => type).slice(0, 2), ['ADDED', 'ADDED']);
});

test('a definition must be structural, compile, and keep its names to itself', async (t) => {
  const api = await served(t);
  const spec = (crd: any): any => crd.spec.versions[0].schema.openAPIV3Schema.properties.spec;
  const wrong: Array<[(crd: any) => void, RegExp]> = [
    [
      (crd) => void delete spec(crd).properties.size.type,
      /properties\[size\]\.type: Required value: must not be empty for specified object fields/,
    ],
    [(crd) => void (spec(crd).properties.name.pattern = '(?!x)'), /must be a valid regular expression/],
    [(crd) => void (spec(crd)['x-kubernetes-validations'][0].rule = 'self.size <'), /compilation failed/],
    [(crd) => void (spec(crd).properties.most.default = 'x'), /must be of type integer/],
    [(crd) => void (crd.spec.versions[1].storage = true), /must have exactly one version marked as storage version/],
    [(crd) => void (crd.metadata.name = 'others.example.com'), /must be spec.names.plural\+"."\+spec.group/],
  ];
  for (const [change, told] of wrong) {
    const answer = await api.http('POST', CRDS, { body: definition(change) });
    t.is(answer.code, 422);
    t.regex(answer.body.message, told);
  }
  const twin = definition((crd) => {
    crd.metadata.name = 'gadgets.example.com';
    crd.spec.names = { plural: 'gadgets', kind: 'Widget', listKind: 'GadgetList' };
  });
  t.is((await api.http('POST', CRDS, { body: twin })).code, 201);
  const condition = async (): Promise<any> =>
    (await api.http('GET', `${CRDS}/gadgets.example.com`)).body.status.conditions?.find(
      (one: any) => one.type === 'NamesAccepted',
    );
  await eventually(t, 'judged', async () => (await condition()) !== undefined);
  t.like(await condition(), { status: 'False', reason: 'KindConflict' });
  t.is((await api.http('GET', '/apis/example.com/v1/namespaces/default/gadgets')).code, 404);
});
