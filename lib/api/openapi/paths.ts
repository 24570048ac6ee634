// Decides how operations are written: OpenAPI v2 with parameters that are shared by name, v3 with all of them in place. Never
// decides which operations there are.
import type { Operation } from './operations.ts';
import { nameInRequest, parameterOf } from './parameters.ts';

export type Json = Record<string, any>;

export interface PathDialect {
  /** The one way in which a parameter is written. */
  parameter(name: string): Json;
  /** What an operation has of its own, parameters apart. */
  parts(operation: Operation): { parameters: Json[]; rest: Json };
}

const UNAUTHORIZED = { '401': { description: 'Unauthorized' } };
const ANSWERS: Readonly<Record<string, string>> = { '200': 'OK', '201': 'Created', '202': 'Accepted' };

function written(name: string, type: (type: string) => Json): Json {
  const { in: where, type: own, description } = parameterOf(name);
  return {
    description,
    in: where,
    name: nameInRequest(name),
    ...(where === 'path' ? { required: true } : {}),
    ...type(own),
  };
}

const V3_PREFIX = '#/components/schemas/';
const V2_PREFIX = '#/definitions/';

function content(types: readonly string[], schema: Json): Json {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

export const v3Paths: PathDialect = {
  parameter: (name) => written(name, (type) => ({ schema: { type, uniqueItems: true } })),
  parts({ body, answers, produces }) {
    const responses = Object.entries(answers).map(([code, schema]) => [
      code,
      {
        description: ANSWERS[code],
        content: content(produces, schema === undefined ? { type: 'string' } : { $ref: V3_PREFIX + schema }),
      },
    ]);
    const request =
      body === undefined
        ? {}
        : {
            requestBody: {
              content: content(body.types, { $ref: V3_PREFIX + body.schema }),
              ...(body.required ? { required: true } : {}),
            },
          };
    return { parameters: [], rest: { ...request, responses: { ...Object.fromEntries(responses), ...UNAUTHORIZED } } };
  },
};

/** Clients look for the first two where they are used, and follow no reference. */
const IN_PLACE = new Set(['dryRun', 'fieldValidation', 'name']);

const v2Parameter = (name: string): Json => written(name, (type) => ({ type, uniqueItems: true }));

export const v2Paths: PathDialect = {
  parameter: (name) => (IN_PLACE.has(name) ? v2Parameter(name) : { $ref: `#/parameters/${name}` }),
  parts({ action, body, answers, produces, consumes }) {
    const responses = Object.entries(answers).map(([code, schema]) => [
      code,
      { description: ANSWERS[code], schema: schema === undefined ? { type: 'string' } : { $ref: V2_PREFIX + schema } },
    ]);
    const parameters =
      body === undefined
        ? []
        : [
            {
              in: 'body',
              name: 'body',
              ...(body.required ? { required: true } : {}),
              schema: { $ref: V2_PREFIX + body.schema },
            },
          ];
    const takes = consumes ?? body?.types ?? (action === undefined ? undefined : ['*/*']);
    const rest = {
      ...(takes === undefined ? {} : { consumes: takes }),
      produces,
      schemes: ['https'],
      responses: { ...Object.fromEntries(responses), ...UNAUTHORIZED },
    };
    return { parameters, rest };
  },
};

/** The `parameters` of a v2 document: all that its paths refer to. */
export function sharedParameters(operations: readonly Operation[]): Json {
  const names = new Set(operations.flatMap(({ parameters, inPath }) => [...parameters, ...inPath]));
  const shared = [...names].filter((name) => !IN_PLACE.has(name)).toSorted();
  return Object.fromEntries(shared.map((name) => [name, v2Parameter(name)]));
}

/** Parameters that all operations of a path take stand there once. */
export function writePaths(operations: readonly Operation[], dialect: PathDialect): Json {
  const byPath = new Map<string, Operation[]>();
  for (const operation of operations) byPath.set(operation.path, [...(byPath.get(operation.path) ?? []), operation]);
  return Object.fromEntries(
    [...byPath].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, own]) => [path, pathItem(own, dialect)]),
  );
}

function pathItem(operations: readonly Operation[], dialect: PathDialect): Json {
  const [first] = operations;
  const common = first!.parameters.filter((name) => operations.every(({ parameters }) => parameters.includes(name)));
  const shared = [...first!.inPath, ...common].toSorted();
  const item: Json = {};
  for (const operation of operations) {
    const { parameters, rest } = dialect.parts(operation);
    const own = operation.parameters.filter((name) => !common.includes(name)).toSorted();
    const all = [...parameters, ...own.map((name) => dialect.parameter(name))];
    item[operation.method] = {
      description: operation.description,
      operationId: operation.id,
      ...(all.length === 0 ? {} : { parameters: all }),
      ...rest,
      tags: [operation.tag],
      ...(operation.action === undefined ? {} : { 'x-kubernetes-action': operation.action }),
      ...(operation.about === undefined ? {} : { 'x-kubernetes-group-version-kind': operation.about }),
    };
  }
  if (shared.length > 0) item['parameters'] = shared.map((name) => dialect.parameter(name));
  return item;
}
