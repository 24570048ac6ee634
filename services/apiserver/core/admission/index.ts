// Decides in which order admission looks at a write: mutating steps, then (after validation) validating ones, and quotas last.
// Never decides anything itself.
import { ApiError } from '../../../../lib/base/errors.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { certificateApproval, certificateRequester } from './certificates.ts';
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { limitBounds, limitDefaults } from './limit-ranger.ts';
import { nodeTaint } from './node-taint.ts';
import { nodeRestriction, nodeRestrictionOnDelete } from './node-restriction.ts';
import { podSecurity } from './pod-security.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUse } from './storage-in-use.ts';
import { validatingPolicies, validatingPoliciesOnDelete } from './validating-policies.ts';
import { MutatingPolicies } from './mutating-policies.ts';
import { hasWebhooks, mutatingWebhooks, validatingWebhooks, webhooksOnDelete } from './webhooks.ts';

/** `old` is undefined for a new object. A mutating step changes `object`; any step may throw a refusal. */
type Step = (request: WriteRequest, object: KubeObject, old: KubeObject | undefined) => void;

/** Upstream's order. Namespace lifecycle comes before all of them, with the namespace's revision (pipeline/namespace.ts). */
const MUTATING: readonly Step[] = [
  limitDefaults,
  serviceAccount,
  defaultTolerations,
  priority,
  defaultStorageClass,
  defaultIngressClass,
  storageObjectInUse,
  runtimeClass,
  nodeTaint,
  certificateRequester,
];
/** The room that quotas have is taken with the write itself (`chargeQuotas` in pipeline/). */
const VALIDATING: readonly Step[] = [
  limitBounds,
  nodeRestriction,
  rbacEscalation,
  podSecurity,
  certificateApproval,
  validatingPolicies,
  validatingWebhooks,
];

export function mutate(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const changes = CHANGED_BY_STEPS.has(request.kind.ref.kind) ? object : undefined;
  for (const step of MUTATING) told(request, step.name, changes, () => step(request, object, old));
  const policies = new MutatingPolicies(request, object, old);
  // Whether these change anything is only asked where there may be any: it costs more than all steps.
  const asked = hasWebhooks(request) || request.view.resource(MUTATING_POLICIES).objects.size > 0 ? object : undefined;
  told(request, 'mutatingPolicies', asked, () => policies.run());
  told(request, 'mutatingWebhooks', asked, () => mutatingWebhooks(request, object, old));
  told(request, 'mutatingPoliciesAgain', asked, () => policies.runAgain());
}

const MUTATING_POLICIES = 'admissionregistration.k8s.io/mutatingadmissionpolicies';
/** No step of ours changes objects of other kinds. */
const CHANGED_BY_STEPS: ReadonlySet<string> = new Set([
  'CertificateSigningRequest',
  'Ingress',
  'Node',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Pod',
]);

/** `object` is what the step may change, where it may. */
function told({ story }: WriteRequest, name: string, object: KubeObject | undefined, step: () => void): void {
  if (story === undefined) return step();
  const before = object === undefined ? '' : JSON.stringify(object);
  try {
    step();
  } catch (error) {
    if (error instanceof ApiError) story.step(name, 'refused');
    throw error;
  }
  story.step(name, object !== undefined && JSON.stringify(object) !== before ? 'changed' : 'passed');
}

export function validateAdmission(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  for (const step of VALIDATING) told(request, step.name, undefined, () => step(request, object, old));
}

const ON_DELETE = [nodeRestrictionOnDelete, validatingPoliciesOnDelete, webhooksOnDelete];

export function validateDeletion(request: WriteRequest, old: KubeObject): void {
  for (const step of ON_DELETE) told(request, step.name, undefined, () => step(request, old));
}
