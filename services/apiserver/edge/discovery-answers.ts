// Does: answers discovery and OpenAPI, each document built once. Never lists what is not served.
import { createHash } from 'node:crypto';
import {
  aggregatedDiscovery,
  aggregatedMediaType,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type AggregatedVersion,
} from '../../../lib/api/discovery.ts';
import { openApiIndex, openApiV2, openApiV3, openApiV3Place } from '../../../lib/api/openapi.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import { plainTypeOf, type MediaRange } from '../core/media-type.ts';
import { OBJECTS, requireRepresentation } from '../core/route.ts';
import type { KindTable } from '../core/served-kinds.ts';
import type { Aggregation } from './aggregation/aggregation.ts';
import { yamlBytes } from './answer-form.ts';
import type { Answer, Call } from './call.ts';
import { jsonBytes } from './encode.ts';

const JSON_TYPE = 'application/json';
/** Clients up to kubectl 1.28 ask for this form first and take an empty document for "use v3". */
const PROTOBUF_V2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
/** The same without the @, which no parser of media types takes in a Content-Type. */
const PROTOBUF_V2_ANSWER = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

interface Built {
  bytes: Buffer;
  hash: string;
}

/** Documents of a table of kinds go when it does. */
const DOCUMENTS = new WeakMap<KindTable, Map<string, Built | undefined>>();

function once(table: KindTable, name: string, make: () => unknown): Built | undefined {
  const built = DOCUMENTS.get(table) ?? new Map<string, Built | undefined>();
  DOCUMENTS.set(table, built);
  if (!built.has(name)) {
    const value = make();
    const bytes = value === undefined ? undefined : jsonBytes(value);
    built.set(
      name,
      bytes === undefined ? undefined : { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() },
    );
  }
  return built.get(name);
}

const storageHash = (text: string): string =>
  createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');

export interface Served {
  own: KindTable;
  aggregation: Pick<Aggregation, 'tableWith' | 'openApiPaths' | 'openApiV2' | 'isStale'>;
}

/** Undefined when nothing is there. */
export function discoveryAnswer(
  call: Call,
  { own, aggregation }: Served,
  path: string,
  accepted: readonly MediaRange[],
  address: string,
  version: string,
): Answer | undefined {
  const [root = '', ...rest] = path.split('/').filter((part) => part !== '');
  const table = call.isBus === true ? own : aggregation.tableWith(own);
  if (root === 'openapi') return openapi(call, { own, aggregation }, table, rest, accepted, version);
  const aggregated = aggregatedVersion(accepted);
  const isStale = (group: string, v: string): boolean => aggregation.isStale(group, v);
  const isRoot = rest.length === 0 && (root === 'api' || root === 'apis');
  if (isRoot && aggregated !== undefined)
    return document(
      once(table, `${root} ${aggregated}`, () => aggregatedDiscovery(table.kinds, `/${root}`, aggregated, isStale)),
      aggregatedMediaType(aggregated),
    );
  const found = plainDiscovery(table, path, root, rest, address);
  if (found === undefined) return undefined;
  // Upstream's router looks first, where one is: the groups are told by a handler of their own.
  if (root === 'api' || rest.length === 2) requireRepresentation(call.accept, OBJECTS);
  return plainTypeOf(call.accept) === JSON_TYPE ? document(found, JSON_TYPE) : inYaml(found);
}

function plainDiscovery(
  table: KindTable,
  path: string,
  root: string,
  rest: readonly string[],
  address: string,
): Built | undefined {
  if (rest.length === 0 && (root === 'api' || root === 'apis'))
    return once(table, root, () => (root === 'api' ? apiVersions(address) : apiGroupList(table.kinds)));
  if (root === 'api' && rest.length === 1)
    return once(table, path, () => apiResourceList(table.kinds, '', rest[0]!, storageHash));
  if (root !== 'apis') return undefined;
  const [group = '', groupVersion] = rest;
  if (rest.length === 1) return once(table, path, () => apiGroup(table.kinds, group));
  if (rest.length === 2)
    return once(table, path, () => apiResourceList(table.kinds, group, groupVersion!, storageHash));
  return undefined;
}

function aggregatedVersion(accepted: readonly MediaRange[]): AggregatedVersion | undefined {
  for (const { type, parameters } of accepted) {
    if (type !== JSON_TYPE) continue;
    if (parameters['as'] === undefined) return undefined;
    const { g, v, as } = parameters;
    if (g === 'apidiscovery.k8s.io' && as === 'APIGroupDiscoveryList' && (v === 'v2' || v === 'v2beta1')) return v;
  }
  return undefined;
}

