// Decides how what is no resource reads as operations: the lists of what is served, the version, the keys of tokens. Never
// answers one of them.
import { groupsOf } from '../discovery.ts';
import type { Kind } from '../kind.ts';
import { groupWords, OBJECT_TYPES, tagOf, type Operation } from './operations.ts';
import type { Schemas } from './schemas.ts';

type Make = (schemas: Schemas) => Operation;

const JSON_ONLY = ['application/json'];

const get = (
  path: string,
  own: Pick<Operation, 'id' | 'description' | 'tag' | 'produces' | 'consumes'>,
  schema: string | undefined,
): Operation => ({ ...own, path, method: 'get', parameters: [], inPath: [], answers: { '200': schema } });

const list = (path: string, id: string, description: string, tag: string, type: string): Make => {
  return (schemas) =>
    get(
      path,
      { id, description, tag, produces: OBJECT_TYPES, consumes: OBJECT_TYPES },
      schemas.addDiscovery(`meta.v1.${type}`),
    );
};

/** By the path of their document under /openapi/v3. Groups of CRDs are told by their versions alone. */
export function placesOf(kinds: readonly Kind[]): Map<string, Make> {
  const places = new Map<string, Make>([
    ['api', list('/api/', 'getCoreAPIVersions', 'get available API versions', 'core', 'APIVersions')],
    ['apis', list('/apis/', 'getAPIVersions', 'get available API versions', 'apis', 'APIGroupList')],
    [
      'version',
      (schemas) =>
        get(
          '/version/',
          {
            id: 'getCodeVersion',
            description: 'get the version information for this server',
            tag: 'version',
            produces: JSON_ONLY,
            consumes: JSON_ONLY,
          },
          schemas.addVersion(),
        ),
    ],
    ['.well-known/openid-configuration', () => OPENID_CONFIGURATION],
    ['openid/v1/jwks', () => OPENID_KEYS],
  ]);
  const builtIn = kinds.filter(({ typeName }) => typeof typeName === 'string');
  for (const group of groupsOf(builtIn).keys()) {
    if (group === '') continue;
    const id = `get${groupWords(group)}APIGroup`;
    places.set(`apis/${group}`, list(`/apis/${group}/`, id, 'get information of a group', tagOf(group), 'APIGroup'));
  }
  return places;
}

const OPENID_CONFIGURATION = get(
  '/.well-known/openid-configuration/',
  {
    id: 'getServiceAccountIssuerOpenIDConfiguration',
    description: 'where the keys are by which tokens of service accounts are checked',
    tag: 'WellKnown',
    produces: JSON_ONLY,
  },
  undefined,
);

const OPENID_KEYS = get(
  '/openid/v1/jwks/',
  {
    id: 'getServiceAccountIssuerOpenIDKeyset',
    description: 'the public keys by which tokens of service accounts are checked',
    tag: 'openid',
    produces: ['application/jwk-set+json'],
  },
  undefined,
);

/** The list of a group's resources: where every client begins. */
export function ofGroupVersion(group: string, version: string, schemas: Schemas): Operation {
  const path = group === '' ? `/api/${version}/` : `/apis/${group}/${version}/`;
  const id = `get${groupWords(group)}${version.slice(0, 1).toUpperCase()}${version.slice(1)}APIResources`;
  return list(path, id, 'get available resources', tagOf(group, version), 'APIResourceList')(schemas);
}
