// Requests for Tables and bare metadata in every form in which they can be asked for, and for rows of custom resources.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';
import { inState, listed, rowsOf, TABLE, type State } from '../rows.ts';

const NS = '/api/v1/namespaces/forms';
const MAPS = `${NS}/configmaps`;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PARTIALS = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const KUBECTL =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

const as = (name: string, accept: string, p = `${MAPS}/one`, more: Partial<Case> = {}): Case => ({
  name,
  p,
  h: { accept },
  ...more,
});
const map = (name: string): State => ({ metadata: { name }, data: { a: '1' } });

const FORMS: Case[] = [
  as('one', TABLE),
  as('one as kubectl asks', KUBECTL),
  as('one of v1beta1', 'application/json;as=Table;v=v1beta1;g=meta.k8s.io'),
  as('one of a version that is none', 'application/json;as=Table;v=v2;g=meta.k8s.io'),
  as('one of a version that is none, or as it is', 'application/json;as=Table;v=v2;g=meta.k8s.io,application/json'),
  as('one of no version', 'application/json;as=Table;g=meta.k8s.io'),
  as('one of no group', 'application/json;as=Table;v=v1'),
  as('one of a group that is none', 'application/json;as=Table;v=v1;g=example.com'),
  as('one as what is none', 'application/json;as=Rows;v=v1;g=meta.k8s.io'),
  as('one in small letters', 'application/json;as=table;v=v1;g=meta.k8s.io'),
  as('one of a charset', 'application/json;as=Table;v=v1;g=meta.k8s.io;charset=utf-8'),
  as('one in YAML', 'application/yaml;as=Table;v=v1;g=meta.k8s.io'),
  as('one of anything', '*/*;as=Table;v=v1;g=meta.k8s.io'),
  as('one, liked less', 'application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5,application/json;q=0.9'),
  as('one of a group that an object has', 'application/json;g=meta.k8s.io;v=v1'),
  as('one pretty', TABLE, `${MAPS}/one?pretty=true`),
  as('all pretty', TABLE, `${MAPS}?pretty=true&labelSelector=of-rows&includeObject=None`),
  as('one with nothing', TABLE, `${MAPS}/one?includeObject=None`),
  as('one with its metadata', TABLE, `${MAPS}/one?includeObject=Metadata`),
  as('one with all', TABLE, `${MAPS}/one?includeObject=Object`),
  as('one with something', TABLE, `${MAPS}/one?includeObject=Something`),
  as(
    'one of v1beta1 with its metadata',
    'application/json;as=Table;v=v1beta1;g=meta.k8s.io',
    `${MAPS}/one?includeObject=Metadata`,
  ),
  as('all', TABLE, `${MAPS}?labelSelector=of-rows`),
  as('all with nothing', TABLE, `${MAPS}?labelSelector=of-rows&includeObject=None`),
  as('all with all', TABLE, `${MAPS}?labelSelector=of-rows&includeObject=Object`),
  as('none', TABLE, `${MAPS}?labelSelector=of-nothing`),
  as('a page', TABLE, `${MAPS}?labelSelector=of-rows&limit=1&includeObject=None`),
  as('as YAML', 'application/yaml;as=Table;v=v1;g=meta.k8s.io', `${MAPS}?labelSelector=of-rows&includeObject=None`),
  as('metadata of one', PARTIAL),
  as('metadata of one as a list', PARTIALS),
  as('metadata of one in YAML', 'application/yaml;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'),
  as('metadata of one of v1beta1', 'application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io'),
  as('metadata of one of v1alpha1', 'application/json;as=PartialObjectMetadata;v=v1alpha1;g=meta.k8s.io'),
  as('metadata of all', PARTIALS, `${MAPS}?labelSelector=of-rows`),
  as('metadata of all as one', PARTIAL, `${MAPS}?labelSelector=of-rows`),
  as(
    'metadata of all of v1beta1',
    'application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io',
    `${MAPS}?labelSelector=of-rows`,
  ),
  as('a page of metadata', PARTIALS, `${MAPS}?labelSelector=of-rows&limit=1`),
  as('what is not there', TABLE, `${MAPS}/nobody`),
  as('what is not there, its metadata', PARTIAL, `${MAPS}/nobody`),
  as('of a kind that is none', TABLE, `${NS}/nothings`),
  as('a list of resources', TABLE, '/api/v1'),
];

