// Decides in which order admission looks at a write: mutating steps, then (after validation) validating ones, and quotas last.
// Never decides anything itself.
import { ApiError } from '../../../../lib/base/errors.ts';
import { equalJson } from '../../../../lib/api/equality.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import type { RequestStory } from '../request-story.ts';
import { certificateApproval, certificateRequester, certificateSubject } from './certificates.ts';
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { limitBounds, limitDefaults } from './limit-ranger.ts';
import { nodeTaint } from './node-taint.ts';
import { nodeRestriction, nodeRestrictionOnDelete } from './node-restriction.ts';
import { podSecurity } from './pod-security.ts';
import { priority, priorityOnDelete } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUse } from './storage-in-use.ts';
import {
  hasValidatingPolicies,
  validatingPolicies,
  validatingPoliciesOnSent,
  validatingPoliciesOnDelete,
} from './validating-policies.ts';
import type { SentObject } from './matching.ts';
import { MutatingPolicies } from './mutating-policies.ts';
import { hasWebhooks, MutatingWebhooks, validatingWebhooks, webhooksOnSent, webhooksOnDelete } from './webhooks.ts';

/** `old` is undefined for a new object. A mutating step changes `object`; any step may throw a refusal. */
type Step = (request: WriteRequest, object: KubeObject, old: KubeObject | undefined) => void;

/**
 * Upstream's order, each with the kinds that it changes. Namespace lifecycle comes before all of them, with the namespace's revision
 * (pipeline/namespace.ts).
 */
const MUTATING: ReadonlyArray<readonly [step: Step, ...changes: string[]]> = [
  [limitDefaults, 'Pod'],
  [serviceAccount, 'Pod'],
  [defaultTolerations, 'Pod'],
  [priority, 'Pod'],
  [defaultStorageClass, 'PersistentVolumeClaim'],
  [defaultIngressClass, 'Ingress'],
  [storageObjectInUse, 'PersistentVolume', 'PersistentVolumeClaim'],
  [runtimeClass, 'Pod'],
  [nodeTaint, 'Node'],
  [certificateRequester, 'CertificateSigningRequest'],
];
/** The room that quotas have is taken with the write itself (`chargeQuotas` in pipeline/). */
const VALIDATING: readonly Step[] = [
  limitBounds,
  nodeRestriction,
  rbacEscalation,
  podSecurity,
  certificateApproval,
  certificateSubject,
  validatingPolicies,
  validatingWebhooks,
];

/** A function's name is looked up anew each time that it is asked for, and every write asks for all of them. */
interface NamedStep {
  readonly name: string;
  readonly step: Step;
  readonly changes: ReadonlySet<string>;
}

const named = (step: Step, changes: readonly string[] = []): NamedStep => ({
  name: step.name,
  step,
  changes: new Set(changes),
});
const MUTATING_STEPS = MUTATING.map(([step, ...changes]) => named(step, changes));
const VALIDATING_STEPS = VALIDATING.map((step) => named(step));

export function mutate(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const told = new Told(request, object);
  const { kind } = request.kind.ref;
  for (const { name, step, changes } of MUTATING_STEPS) told.step(name, changes.has(kind), step, request, object, old);
  const again = (): void => {
    for (const { step, changes } of MUTATING_STEPS) if (changes.has(kind)) step(request, object, old);
  };
  mutateByOthers(request, object, old, told, again);
}

/** What the cluster's own policies and webhooks change: of parts of objects (status, approval) too. */
export function mutateByOthers(
  request: WriteRequest,
  object: KubeObject,
  old: KubeObject | undefined,
  told: Told = new Told(request, object),
  again: () => void = () => {},
): void {
  // Whether these change anything is only asked where there may be any: it costs more than all steps.
  if (!hasWebhooks(request) && request.view.resource(MUTATING_POLICIES).objects.size === 0) {
    for (const name of OF_OTHERS) request.story?.step(name, 'passed');
    return;
  }
  const policies = new MutatingPolicies(request, object, old);
  const webhooks = new MutatingWebhooks(request, object, old);
  const before = structuredClone(object);
  const [first, second, third] = OF_OTHERS;
  told.step(first, true, () => policies.run());
  told.step(second, true, () => webhooks.run());
  told.step(third, true, () => {
    if (equalJson(before, object)) return;
    // What they put in is to be filled in like everything else, and those before them may have something to say of it.
    again();
    policies.runAgain();
    webhooks.runAgain();
  });
}

const MUTATING_POLICIES = 'admissionregistration.k8s.io/mutatingadmissionpolicies';
/** The steps that a cluster's own webhooks and policies are. */
const OF_OTHERS = ['mutatingPolicies', 'mutatingWebhooks', 'mutatingPoliciesAgain'] as const;

/** What each step made of the object, for the trace. */
class Told {
  readonly #story: RequestStory | undefined;
  readonly #object: KubeObject | undefined;
  /** The object after the last step that might change it. */
  #text: string | undefined;

  constructor({ story }: WriteRequest, object?: KubeObject) {
    this.#story = story;
    this.#object = object;
  }

  step<A extends unknown[]>(name: string, mayChange: boolean, run: (...given: A) => void, ...given: A): void {
    if (this.#story === undefined) return run(...given);
    if (mayChange) this.#text ??= JSON.stringify(this.#object);
    try {
      run(...given);
    } catch (error) {
      if (error instanceof ApiError) this.#story.step(name, 'refused');
      throw error;
    }
    this.#story.step(name, mayChange && this.#isChanged() ? 'changed' : 'passed');
  }

  #isChanged(): boolean {
    const before = this.#text;
    this.#text = JSON.stringify(this.#object);
    return this.#text !== before;
  }
}

export function validateAdmission(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const told = new Told(request);
  for (const { name, step } of VALIDATING_STEPS) told.step(name, false, step, request, object, old);
}

const ON_DELETE = [priorityOnDelete, nodeRestrictionOnDelete, validatingPoliciesOnDelete, webhooksOnDelete];

export function validateDeletion(request: WriteRequest, old: KubeObject): void {
  const told = new Told(request);
  // An eviction is judged as what it is (pipeline/eviction.ts).
  const steps = request.info.subresource === 'eviction' ? [nodeRestrictionOnDelete] : ON_DELETE;
  for (const step of steps) told.step(step.name, false, step, request, old);
}

/** `sent`: the options of a connection to a pod, a Service or a node; an Eviction. */
export function validateSent(request: WriteRequest, operation: 'CONNECT' | 'CREATE', sent: SentObject): void {
  validatingPoliciesOnSent(request, operation, sent);
  webhooksOnSent(request, operation, sent);
}

/** Whether anybody but the cluster itself has a say in them. */
export const judgesSent = (request: Pick<WriteRequest, 'view'>): boolean =>
  hasWebhooks(request) || hasValidatingPolicies(request);
