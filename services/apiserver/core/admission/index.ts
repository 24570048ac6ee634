// Decides in which order admission looks at a write: mutating steps, then (after validation) validating ones, and quotas last.
// Never decides anything itself.
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
import { validatingPolicies, validatingPoliciesOnDelete } from './validating-policies.ts';
import { MutatingPolicies } from './mutating-policies.ts';
import { mutatingWebhooks, validatingWebhooks, webhooksOnDelete } from './webhooks.ts';

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
  for (const step of MUTATING) step(request, object, old);
  const policies = new MutatingPolicies(request, object, old);
  policies.run();
  mutatingWebhooks(request, object, old);
  policies.runAgain();
}

export function validateAdmission(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  for (const step of VALIDATING) step(request, object, old);
}

export function validateDeletion(request: WriteRequest, old: KubeObject): void {
  nodeRestrictionOnDelete(request, old);
  validatingPoliciesOnDelete(request, old);
  webhooksOnDelete(request, old);
}
