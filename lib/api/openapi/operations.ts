// Decides which operations there are on a kind, its collections and its parts: path, method, name, parameters, body, answers.
// Never writes them in a dialect (dialects.ts does), and never says what an object looks like.
import type { Kind, Subresource } from '../kind.ts';
import { DELETE, DELETE_COLLECTION, LIST, OF_SUBRESOURCE, PATCH, WRITE } from './parameters.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** One operation, before it is written. `answers` and `body` name schemas; undefined is a text. */
export interface Operation {
  readonly path: string;
  readonly method: Method;
  readonly id: string;
  readonly description: string;
  readonly tag: string;
  readonly action?: string;
  readonly about?: GroupVersionKind;
  readonly parameters: readonly string[];
  readonly inPath: readonly string[];
  readonly body?: { readonly schema: string; readonly required: boolean; readonly types: readonly string[] };
  readonly answers: Readonly<Record<string, string | undefined>>;
  readonly produces: readonly string[];
  /** Of what has no body; absent: of the body. */
  readonly consumes?: readonly string[];
}

/** Schemas of a kind, by what an operation needs. */
export interface SchemaNames {
  /** Of the kind itself, or of the kind of a subresource. */
  of(subresource?: Subresource): string;
  readonly list: string;
  readonly status: string;
  readonly patch: string;
  readonly deleteOptions: string;
  readonly watchEvent: string;
  /** Built-in kinds alone say how their lists merge. */
  readonly hasStrategicMerge: boolean;
}

