// Decides whether a pod keeps to the Pod Security Standard that its namespace asks for: what breaks it is refused, warned of or
// noted. Never changes a pod.
import type { KubeObject } from '../../../../lib/api/object.ts';
import { violationsOf, type Level } from './pod-security-standards.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { NAMESPACES } from '../pipeline/namespace.ts';
import { isMirror, isPodWrite } from './pods.ts';

const PREFIX = 'pod-security.kubernetes.io/';
const LEVELS = ['privileged', 'baseline', 'restricted'];
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

export function podSecurity(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const { kind, info } = request;
  if (info.subresource !== '') return;
  if (isPodWrite(request)) {
    if (old === undefined && !isMirror(object)) judge(request, object, object, true);
    return;
  }
  const template = TEMPLATES[`${kind.ref.group}/${kind.ref.resource}`]?.(object);
  if (template !== undefined) judge(request, object, template, false);
}

function judge(request: WriteRequest, object: KubeObject, pod: any, isPod: boolean): void {
  const labels = labelsOf(request, object.metadata.namespace ?? '');
  const modes = { enforce: levelOf(labels, 'enforce'), warn: levelOf(labels, 'warn') };
  const told = (mode: 'enforce' | 'warn'): string | undefined => {
    const { level, version } = modes[mode];
    if (level === 'privileged') return undefined;
    const violations = violationsOf(level, pod.metadata ?? {}, pod.spec ?? {});
    return violations.length === 0 ? undefined : `PodSecurity "${level}:${version}": ${violations.join(', ')}`;
  };
  const refused = isPod ? told('enforce') : undefined;
  if (refused !== undefined) throw forbiddenBy(request.kind, object.metadata.name, `violates ${refused}`);
  const warned = told('warn');
  if (warned !== undefined) request.warn?.(`would violate ${warned}`);
}

function labelsOf(request: WriteRequest, name: string): Record<string, string> {
  return request.view.get({ stream: NAMESPACES, namespace: '', name })?.object.metadata.labels ?? {};
}

/** A level that nobody knows is taken as the strictest: who mistyped one wanted some. */
function levelOf(labels: Record<string, string>, mode: string): { level: Level; version: string } {
  const asked = labels[`${PREFIX}${mode}`] ?? 'privileged';
  const level = (LEVELS.includes(asked) ? asked : 'restricted') as Level;
  return { level, version: labels[`${PREFIX}${mode}-version`] ?? 'latest' };
}
