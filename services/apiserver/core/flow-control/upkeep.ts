// Decides what must be written so that flow control's objects are as they should be: the mandatory ones always, the suggested
// ones unless an operator took them over, and whether each FlowSchema leads to a level. Never writes it.
import { isRecord } from '../../../../lib/base/records.ts';
import { equalJson } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { AUTO_UPDATE, bootstrapLevels, bootstrapSchemas, MANDATORY } from './bootstrap.ts';

type Resource = 'flowschemas' | 'prioritylevelconfigurations';

export type Upkeep =
  /** JSON merge patch. */
  | { type: 'patch'; resource: Resource; name: string; patch: object }
  /** One that an earlier version was born with. */
  | { type: 'remove'; resource: Resource; name: string; resourceVersion: string }
  /** To be applied to its status. */
  | { type: 'applyStatus'; resource: 'flowschemas'; name: string; status: object };

export function flowUpkeep(schemas: readonly KubeObject[], levels: readonly KubeObject[], now: string): Upkeep[] {
  return [
    ...restored('prioritylevelconfigurations', levels, bootstrapLevels()),
    ...restored('flowschemas', schemas, bootstrapSchemas()),
    ...danglingUpkeep(schemas, levels, now),
  ];
}

/** Whether each FlowSchema leads to a level. */
export function danglingUpkeep(schemas: readonly KubeObject[], levels: readonly KubeObject[], now: string): Upkeep[] {
  const names = new Set(levels.map(({ metadata }) => metadata.name));
  return schemas.flatMap((schema) => dangling(schema, names, now));
}

function restored(resource: Resource, stored: readonly KubeObject[], born: readonly KubeObject[]): Upkeep[] {
  const wanted = new Map(born.map((object) => [object.metadata.name, object]));
  return stored.flatMap((object): Upkeep[] => {
    const { name, resourceVersion = '' } = object.metadata;
    const own = wanted.get(name);
    if (own === undefined)
      return followsBy(object) === true ? [{ type: 'remove', resource, name, resourceVersion }] : [];
    const follows = MANDATORY.has(name) || (followsBy(object) ?? object.metadata.generation === 1);
    const spec =
      follows && !equalJson(own['spec'], object['spec']) ? replacing(object['spec'], own['spec']) : undefined;
    const isMarked = followsBy(object) === follows;
    if (spec === undefined && isMarked) return [];
    const metadata = { annotations: { [AUTO_UPDATE]: String(follows) } };
    return [
      {
        type: 'patch',
        resource,
        name,
        patch: { ...(isMarked ? {} : { metadata }), ...(spec === undefined ? {} : { spec }) },
      },
    ];
  });
}

/** As Go reads a truth. Undefined: it does not say; then one that nobody changed follows. */
function followsBy({ metadata }: KubeObject): boolean | undefined {
  const said = metadata.annotations?.[AUTO_UPDATE] ?? '';
  return TRUE.test(said) ? true : FALSE.test(said) ? false : undefined;
}

const TRUE = /^(1|t|T|TRUE|true|True)$/;
const FALSE = /^(0|f|F|FALSE|false|False)$/;

/** A merge patch that leaves nothing but `wanted`. */
function replacing(stored: unknown, wanted: unknown): unknown {
  if (!isRecord(stored) || !isRecord(wanted)) return wanted;
  const gone = Object.keys(stored).filter((key) => !(key in wanted));
  return {
    ...Object.fromEntries(Object.entries(wanted).map(([key, value]) => [key, replacing(stored[key], value)])),
    ...Object.fromEntries(gone.map((key) => [key, null])),
  };
}

/** Upstream's condition: a schema that names no level takes no request. */
function dangling(schema: KubeObject, levels: ReadonlySet<string>, now: string): Upkeep[] {
  const level: string = schema['spec']?.priorityLevelConfiguration?.name ?? '';
  const found = levels.has(level);
  const status = found ? 'False' : 'True';
  const known = (schema['status']?.conditions ?? []) as Array<{ type?: string; status?: string; message?: string }>;
  const message = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} ${
    found ? 'and it exists' : 'but there is no such object'
  }`;
  const before = known.find(({ type }) => type === 'Dangling');
  if (before?.status === status && before.message === message) return [];
  const condition = {
    type: 'Dangling',
    status,
    lastTransitionTime: now,
    reason: found ? 'Found' : 'NotFound',
    message,
  };
  return [
    { type: 'applyStatus', resource: 'flowschemas', name: schema.metadata.name, status: { conditions: [condition] } },
  ];
}