const MERGE = 'application/merge-patch+json';
const WRITES: Case[] = [
  as('created', TABLE, MAPS, { m: 'POST', b: { metadata: { name: 'made' } } }),
  as('created dry', TABLE, `${MAPS}?dryRun=All`, { m: 'POST', b: { metadata: { name: 'tried' } } }),
  as('created in vain', TABLE, MAPS, { m: 'POST', b: { metadata: { name: 'made' } } }),
  as('created, its metadata', PARTIAL, MAPS, { m: 'POST', b: { metadata: { name: 'made-too' } } }),
  as('updated', TABLE, `${MAPS}/made`, { m: 'PUT', b: { metadata: { name: 'made' }, data: { a: '1' } } }),
  {
    ...as('patched', TABLE, `${MAPS}/made`, { m: 'PATCH', b: { data: { b: '2' } } }),
    h: { accept: TABLE, 'content-type': MERGE },
  },
  {
    ...as('patched, its metadata', PARTIAL, `${MAPS}/made`, { m: 'PATCH', b: { data: { c: '2' } } }),
    h: { accept: PARTIAL, 'content-type': MERGE },
  },
  as('deleted', TABLE, `${MAPS}/made`, { m: 'DELETE' }),
  as('deleted as kubectl asks', KUBECTL, `${MAPS}/made-too`, { m: 'DELETE' }),
  as('deleted, its metadata', PARTIAL, `${MAPS}/two`, { m: 'DELETE' }),
  as('a pod', TABLE, `${NS}/pods`, {
    m: 'POST',
    b: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  }),
  as('its status', TABLE, `${NS}/pods/p/status`),
  as('its log', TABLE, `${NS}/pods/p/log`),
  as('a binding', TABLE, `${NS}/pods/p/binding`, {
    m: 'POST',
    b: { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } },
  }),
  as('an eviction', TABLE, `${NS}/pods/p/eviction`, {
    m: 'POST',
    b: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } },
  }),
  as('a token', TABLE, `${NS}/serviceaccounts/default/token`, { m: 'POST', b: { spec: {} } }),
  as('all deleted', TABLE, `${MAPS}?labelSelector=of-deletion`, { m: 'DELETE' }),
  as('all deleted, their metadata', PARTIALS, `${MAPS}?labelSelector=of-deletion-too`, { m: 'DELETE' }),
];

const watch = (name: string, accept: string, query: string): Case =>
  as(name, accept, `${MAPS}?watch=true&timeoutSeconds=1&labelSelector=of-rows&${query}`);
const WATCHES: Case[] = [
  watch('watched', TABLE, 'resourceVersion=0'),
  watch('watched with nothing', TABLE, 'resourceVersion=0&includeObject=None'),
  watch('watched with all', TABLE, 'resourceVersion=0&includeObject=Object'),
  watch('watched in v1beta1', 'application/json;as=Table;v=v1beta1;g=meta.k8s.io', ''),
  watch('watched as kubectl asks', KUBECTL, ''),
  watch('watched as metadata', PARTIAL, ''),
  watch('watched as a list of metadata', PARTIALS, ''),
  watch('watched as a version that is none', 'application/json;as=Table;v=v2;g=meta.k8s.io', ''),
  watch('watched with something', TABLE, 'includeObject=Something'),
];

interface PrinterColumn {
  name: string;
  type: string;
  jsonPath: string;
  [field: string]: unknown;
}
const FREE = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const definition = (plural: string, additionalPrinterColumns?: readonly PrinterColumn[], more: object = {}): State => ({
  metadata: { name: `${plural}.rows.example.com` },
  spec: {
    group: 'rows.example.com',
    scope: 'Namespaced',
    names: { plural, singular: plural.slice(0, -1), kind: plural[0]!.toUpperCase() + plural.slice(1, -1) },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: FREE, status: FREE } } },
        subresources: { status: {} },
        ...(additionalPrinterColumns === undefined ? {} : { additionalPrinterColumns }),
        ...more,
      },
    ],
  },
});
const column = (name: string, type: string, jsonPath: string, more: object = {}): PrinterColumn => ({
  name,
  type,
  jsonPath,
  ...more,
});

