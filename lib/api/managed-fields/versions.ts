// Decides what a change is in each version in which somebody owns fields: who owns them in another version than the writer's sees
// the change in that one. Never converts by itself.
import { isRecord } from '../../base/records.ts';
import type { TypeName } from '../custom/custom-type.ts';
import type { KubeObject } from '../object.ts';
import { compare, type Difference } from './compare.ts';
import { LEAF, isEmpty, type Fields } from './fields.ts';
import { listElement, mergeRuleOf, ruleWithin, type MergeRule } from './merge-rule.ts';
import { mapFields, type Owners } from './owners.ts';
import { fieldElement } from './path-element.ts';
import { ownableRule } from './subresource.ts';

/** Another version of the kind that is written. */
export interface Version {
  readonly typeName: TypeName;
  /** From the version of the request, and back into it. No argument is changed. */
  to(object: KubeObject): KubeObject;
  back(object: KubeObject): KubeObject;
}

/** By apiVersion; undefined: of nothing that is still known. Throws UnreadableVersion. */
export type Versions = (apiVersion: string) => Version | undefined;

/** A version in which somebody owns fields, and into which nothing can be converted. */
export class UnreadableVersion extends Error {}

interface Place {
  readonly typeName: TypeName;
  readonly apiVersion: string;
  readonly subresource: string;
  /** Absent: all owners are taken to mean the version of the request. */
  readonly versions?: Versions | undefined;
}

/** Of the objects before and after a write. Conversions cost, so that each is made once, and only where somebody asks. */
export class Differences {
  readonly #place: Place;
  readonly #before: KubeObject;
  readonly #after: KubeObject;
  readonly #known = new Map<string, Difference | undefined>();

  constructor(place: Place, before: KubeObject, after: KubeObject, own: Difference) {
    this.#place = place;
    this.#before = before;
    this.#after = after;
    this.#known.set(place.apiVersion, own);
  }

  /** Undefined: nobody knows that version any more. */
  in(apiVersion: string): Difference | undefined {
    const { versions } = this.#place;
    if (versions === undefined) return this.#known.get(this.#place.apiVersion);
    if (!this.#known.has(apiVersion)) this.#known.set(apiVersion, this.#told(versions(apiVersion)));
    return this.#known.get(apiVersion);
  }

  #told(version: Version | undefined): Difference | undefined {
    if (version === undefined) return undefined;
    // Upstream forgets in other versions of a custom resource which fields a write to this part of it leaves alone.
    const isCustom = typeof version.typeName !== 'string';
    const rule = isCustom ? mergeRuleOf(version.typeName) : ownableRule(version.typeName, this.#place.subresource);
    return compare(rule, version.to(this.#before), version.to(this.#after));
  }
}

export function hasOtherVersions(owners: Owners, apiVersion: string): boolean {
  for (const owner of owners.values()) if (owner.apiVersion !== apiVersion) return true;
  return false;
}

/**
 * The schema of a custom resource may have changed since its fields were owned: who owned parts of what is one whole now owns
 * the whole.
 */
export function reconciled(owners: Owners, place: Place, live: KubeObject): Owners {
  if (typeof place.typeName === 'string') return owners;
  return mapFields(owners, ({ apiVersion, fields }) => {
    const version = apiVersion === place.apiVersion ? undefined : place.versions?.(apiVersion);
    if (version === undefined && apiVersion !== place.apiVersion) return fields;
    return whole(mergeRuleOf(version?.typeName ?? place.typeName), fields, version?.to(live) ?? live);
  });
}

function whole(rule: MergeRule, fields: Fields, value: unknown): Fields {
  if (isEmpty(fields) || typeof value !== 'object' || value === null) return fields;
  if (rule.type === 'leaf') return LEAF;
  let out: Record<string, Fields> | undefined;
  for (const [element, below, inner] of parts(rule, value)) {
    const node = fields[element];
    const made = node === undefined ? undefined : whole(below, node, inner);
    if (made !== undefined && made !== node) (out ??= { ...fields })[element] = made;
  }
  return out ?? fields;
}

/** What is in a value that fields may be of: element, rule, value. */
function parts(rule: MergeRule, value: object): Array<readonly [string, MergeRule, unknown]> {
  if (rule.type === 'list' && Array.isArray(value))
    return value.map((item: unknown) => [listElement(rule.keys, item) ?? '', rule.element, item] as const);
  if (!isRecord(value) || (rule.type !== 'struct' && rule.type !== 'map')) return [];
  return Object.keys(value).map((name) => [fieldElement(name), ruleWithin(rule, name), value[name]] as const);
}