export const OBJECT_TYPES = ['application/json', 'application/yaml'];
const WATCH_TYPES = [...OBJECT_TYPES, 'application/json;stream=watch'];
const ANY = ['*/*'];
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io` → `RbacAuthorization`; the group without a name is the core. */
export function groupWords(group: string): string {
  const parts = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.');
  return parts.map(capital).join('');
}

/** `rbacAuthorization_v1`. */
export function tagOf(group: string, version?: string): string {
  const words = groupWords(group);
  const name = words.slice(0, 1).toLowerCase() + words.slice(1);
  return version === undefined ? name : `${name}_${version}`;
}

const article = (kind: string): string => (/^[aeiou]/i.test(kind) ? 'an' : 'a');

interface Place {
  readonly kind: Kind;
  readonly names: SchemaNames;
  readonly root: string;
  /** `CoreV1`. */
  readonly words: string;
  readonly tag: string;
}

/** All operations of a kind. */
export function operationsOf(kind: Kind, names: SchemaNames): Operation[] {
  const { group, version } = kind.ref;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = { kind, names, root, words: `${groupWords(group)}${capital(version)}`, tag: tagOf(group, version) };
  return [
    ...ofCollections(place),
    ...ofItems(place),
    ...Object.entries(kind.subresources).flatMap(([name, subresource]) => ofSubresource(place, name, subresource)),
  ];
}

const scoped = ({ kind }: Place): string => (kind.ref.namespaced ? 'Namespaced' : '');
const scopePath = ({ kind }: Place): string => (kind.ref.namespaced ? '/namespaces/{namespace}' : '');
const scopeNames = ({ kind }: Place): string[] => (kind.ref.namespaced ? ['namespace'] : []);

function begin(
  place: Place,
  action: string,
  kind: Subresource | undefined,
): Pick<Operation, 'tag' | 'action' | 'about'> {
  const { ref } = place.kind;
  const about = {
    group: kind?.group ?? ref.group,
    kind: kind?.kind ?? ref.kind,
    version: kind?.version ?? ref.version,
  };
  return { tag: place.tag, action, about };
}

function ofCollections(place: Place): Operation[] {
  const { kind, names, root, words } = place;
  const { kind: name, resource } = kind.ref;
  const path = `${root}${scopePath(place)}/${resource}`;
  const inPath = scopeNames(place);
  const has = (verb: string): boolean => kind.verbs.includes(verb);
  const out: Operation[] = [];
  if (has('list')) out.push(...lists(place));
  if (has('create'))
    out.push({
      ...begin(place, 'post', undefined),
      path,
      method: 'post',
      id: `create${words}${scoped(place)}${name}`,
      description: `create ${article(name)} ${name}`,
      parameters: ['pretty', ...WRITE],
      inPath,
      body: { schema: names.of(), required: true, types: ANY },
      answers: { '200': names.of(), '201': names.of(), '202': names.of() },
      produces: OBJECT_TYPES,
    });
  if (has('deletecollection'))
    out.push({
      ...begin(place, 'deletecollection', undefined),
      path,
      method: 'delete',
      id: `delete${words}Collection${scoped(place)}${name}`,
      description: `delete collection of ${name}`,
      parameters: ['pretty', ...DELETE_COLLECTION],
      inPath,
      body: { schema: names.deleteOptions, required: false, types: ANY },
      answers: { '200': names.status },
      produces: OBJECT_TYPES,
    });
  return out;
}

/** Lists and the older form of watches, in a namespace and over all. */
function lists(place: Place): Operation[] {
  const { kind, names, root, words } = place;
  const { kind: name, resource } = kind.ref;
  const watches = kind.verbs.includes('watch');
  const common = { method: 'get' as const, parameters: ['pretty', ...LIST], produces: WATCH_TYPES };
  const list = (path: string, inPath: string[], id: string): Operation => ({
    ...begin(place, 'list', undefined),
    ...common,
    path,
    inPath,
    id: `list${words}${id}`,
    description: watches ? `list or watch objects of kind ${name}` : `list objects of kind ${name}`,
    answers: { '200': names.list },
  });
  const watch = (path: string, inPath: string[], id: string): Operation => ({
    ...begin(place, 'watchlist', undefined),
    ...common,
    path,
    inPath,
    id: `watch${words}${id}`,
    description: `watch individual changes to a list of ${name}. deprecated: use the 'watch' parameter with a list operation instead.`,
    answers: { '200': names.watchEvent },
  });
  const here = `${scopePath(place)}/${resource}`;
  const inPath = scopeNames(place);
  const out = [list(`${root}${here}`, inPath, `${scoped(place)}${name}`)];
  if (watches) out.push(watch(`${root}/watch${here}`, inPath, `${scoped(place)}${name}List`));
  if (watches)
    out.push({
      ...begin(place, 'watch', undefined),
      ...common,
      path: `${root}/watch${here}/{name}`,
      inPath: [...inPath, 'name'],
      id: `watch${words}${scoped(place)}${name}`,
      description: `watch changes to an object of kind ${name}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`,
      answers: { '200': names.watchEvent },
    });
  if (kind.ref.namespaced) {
    out.push(list(`${root}/${resource}`, [], `${name}ForAllNamespaces`));
    if (watches) out.push(watch(`${root}/watch/${resource}`, [], `${name}ListForAllNamespaces`));
  }
  return out;
}

function ofItems(place: Place): Operation[] {
  const { kind, names } = place;
  const at = item(place, '', undefined);
  const has = (verb: string): boolean => kind.verbs.includes(verb);
  const out = readsAndWrites(at, kind.verbs, names);
  if (!has('delete')) return out;
  const answer = kind.returnsDeletedObject ? names.of() : names.status;
  return [
    ...out,
    {
      ...at.begin('delete'),
      method: 'delete',
      id: `delete${at.words}`,
      description: `delete ${article(kind.ref.kind)} ${kind.ref.kind}`,
      parameters: ['pretty', ...DELETE],
      body: { schema: names.deleteOptions, required: false, types: ANY },
      answers: { '200': answer, '202': answer },
      produces: OBJECT_TYPES,
    },
  ];
}

interface Item {
  readonly begin: (action: string) => Pick<Operation, 'tag' | 'action' | 'about' | 'path' | 'inPath'>;
  /** What follows the verb in the id: `CoreV1NamespacedPodStatus`. */
  readonly words: string;
  /** `status of the specified Pod`. */
  readonly told: string;
  /** Named only where it is spoken of: options of streams are no part of a document. */
  readonly schema: () => string;
}

function item(place: Place, subresource: string, facts: Subresource | undefined): Item {
  const { kind, names, root, words } = place;
  const path = `${root}${scopePath(place)}/${kind.ref.resource}/{name}${subresource === '' ? '' : `/${subresource}`}`;
  return {
    begin: (action) => ({ ...begin(place, action, facts), path, inPath: [...scopeNames(place), 'name'] }),
    words: `${words}${scoped(place)}${kind.ref.kind}${capital(subresource)}`,
    told: `${subresource === '' ? '' : `${subresource} of `}the specified ${kind.ref.kind}`,
    schema: () => names.of(facts),
  };
}

function readsAndWrites(at: Item, verbs: readonly string[], names: SchemaNames): Operation[] {
  const out: Operation[] = [];
  const produces = OBJECT_TYPES;
  if (verbs.includes('get'))
    out.push({
      ...at.begin('get'),
      method: 'get',
      id: `read${at.words}`,
      description: `read ${at.told}`,
      parameters: ['pretty'],
      answers: { '200': at.schema() },
      produces,
    });
  if (verbs.includes('update'))
    out.push({
      ...at.begin('put'),
      method: 'put',
      id: `replace${at.words}`,
      description: `replace ${at.told}`,
      parameters: ['pretty', ...WRITE],
      body: { schema: at.schema(), required: true, types: ANY },
      answers: { '200': at.schema(), '201': at.schema() },
      produces,
    });
  if (verbs.includes('patch'))
    out.push({
      ...at.begin('patch'),
      method: 'patch',
      id: `patch${at.words}`,
      description: `partially update ${at.told}`,
      parameters: ['pretty', ...PATCH],
      body: {
        schema: names.patch,
        required: true,
        types: PATCH_TYPES.filter((type) => names.hasStrategicMerge || !type.includes('strategic')),
      },
      answers: { '200': at.schema(), '201': at.schema() },
      produces,
    });
  return out;
}

const METHODS: Readonly<Record<string, readonly Method[]>> = {
  get: ['get'],
  create: ['post'],
  delete: ['delete'],
  patch: ['patch'],
  update: ['put'],
};

function ofSubresource(place: Place, name: string, subresource: Subresource): Operation[] {
  const at = item(place, name, subresource);
  const { kind } = place;
  if (name === 'log')
    return [
      {
        ...at.begin('get'),
        about: { group: kind.ref.group, kind: kind.ref.kind, version: kind.ref.version },
        method: 'get',
        id: `read${at.words}`,
        description: `read ${at.told}`,
        parameters: OF_SUBRESOURCE['log']!,
        answers: { '200': undefined },
        produces: ['text/plain', ...OBJECT_TYPES],
      },
    ];
  if (OF_SUBRESOURCE[name] !== undefined) return connections(place, at, name, subresource);
  const out = readsAndWrites(at, subresource.verbs, place.names);
  if (!subresource.verbs.includes('create')) return out;
  return [
    ...out,
    {
      ...at.begin('post'),
      method: 'post',
      id: `create${at.words}`,
      description: `create ${name} of ${article(kind.ref.kind)} ${kind.ref.kind}`,
      parameters: ['pretty', ...WRITE],
      body: { schema: at.schema(), required: true, types: ANY },
      answers: { '200': at.schema(), '201': at.schema(), '202': at.schema() },
      produces: OBJECT_TYPES,
    },
  ];
}

/** Streams and proxies: whatever is answered comes from elsewhere. */
function connections(place: Place, at: Item, name: string, subresource: Subresource): Operation[] {
  const methods = subresource.verbs.flatMap((verb) => METHODS[verb] ?? []);
  const all: Method[] = name === 'proxy' ? [...methods, 'head', 'options'] : methods;
  const kind = place.kind.ref.kind;
  const one = (method: Method, withPath: boolean): Operation => {
    const start = at.begin('connect');
    return {
      ...start,
      path: withPath ? `${start.path}/{path}` : start.path,
      inPath: withPath ? [...start.inPath, 'wholePath'] : start.inPath,
      method,
      id: `connect${place.words}${capital(method)}${scoped(place)}${kind}${capital(name)}${withPath ? 'WithPath' : ''}`,
      description: `connect ${method.toUpperCase()} requests to ${name} of ${kind}`,
      parameters: OF_SUBRESOURCE[name]!,
      answers: { '200': undefined },
      produces: ANY,
    };
  };
  const plain = all.map((method) => one(method, false));
  return name === 'proxy' ? [...plain, ...all.map((method) => one(method, true))] : plain;
}