const TYPES = ['string', 'integer', 'number', 'boolean', 'date'] as const;
/** Every value in columns of every type. */
const VALUES: Readonly<Record<string, unknown>> = {
  text: 'some text',
  'empty-text': '',
  number: 12,
  negative: -3,
  'large-number': 1234567890123,
  fraction: 1.5,
  'large-fraction': 1e21,
  'small-fraction': 1e-7,
  'whole-fraction': 3.7,
  yes: true,
  no: false,
  nothing: null,
  list: ['a', 1, { b: '<&>' }],
  'empty-list': [],
  record: { b: 2, a: 'x' },
  time: '2001-02-03T04:05:06Z',
  'time-of-a-zone': '2001-02-03T04:05:06+02:00',
  'time-of-parts': '2001-02-03T04:05:06.789Z',
  'time-to-come': '2901-02-03T04:05:06Z',
  date: '2001-02-03',
  'no-time': 'yesterday',
  'number-as-text': '12',
};
const VALUED: State[] = [
  ...Object.entries(VALUES).map(([name, value]) => ({
    apiVersion: 'rows.example.com/v1',
    kind: 'Value',
    metadata: { name },
    spec: { value },
  })),
  { apiVersion: 'rows.example.com/v1', kind: 'Value', metadata: { name: 'absent' }, spec: {} },
];

