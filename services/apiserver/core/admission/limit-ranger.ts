// Decides which requests and limits a container gets where its namespace has a LimitRange, and whether what a pod or a claim
// asks for is within its bounds. Never changes what a pod says itself.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { compareQuantities, quantityOf } from '../../../../lib/api/quantity.ts';
import { podResources, type Amounts } from '../../../../lib/api/quota.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { isMirror, isPodWrite } from './pods.ts';

const LIMIT_RANGES = 'core/limitranges';
const ANNOTATION = 'kubernetes.io/limit-ranger';

interface Item {
  type: string;
  min?: Amounts;
  max?: Amounts;
  default?: Amounts;
  defaultRequest?: Amounts;
  maxLimitRequestRatio?: Amounts;
}

function itemsOf(request: WriteRequest, object: KubeObject): Item[] {
  const ranges = [...request.view.list(LIMIT_RANGES, object.metadata.namespace ?? '')];
  return ranges.flatMap((range) => (range.object['spec']?.limits ?? []) as Item[]);
}

/** A pod that is resized must be within bounds as a new one must. */
const isBounded = (request: WriteRequest, object: KubeObject, old: KubeObject | undefined): boolean =>
  isNewPod(request, object, old) || (isPodWrite(request) && request.info.subresource === 'resize' && !isMirror(object));

const isNewPod = (request: WriteRequest, object: KubeObject, old: KubeObject | undefined): boolean =>
  isPodWrite(request) && old === undefined && !isMirror(object);

export function limitDefaults(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  if (!isNewPod(request, object, old)) return;
  const told: string[] = [];
  for (const item of itemsOf(request, object).filter(({ type }) => type === 'Container'))
    for (const [word, list] of [
      ['container', object['spec']?.containers],
      ['init container', object['spec']?.initContainers],
    ] as const)
      for (const container of list ?? []) told.push(...fillIn(container, item, word));
  if (told.length > 0)
    object.metadata.annotations = {
      ...object.metadata.annotations,
      [ANNOTATION]: `LimitRanger plugin set: ${told.join('; ')}`,
    };
}

/** Returns what was set, in upstream's words. */
function fillIn(container: any, item: Item, word: string): string[] {
  const resources = (container.resources ??= {});
  const set = (side: 'requests' | 'limits', amounts: Amounts = {}): string[] => {
    const missing = Object.keys(amounts).filter((name) => resources[side]?.[name] === undefined);
    if (missing.length === 0) return [];
    resources[side] = { ...resources[side], ...Object.fromEntries(missing.map((name) => [name, amounts[name]])) };
    return [`${missing.toSorted().join(', ')} ${side.slice(0, -1)} for ${word} ${container.name}`];
  };
  const own = { ...resources.limits };
  // Who states a limit and no request means the limit.
  const requests = Object.fromEntries(
    Object.entries(item.defaultRequest ?? {}).map(([name, value]) => [name, own[name] ?? value]),
  );
  return [...set('requests', requests), ...set('limits', item.default)];
}

export function limitBounds(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const { group, resource } = request.kind.ref;
  const isClaim = group === '' && resource === 'persistentvolumeclaims' && request.info.subresource === '';
  if (!isClaim && !isBounded(request, object, old)) return;
  const all = itemsOf(request, object).flatMap((item) => (isClaim ? ofClaim(item, object) : ofPod(item, object)));
  const problems = [...new Set(all)];
  if (problems.length === 0) return;
  const why = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
  throw forbiddenBy(request.kind, object.metadata.name, why);
}

function ofClaim(item: Item, { spec }: KubeObject): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  return bounds(item, spec.resources?.requests ?? {}, spec.resources?.requests ?? {});
}

function ofPod(item: Item, { spec }: KubeObject): string[] {
  if (item.type === 'Pod') return bounds(item, podResources(spec, 'requests'), podResources(spec, 'limits'));
  if (item.type !== 'Container') return [];
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources = {} }: any) =>
    bounds(item, resources.requests ?? {}, resources.limits ?? {}),
  );
}

function bounds(item: Item, requests: Amounts, limits: Amounts): string[] {
  const problems: string[] = [];
  const isClaim = item.type === 'PersistentVolumeClaim';
  for (const [name, least] of Object.entries(item.min ?? {})) {
    const told = `minimum ${name} usage per ${item.type} is ${least}`;
    if (requests[name] === undefined) problems.push(`${told}.  No request is specified`);
    else if (compareQuantities(requests[name], least) < 0) problems.push(`${told}, but request is ${requests[name]}`);
    else if (!isClaim && limits[name] !== undefined && compareQuantities(limits[name], least) < 0)
      problems.push(`${told}, but limit is ${limits[name]}`);
  }
  for (const [name, most] of Object.entries(item.max ?? {})) {
    const told = `maximum ${name} usage per ${item.type} is ${most}`;
    if (!isClaim && limits[name] === undefined) problems.push(`${told}.  No limit is specified`);
    else if (!isClaim && compareQuantities(limits[name]!, most) > 0)
      problems.push(`${told}, but limit is ${limits[name]}`);
    else if (requests[name] !== undefined && compareQuantities(requests[name], most) > 0)
      problems.push(`${told}, but request is ${requests[name]}`);
  }
  return [...problems, ...ratios(item, requests, limits)];
}

function ratios(item: Item, requests: Amounts, limits: Amounts): string[] {
  return Object.entries(item.maxLimitRequestRatio ?? {}).flatMap(([name, most]) => {
    const told = `${name} max limit to request ratio per ${item.type} is ${most}`;
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined || quantityOf(request).nanos === 0n)
      return [`${told}, but no request is specified or request is 0`];
    if (limit === undefined || quantityOf(limit).nanos === 0n)
      return [`${told}, but no limit is specified or limit is 0`];
    const ratio = Number(quantityOf(limit).nanos) / Number(quantityOf(request).nanos);
    return ratio > Number(quantityOf(most).nanos) / 1e9 ? [`${told}, but provided ratio is ${ratio.toFixed(6)}`] : [];
  });
}
