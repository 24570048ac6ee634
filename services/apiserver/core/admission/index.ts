// Decides in which order admission looks at a write: mutating steps, then (after validation) validating ones. Never
// decides anything itself.
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { nodeRestriction, nodeRestrictionOnDelete } from './node-restriction.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { serviceAccount } from './service-account.ts';

/** `old` is undefined for a new object. A mutating step changes `object`; any step may throw a refusal. */
type Step = (request: WriteRequest, object: KubeObject, old: KubeObject | undefined) => void;

/** Upstream's order. Namespace lifecycle comes before all of them, with the namespace's revision (pipeline/namespace.ts). */
const MUTATING: readonly Step[] = [serviceAccount, defaultTolerations, priority];
const VALIDATING: readonly Step[] = [nodeRestriction, rbacEscalation];

export function mutate(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  for (const step of MUTATING) step(request, object, old);
}

export function validateAdmission(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  for (const step of VALIDATING) step(request, object, old);
}

export function validateDeletion(request: WriteRequest, old: KubeObject): void {
  nodeRestrictionOnDelete(request, old);
}