const PATHS: Readonly<Record<string, string>> = {
  field: '.spec.name',
  'no-field': '.spec.none',
  'within-a-text': '.spec.name.none',
  deep: '.spec.deep.er.value',
  index: '.spec.list[0].name',
  'last-index': '.spec.list[-1].name',
  'no-index': '.spec.list[9].name',
  slice: '.spec.list[0:2].name',
  step: '.spec.list[0:3:2].name',
  'a-text-as-a-list': '.spec.name[0]',
  all: '.spec.list[*].name',
  'all-fields': '.spec.one.*',
  quoted: ".spec['name']",
  union: ".spec['name','other']",
  indexes: '.spec.list[0,1].name',
  escaped: '.metadata.labels.example\\.com/label',
  'escaped-in-brackets': ".metadata.labels['example\\.com/label']",
  condition: '.status.conditions[?(@.type=="Ready")].status',
  'single-quoted': ".status.conditions[?(@.type=='Ready')].status",
  'not-equal': '.status.conditions[?(@.type!="Ready")].type',
  greater: '.spec.list[?(@.size>1)].name',
  'at-most': '.spec.list[?(@.size<=2)].name',
  exists: '.spec.list[?(@.extra)].name',
  'of-no-condition': '.status.conditions[?(@.type=="Odd")].status',
  'filtered-text': '.spec.name[?(@.a=="b")]',
  recursive: '..deepest',
  whole: '.spec.deep',
  'whole-list': '.spec.list',
  'two-kinds': '.spec.mixed[*]',
  annotation: '.metadata.annotations.note',
  generation: '.metadata.generation',
  created: '.metadata.creationTimestamp',
  kind: '.kind',
  space: '. spec.name',
};
const PATHED: State = {
  apiVersion: 'rows.example.com/v1',
  kind: 'Path',
  metadata: { name: 'plain', labels: { 'example.com/label': 'l' }, annotations: { note: 'n' } },
  spec: {
    name: 'web',
    other: 'else',
    deep: { er: { value: 7, deepest: 'd' } },
    list: [
      { name: 'a', size: 1 },
      { name: 'b', size: 2, extra: null },
      { name: 'c', size: 3, extra: 'x' },
    ],
    one: { only: 'o' },
    mixed: ['1', 2, true],
  },
  status: {
    conditions: [
      { type: 'Synced', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
  },
};

const refused = (name: string, more: object): Case => ({
  name: `a column ${name}`,
  m: 'POST',
  p: `${CRDS}?dryRun=All`,
  b: definition('tries', [{ name: 'A', type: 'string', jsonPath: '.spec.a', ...more }]),
});
const established = (plural: string): Case => ({
  name: `${plural} are served`,
  p: `/apis/rows.example.com/v1/namespaces/forms/${plural}`,
  until: ({ code }) => code === 200,
  isSetup: true,
});
const collection = (plural: string): string => `/apis/rows.example.com/v1/namespaces/forms/${plural}`;
const defined = (plural: string, columns?: readonly PrinterColumn[], more?: object): Case[] => [
  ...inState('definition', CRDS, definition(plural, columns, more)),
  established(plural),
];
const SCALED = { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' }, status: {} };

const CUSTOM: Case[] = [
  ...defined('plains'),
  ...rowsOf('plains', collection('plains'), [
    { apiVersion: 'rows.example.com/v1', kind: 'Plain', metadata: { name: 'a' } },
  ]),
  ...defined(
    'values',
    TYPES.map((type) => column(type, type, '.spec.value')),
  ),
  ...rowsOf('values', collection('values'), VALUED),
  ...defined(
    'paths',
    Object.entries(PATHS).map(([name, path]) => column(name, 'string', path)),
  ),
  ...rowsOf('paths', collection('paths'), [PATHED]),
  ...defined('described', [
    column('Described', 'string', '.spec.a', { description: 'What it is.', priority: 3, format: 'password' }),
    column('Number', 'integer', '.spec.b', { format: 'int32', priority: -1 }),
    column('Age', 'date', '.metadata.creationTimestamp'),
    column('Name', 'string', '.spec.a'),
  ]),
  ...rowsOf('described', collection('described'), [
    { apiVersion: 'rows.example.com/v1', kind: 'Describe', metadata: { name: 'a' }, spec: { a: 'x', b: 1 } },
  ]),
  ...defined('brokens', [
    column('First', 'string', '.spec.a'),
    column('Broken', 'string', '.spec[unclosed'),
    column('Last', 'string', '.spec.a'),
  ]),
  ...rowsOf('brokens', collection('brokens'), [
    { apiVersion: 'rows.example.com/v1', kind: 'Broken', metadata: { name: 'a' }, spec: { a: 'x' } },
  ]),
  ...defined('scaleds', undefined, { subresources: SCALED }),
  ...inState('scaleds', collection('scaleds'), {
    apiVersion: 'rows.example.com/v1',
    kind: 'Scaled',
    metadata: { name: 'a' },
    spec: { replicas: 3 },
    status: { replicas: 2 },
  }),
  ...inState('scaleds', collection('scaleds'), {
    apiVersion: 'rows.example.com/v1',
    kind: 'Scaled',
    metadata: { name: 'none' },
    spec: {},
  }),
  as('scale of a custom resource', TABLE, `${collection('scaleds')}/a/scale`),
  ...inState('scaleds', collection('scaleds'), {
    apiVersion: 'rows.example.com/v1',
    kind: 'Scaled',
    metadata: { name: 'zero' },
    spec: { replicas: 0 },
  }),
  as('scale of a custom resource that says zero', TABLE, `${collection('scaleds')}/zero/scale`),
  as('scale of a custom resource that says none', TABLE, `${collection('scaleds')}/none/scale`),
  as('metadata of a scale', PARTIAL, `${collection('scaleds')}/a/scale`),
  as('status of a custom resource', TABLE, `${collection('scaleds')}/a/status`),
  as('custom resource with its metadata', TABLE, `${collection('scaleds')}/a`),
  as('custom resource with all', TABLE, `${collection('scaleds')}/a?includeObject=Object`),
  as('metadata of a custom resource', PARTIAL, `${collection('scaleds')}/a`),
  as('metadata of custom resources', PARTIALS, collection('scaleds')),
  as('metadata of custom resources as one', PARTIAL, collection('scaleds')),
  as('metadata of a custom resource as a list', PARTIALS, `${collection('scaleds')}/a`),
  {
    ...as('scale of a custom resource, patched', TABLE, `${collection('scaleds')}/a/scale`, {
      m: 'PATCH',
      b: { spec: { replicas: 5 } },
    }),
    h: { accept: TABLE, 'content-type': MERGE },
  },
  as('custom resource deleted', TABLE, `${collection('scaleds')}/a`, { m: 'DELETE' }),
  as('custom resources deleted', TABLE, collection('plains'), { m: 'DELETE' }),
  listed('definitions', CRDS),
  refused('without a name', { name: '' }),
  refused('without a type', { type: '' }),
  refused('of a type that is none', { type: 'text' }),
  refused('of a format that is none', { format: 'foo' }),
  refused('without a path', { jsonPath: '' }),
  refused('of a path that begins elsewhere', { jsonPath: 'spec.a' }),
  refused('of a path that is none', { jsonPath: '.spec[' }),
];

export const cases: readonly Case[] = [
  ...createNamespace('forms'),
  ...inState('maps', MAPS, map('one')),
  ...inState('maps', MAPS, map('two')),
  ...inState('maps', MAPS, { metadata: { name: 'x', labels: { 'of-deletion': '' } } }),
  ...inState('maps', MAPS, { metadata: { name: 'y', labels: { 'of-deletion-too': '' } } }),
  ...FORMS,
  ...WATCHES,
  ...WRITES,
  ...CUSTOM,
];

const YAML_OF_OURS = 'ours folds no long text, and quotes a key that is a dot: the same values';

export const differs: Readonly<Record<string, string>> = {
  'one in YAML': YAML_OF_OURS,
  'as YAML': YAML_OF_OURS,
  'metadata of one in YAML': YAML_OF_OURS,
  'watched as a list of metadata': 'the real server says nothing, and ends',
};
