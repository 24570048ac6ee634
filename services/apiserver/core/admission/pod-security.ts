// Decides whether a pod keeps to the Pod Security Standard that its namespace asks for: what breaks it is refused, warned of or
// noted; and what a namespace may ask for. Never changes a pod.
import { invalidValue, invalid, type FieldError } from '../../../../lib/api/field-error.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { violationsOf, type Level } from './pod-security-standards.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { NAMESPACES } from '../pipeline/namespace.ts';
import { isMirror, isPodWrite } from './pods.ts';

const PREFIX = 'pod-security.kubernetes.io/';
const LEVELS = ['privileged', 'baseline', 'restricted'];
const MODES = ['enforce', 'audit', 'warn'] as const;
type Mode = (typeof MODES)[number];
/** A namespace with more pods than that is not looked through whole. */
const MOST_PODS = 3_000;

/** Where a kind that makes pods has its template. */
const TEMPLATES: Record<string, (object: any) => any> = {
  'apps/deployments': ({ spec }) => spec?.template,
  'apps/replicasets': ({ spec }) => spec?.template,
  'apps/statefulsets': ({ spec }) => spec?.template,
  'apps/daemonsets': ({ spec }) => spec?.template,
  'batch/jobs': ({ spec }) => spec?.template,
  'batch/cronjobs': ({ spec }) => spec?.jobTemplate?.spec?.template,
  '/replicationcontrollers': ({ spec }) => spec?.template,
  '/podtemplates': ({ template }) => template,
};
/** Subresources by which a pod's containers change. */
const PARTS_OF_PODS = new Set(['', 'ephemeralcontainers', 'resize']);

export function podSecurity(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const { kind, info } = request;
  if (kind.ref.group === '' && kind.ref.resource === 'namespaces') {
    if (info.subresource === '') judgeNamespace(request, object, old);
    return;
  }
  if (isPodWrite(request)) {
    const isJudged = PARTS_OF_PODS.has(info.subresource) && !isMirror(object);
    if (isJudged && (old === undefined || isSignificant(object, old))) judge(request, object, object, true);
    return;
  }
  if (info.subresource !== '') return;
  const template = TEMPLATES[`${kind.ref.group}/${kind.ref.resource}`]?.(object);
  if (template !== undefined) judge(request, object, template, false);
}

/** Of what an update may change, what a standard looks at: which containers there are, and their images. */
function isSignificant(object: KubeObject, old: KubeObject): boolean {
  const shown = ({ spec }: KubeObject): string =>
    JSON.stringify(
      ['containers', 'initContainers', 'ephemeralContainers'].map((list) =>
        ((spec?.[list] ?? []) as any[]).map(({ name, image }) => [name, image]),
      ),
    );
  return shown(object) !== shown(old);
}

interface Standard {
  level: Level;
  version: string;
}

const titleOf = ({ level, version }: Standard): string => `${level}:${version}`;

function judge(request: WriteRequest, object: KubeObject, pod: any, isPod: boolean): void {
  const labels = labelsOf(request, object.metadata.namespace ?? '');
  const told = (mode: Mode): string | undefined => {
    const standard = standardOf(labels, mode);
    const violations = breaches(standard, pod);
    return violations.length === 0 ? undefined : `PodSecurity "${titleOf(standard)}": ${violations.join(', ')}`;
  };
  if (isPod) request.annotate?.(`${PREFIX}enforce-policy`, titleOf(standardOf(labels, 'enforce')));
  const noted = told('audit');
  if (noted !== undefined) request.annotate?.(`${PREFIX}audit-violations`, `would violate ${noted}`);
  const refused = isPod ? told('enforce') : undefined;
  if (refused !== undefined) throw forbiddenBy(request.kind, object.metadata.name, `violates ${refused}`);
  const warned = told('warn');
  if (warned !== undefined) request.warn?.(`would violate ${warned}`);
}

const breaches = ({ level }: Standard, pod: any): string[] =>
  level === 'privileged' ? [] : violationsOf(level, pod.metadata ?? {}, pod.spec ?? {});

function labelsOf(request: WriteRequest, name: string): Record<string, string> {
  return request.view.get({ stream: NAMESPACES, namespace: '', name })?.object.metadata.labels ?? {};
}

/** A level that nobody knows is taken as the strictest: who mistyped one wanted some. */
function standardOf(labels: Record<string, string>, mode: Mode): Standard {
  const asked = labels[`${PREFIX}${mode}`] ?? 'privileged';
  const level = (LEVELS.includes(asked) ? asked : 'restricted') as Level;
  return { level, version: labels[`${PREFIX}${mode}-version`] ?? 'latest' };
}

/** Labels that mean nothing are refused when they are set; pods that a new standard would not let in are told of. */
function judgeNamespace(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const [labels, before] = [object, old].map((one) => one?.metadata.labels ?? {}) as [Labels, Labels];
  const errors = labelErrors(labels);
  if (errors.length > 0 && JSON.stringify(errors) !== JSON.stringify(labelErrors(before)))
    throw invalid(request.kind.ref, object.metadata.name, errors);
  if (old === undefined) return;
  const [standard, had] = [standardOf(labels, 'enforce'), standardOf(before, 'enforce')];
  const isStricter = LEVELS.indexOf(standard.level) > LEVELS.indexOf(had.level);
  if (isStricter || (standard.version !== had.version && standard.level !== 'privileged'))
    warnOfPods(request, object.metadata.name, standard);
}

type Labels = Record<string, string>;

function labelErrors(labels: Labels): FieldError[] {
  return MODES.flatMap((mode) => {
    const [level, version] = [`${PREFIX}${mode}`, `${PREFIX}${mode}-version`];
    const wrong = (label: string, why: string): FieldError =>
      invalidValue(`metadata.labels[${label}]`, labels[label], why);
    return [
      ...(level in labels && !LEVELS.includes(labels[level]!)
        ? [wrong(level, `must be one of ${LEVELS.join(', ')}`)]
        : []),
      ...(version in labels && !/^(latest|v1\.(0|[1-9]\d*))$/.test(labels[version]!)
        ? [wrong(version, 'must be "latest" or "v1.x"')]
        : []),
    ];
  });
}

function warnOfPods(request: WriteRequest, namespace: string, standard: Standard): void {
  const names = new Map<string, string[]>();
  let count = 0;
  for (const { object } of request.view.list('core/pods', namespace)) {
    if (++count > MOST_PODS) break;
    // What is wrong, without where.
    const reasons = breaches(standard, object).map((violation) => violation.replace(/ \(.*$/, ''));
    if (reasons.length > 0 && !isMirror(object))
      names.set(reasons.join(', '), [...(names.get(reasons.join(', ')) ?? []), object.metadata.name]);
  }
  if (names.size === 0) return;
  request.warn?.(
    `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(titleOf(standard))}`,
  );
  const told = [...names].map(([reasons, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` (and ${others.length} other pod${others.length === 1 ? '' : 's'})`;
    return `${first}${more}: ${reasons}`;
  });
  for (const text of told.toSorted()) request.warn?.(text);
}
