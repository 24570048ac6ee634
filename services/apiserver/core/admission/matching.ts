// Decides which webhooks and policies are about a write: rules of groups, versions, resources and operations, and selectors of
// namespaces and objects. Never calls or evaluates one.
import { equalObjects } from '../../../../lib/api/equality.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { toScale } from '../../../../lib/api/scale.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import { NAMESPACES } from '../pipeline/namespace.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { streamOfKind } from '../served-kinds.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface Rule {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  resourceNames?: string[];
  scope?: string;
}

export interface Matching {
  matchPolicy?: string;
  rules?: Rule[];
  excludeRules?: Rule[];
  namespaceSelector?: object;
  objectSelector?: object;
}

/** One write, as admission looks at it. */
export interface Subject {
  request: WriteRequest;
  operation: Operation;
  /** Undefined for a deletion. */
  object: KubeObject | undefined;
  old: KubeObject | undefined;
  /** What is looked at in place of the object: the options of a connection, an Eviction. Selectors know no labels of it. */
  sent?: SentObject;
}

export interface SentObject {
  kind: { group: string; version: string; kind: string };
  object: Record<string, unknown>;
}

/** Rules about rules would lock everybody out: nothing judges these. */
const EXEMPT = new Set(
  'validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies mutatingadmissionpolicybindings validatingwebhookconfigurations mutatingwebhookconfigurations'.split(
    ' ',
  ),
);

export const isExempt = ({ ref }: Kind): boolean =>
  ref.group === 'admissionregistration.k8s.io' && EXEMPT.has(ref.resource);

export const operationOf = (old: KubeObject | undefined): Operation => (old === undefined ? 'CREATE' : 'UPDATE');

/** The kind (of an equivalent version, where the policy allows it) as which the write is matched; undefined: it is not. */
export function matchedKind(matching: Matching, subject: Subject): Kind | undefined {
  if (!selectsNamespace(matching, subject) || !selectsObject(matching, subject)) return undefined;
  const { request } = subject;
  const rules = matching.rules ?? [];
  const is = (kind: Kind, list: readonly Rule[]): boolean => list.some((rule) => matchesRule(rule, kind, subject));
  const excluded = matching.excludeRules ?? [];
  const candidates = matching.matchPolicy === 'Exact' ? [request.kind] : [request.kind, ...equivalents(request)];
  if (candidates.some((kind) => is(kind, excluded))) return undefined;
  return candidates.find((kind) => is(kind, rules));
}

function equivalents({ kind, kinds }: WriteRequest): Kind[] {
  const stream = streamOfKind(kind);
  return (kinds?.kinds ?? []).filter((other) => other !== kind && streamOfKind(other) === stream);
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  (list ?? []).some((one) => one === '*' || one === value);

function matchesRule(rule: Rule, { ref }: Kind, { request, operation, object, old }: Subject): boolean {
  const { subresource } = request.info;
  const name = (object ?? old)?.metadata.name ?? '';
  const scope = rule.scope ?? '*';
  return (
    has(rule.operations, operation) &&
    has(rule.apiGroups, ref.group) &&
    has(rule.apiVersions, ref.version) &&
    (rule.resources ?? []).some((one) => matchesResource(one, ref.resource, subresource)) &&
    (scope === '*' || (scope === 'Namespaced') === ref.namespaced) &&
    ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(name))
  );
}

function matchesResource(pattern: string, resource: string, subresource: string): boolean {
  const [main, part = ''] = pattern.split('/');
  return (main === '*' || main === resource) && (part === '*' || part === subresource);
}

function selectsNamespace({ namespaceSelector }: Matching, { request, object, old }: Subject): boolean {
  const { ref } = request.kind;
  if (ref.group === '' && ref.resource === 'namespaces')
    return selects(namespaceSelector ?? {}, (object ?? old)?.metadata.labels);
  if (!ref.namespaced) return true;
  const home = namespaceOf(request, object ?? old);
  return selects(namespaceSelector ?? {}, home?.metadata.labels);
}

export function namespaceOf(request: WriteRequest, object: KubeObject | undefined): KubeObject | undefined {
  const name = object?.metadata.namespace ?? request.info.namespace;
  return name === '' ? undefined : request.view.get({ stream: NAMESPACES, namespace: '', name })?.object;
}

/** Either state may be what is meant: nobody slips away by dropping a label. */
function selectsObject({ objectSelector }: Matching, { object, old }: Subject): boolean {
  if (equalObjects(objectSelector ?? {}, {})) return true;
  return [object, old].some((one) => one !== undefined && selects(objectSelector ?? {}, one.metadata.labels));
}

/** The object in the version that was matched. */
export function asKind(from: Kind, to: Kind, object: KubeObject | undefined): KubeObject | undefined {
  if (object === undefined || from === to) return object;
  const stored = from.storedAs?.toStored(object) ?? object;
  return to.storedAs?.fromStored(stored) ?? stored;
}

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

/** Whether the write is one to the scale of what it changes: then that is what everybody is shown. */
export const isOfScale = ({ request, sent }: Subject): boolean =>
  sent === undefined && request.info.subresource === 'scale';

/** What a webhook or policy is shown of an object of the write. */
export function shown(subject: Subject, matched: Kind, object: KubeObject | undefined): KubeObject | undefined {
  const { kind } = subject.request;
  if (object === undefined || !isOfScale(subject)) return asKind(kind, matched, object);
  return toScale(object, kind.scale) as KubeObject;
}

/** `request` of an AdmissionReview, and of CEL. Objects apart. */
export function admissionRequest(subject: Subject, matched: Kind): Record<string, unknown> {
  const { request, operation, object, old } = subject;
  const { user, info, kind } = request;
  const { sent } = subject;
  const subresource = info.subresource === '' ? {} : { subResource: info.subresource };
  const of = ({ ref }: Kind): Record<string, unknown> => ({
    kind: sent?.kind ??
      (isOfScale(subject) ? SCALE : undefined) ?? { group: ref.group, version: ref.version, kind: ref.kind },
    resource: { group: ref.group, version: ref.version, resource: ref.resource },
  });
  const own = of(kind);
  return {
    ...of(matched),
    ...subresource,
    requestKind: own['kind'],
    requestResource: own['resource'],
    ...(info.subresource === '' ? {} : { requestSubResource: info.subresource }),
    name: (object ?? old)?.metadata.name ?? info.name,
    ...(kind.ref.namespaced ? { namespace: (object ?? old)?.metadata.namespace ?? info.namespace } : {}),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: [...user.groups],
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun: request.dryRun ?? false,
  };
}