/** `table` changes when what others serve does: documents are kept by it. */
function openapi(
  call: Call,
  { own, aggregation }: Served,
  table: KindTable,
  rest: readonly string[],
  accepted: readonly MediaRange[],
  version: string,
): Answer | undefined {
  if (rest[0] === 'v2') return rest.length > 1 ? undefined : openapiV2(own, table, aggregation, accepted, version);
  if (rest[0] !== 'v3') return undefined;
  const path = rest.slice(1).join('/');
  if (path === '')
    return document(
      once(table, 'v3', () =>
        openApiIndex(own.kinds, (path) => v3(own, path, version)!.hash, aggregation.openApiPaths),
      ),
      JSON_TYPE,
    );
  const found = v3(own, path, version);
  if (found !== undefined && !takesJson(accepted)) return notAcceptable();
  return document(found, JSON_TYPE, cacheHeaders(call, found));
}

/** Documents of a group and version, by the first of its kinds: they outlive a table that changed elsewhere. */
const V3_DOCUMENTS = new WeakMap<Kind, { kinds: readonly Kind[]; built: Built | undefined }>();

function v3(table: KindTable, path: string, version: string): Built | undefined {
  const [root, ...place] = path.split('/');
  const [group = '', groupVersion] = root === 'api' ? ['', place[0]] : root === 'apis' ? place : [];
  return groupVersion === undefined
    ? once(table, `v3 ${path}`, () => openApiV3Place(table.kinds, path, version))
    : v3OfVersion(table, group, groupVersion, version);
}

function v3OfVersion(table: KindTable, group: string, groupVersion: string, version: string): Built | undefined {
  const kinds = table.kinds.filter(({ ref }) => ref.group === group && ref.version === groupVersion);
  const first = kinds[0];
  if (first === undefined) return undefined;
  const known = V3_DOCUMENTS.get(first);
  if (known !== undefined && known.kinds.length === kinds.length && kinds.every((kind, i) => kind === known.kinds[i]))
    return known.built;
  const built = once(table, `v3 ${group}/${groupVersion}`, () => openApiV3(table.kinds, group, groupVersion, version));
  V3_DOCUMENTS.set(first, { kinds, built });
  return built;
}

function openapiV2(
  own: KindTable,
  table: KindTable,
  aggregation: Served['aggregation'],
  accepted: readonly MediaRange[],
  version: string,
): Answer | undefined {
  if (!takesJson(accepted)) return notAcceptable();
  if (accepted[0]?.type === PROTOBUF_V2) return bytes(new Uint8Array(), PROTOBUF_V2_ANSWER, {});
  return document(
    once(table, 'v2', () => openApiV2(own.kinds, version, aggregation.openApiV2)),
    JSON_TYPE,
  );
}

const OPENAPI_TYPE = /^(?:application\/(?:json|\*|com\.github\.proto-openapi\..*)|\*\/\*)$/;

/** Who asks for it as protobuf takes JSON as well. */
const takesJson = (accepted: readonly MediaRange[]): boolean =>
  accepted.length === 0 || accepted.some(({ type }) => OPENAPI_TYPE.test(type));

/** Without a word, as upstream. */
const notAcceptable = (): Answer => ({
  type: 'bytes',
  code: 406,
  contentType: 'text/plain; charset=utf-8',
  bytes: new Uint8Array(),
  headers: { vary: 'Accept' },
});

const inYaml = ({ bytes: json }: Built): Answer =>
  bytes(yamlBytes(JSON.parse(json.toString())), 'application/yaml', { vary: 'Accept' });

/** A document that is asked for by its hash never changes: without these, kubectl loads a megabyte on each apply. */
function cacheHeaders(call: Call, found: Built | undefined): Record<string, string> {
  if (found === undefined || call.query.get('hash') !== found.hash) return {};
  return { 'cache-control': 'public, immutable', expires: 'Fri, 31 Dec 2100 23:59:59 GMT' };
}

function document(
  found: Built | undefined,
  contentType: string,
  headers: Record<string, string> = {},
): Answer | undefined {
  if (found === undefined) return undefined;
  return bytes(found.bytes, contentType, { vary: 'Accept', etag: `"${found.hash}"`, ...headers });
}

function bytes(content: Uint8Array, contentType: string, headers: Record<string, string>): Answer {
  return { type: 'bytes', code: 200, contentType, bytes: content, headers };
}
