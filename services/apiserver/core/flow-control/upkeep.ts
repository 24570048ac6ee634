// Decides what must be written so that flow control's objects are as they should be: the mandatory ones always, the suggested
// ones unless an operator took them over, and whether each FlowSchema leads to a level. Never writes it.
import { equalJson } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { AUTO_UPDATE, bootstrapLevels, bootstrapSchemas, MANDATORY } from './bootstrap.ts';

export interface Upkeep {
  resource: 'flowschemas' | 'prioritylevelconfigurations';
  name: string;
  subresource: '' | 'status';
  /** JSON merge patch. */
  patch: object;
}

export function flowUpkeep(schemas: readonly KubeObject[], levels: readonly KubeObject[], now: string): Upkeep[] {
  const names = new Set(levels.map(({ metadata }) => metadata.name));
  return [
    ...restored('prioritylevelconfigurations', levels, bootstrapLevels()),
    ...restored('flowschemas', schemas, bootstrapSchemas()),
    ...schemas.flatMap((schema) => dangling(schema, names, now)),
  ];
}

function restored(resource: Upkeep['resource'], stored: readonly KubeObject[], born: readonly KubeObject[]): Upkeep[] {
  const wanted = new Map(born.map((object) => [object.metadata.name, object]));
  return stored.flatMap((object): Upkeep[] => {
    const { name } = object.metadata;
    const own = wanted.get(name);
    if (own === undefined || equalJson(own['spec'], object['spec'])) return [];
    const follows = object.metadata.annotations?.[AUTO_UPDATE] === 'true';
    if (!follows && !MANDATORY.has(name)) return [];
    return [{ resource, name, subresource: '', patch: { spec: replacing(object['spec'], own['spec']) } }];
  });
}

/** A merge patch that leaves nothing but `wanted`. */
function replacing(stored: unknown, wanted: unknown): unknown {
  if (!isObject(stored) || !isObject(wanted)) return wanted;
  const gone = Object.keys(stored).filter((key) => !(key in wanted));
  return {
    ...Object.fromEntries(Object.entries(wanted).map(([key, value]) => [key, replacing(stored[key], value)])),
    ...Object.fromEntries(gone.map((key) => [key, null])),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Upstream's condition: a schema that names no level takes no request. */
function dangling(schema: KubeObject, levels: ReadonlySet<string>, now: string): Upkeep[] {
  const level: string = schema['spec']?.priorityLevelConfiguration?.name ?? '';
  const found = levels.has(level);
  const status = found ? 'False' : 'True';
  const known = (schema['status']?.conditions ?? []) as Array<{ type?: string; status?: string; message?: string }>;
  const message = found
    ? `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} and it exists`
    : `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} but there is no such object`;
  const before = known.find(({ type }) => type === 'Dangling');
  if (before?.status === status && before.message === message) return [];
  const condition = {
    type: 'Dangling',
    status,
    lastTransitionTime: now,
    reason: found ? 'Found' : 'NotFound',
    message,
  };
  const conditions = [...known.filter(({ type }) => type !== 'Dangling'), condition];
  return [
    { resource: 'flowschemas', name: schema.metadata.name, subresource: 'status', patch: { status: { conditions } } },
  ];
}
