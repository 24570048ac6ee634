// Decides what MutatingAdmissionPolicies make of a write: each binding lays a policy over some writes, and its mutations are
// applied one after the other, once more where others changed the object since. Never refuses what it can evaluate.
import { Budget, MOST_OF_POLICY } from '../../../../lib/api/cel/budget.ts';
import { CelError } from '../../../../lib/api/cel/cel.ts';
import { CelObject, jsonOf } from '../../../../lib/api/cel/constructed.ts';
import { celOf } from '../../../../lib/api/cel/values.ts';
import { decodeValue, expectedOf } from '../../../../lib/api/decode.ts';
import { equalJson } from '../../../../lib/api/equality.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { atomicsOf } from '../../../../lib/api/managed-fields/atomics.ts';
import { mergeRuleOf } from '../../../../lib/api/managed-fields/merge-rule.ts';
import { merge } from '../../../../lib/api/managed-fields/merge.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ApiError } from '../../../../lib/base/errors.ts';
import { applyJsonPatch, JsonPatchError } from '../../../../lib/api/json-patch.ts';
import { cloneJson } from '../../../../lib/base/clone.ts';
import { detailsOf, qualified, type WriteRequest } from '../pipeline/plan.ts';
import { meets, variablesOf } from './match-conditions.ts';
import { asKind, isExempt, matchedKind, operationOf, type Subject } from './matching.ts';
import { bindingMatches, composed, matchingOf, paramsOf } from './policies.ts';

const POLICIES = 'admissionregistration.k8s.io/mutatingadmissionpolicies';
const BINDINGS = 'admissionregistration.k8s.io/mutatingadmissionpolicybindings';

/** One policy as one binding lays it, with one object of parameters. */
interface Invocation {
  policy: KubeObject;
  binding: KubeObject;
  params: KubeObject | null;
  matched: Kind;
}

/** A round over all policies; the next one asks again those that others have changed something behind. */
export class MutatingPolicies {
  readonly #request: WriteRequest;
  readonly #object: KubeObject;
  readonly #old: KubeObject | undefined;
  /** What an invocation left behind; those alone are asked again. */
  readonly #left = new Map<string, KubeObject>();

  constructor(request: WriteRequest, object: KubeObject, old: KubeObject | undefined) {
    this.#request = request;
    this.#object = object;
    this.#old = old;
  }

  /** Changes the object. Throws a refusal when a policy fails that must not. */
  run(): void {
    const { view, kind } = this.#request;
    if (view.resource(BINDINGS).objects.size === 0 || isExempt(kind)) return;
    for (const { object: binding } of view.list(BINDINGS)) this.#bind(binding, () => true);
  }

  /** Policies that wish it, once more, where the object is another than they left. */
  runAgain(): void {
    if (this.#left.size === 0) return;
    for (const { object: binding } of this.#request.view.list(BINDINGS))
      this.#bind(binding, (invocation) => {
        const left = this.#left.get(keyOf(invocation));
        return left !== undefined && !equalJson(left, this.#object);
      });
  }

  #bind(binding: KubeObject, isDue: (invocation: Invocation) => boolean): void {
    const name: string = binding['spec']?.policyName ?? '';
    const policy = this.#request.view.get({ stream: POLICIES, namespace: '', name })?.object;
    if (policy === undefined) return;
    try {
      for (const invocation of this.#invocations(policy, binding)) if (isDue(invocation)) this.#invoke(invocation);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (policy['spec']?.failurePolicy !== 'Ignore') throw this.#refusal(policy, binding, error.message);
    }
  }

  #subject(): Subject {
    return { request: this.#request, operation: operationOf(this.#old), object: this.#object, old: this.#old };
  }

  #invocations(policy: KubeObject, binding: KubeObject): Invocation[] {
    const subject = this.#subject();
    const spec = policy['spec'] ?? {};
    const matching = matchingOf(spec);
    const matched = matchedKind(matching, subject);
    if (matched === undefined || !bindingMatches(binding, matching, subject)) return [];
    return paramsOf(subject, spec, binding).map((params) => ({ policy, binding, params, matched }));
  }

  #invoke(invocation: Invocation): void {
    const { policy, matched, params } = invocation;
    const { kind } = this.#request;
    const spec = policy['spec'] ?? {};
    const given = { ...variablesOf(this.#subject(), matched), params: celOf(params) };
    if (!meets(spec.matchConditions, given)) return;
    for (const mutation of spec.mutations ?? []) {
      const variables: Record<string, unknown> = { ...variablesOf(this.#subject(), matched), params: celOf(params) };
      const budget = new Budget(MOST_OF_POLICY);
      variables['variables'] = composed(spec.variables ?? [], variables, budget);
      const base = asKind(kind, matched, this.#object)!;
      const changed = mutated(matched, base, mutation, (expression) => budget.evaluate(expression, variables));
      if (changed !== base) this.#replace(asKind(matched, kind, changed)!);
    }
    if (spec.reinvocationPolicy === 'IfNeeded') this.#left.set(keyOf(invocation), structuredClone(this.#object));
  }

  #replace(changed: KubeObject): void {
    const result = structuredClone(changed);
    this.#request.kind.default(result);
    for (const field of Object.keys(this.#object)) delete this.#object[field];
    Object.assign(this.#object, result);
  }

  #refusal(policy: KubeObject, binding: KubeObject, why: string): ApiError {
    const { kind } = this.#request;
    const name = this.#object.metadata.name ?? '';
    const told = `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${why}`;
    return new ApiError(
      'Invalid',
      `${qualified(kind)} ${JSON.stringify(name)} is forbidden: ${told}`,
      detailsOf(kind, name, [{ message: told }]),
    );
  }
}

const keyOf = ({ policy, binding, params }: Invocation): string =>
  JSON.stringify([policy.metadata.name, binding.metadata.name, params?.metadata.namespace, params?.metadata.name]);

/** The object after one mutation; the same one when there is nothing to do. Throws CelError. */
function mutated(kind: Kind, base: KubeObject, mutation: any, run: (expression: string) => unknown): KubeObject {
  const made =
    mutation.patchType === 'JSONPatch'
      ? jsonPatched(base, run(mutation.jsonPatch?.expression ?? ''))
      : applied(kind, base, run(mutation.applyConfiguration?.expression ?? ''));
  if (made === base) return base;
  try {
    return decodeValue({ value: made, duplicates: [] }, expectedOf(kind), 'Ignore').object;
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error));
  }
}

/** Merged as server-side apply merges, but for owners: what is atomic would be replaced as a whole and is refused. */
function applied(kind: Kind, base: KubeObject, value: unknown): KubeObject {
  if (!(value instanceof CelObject) || value.typeName !== 'Object')
    throw new CelError('the expression of an ApplyConfiguration must give an Object');
  const { apiVersion, kind: name } = base;
  const config = { ...(jsonOf(value, 'Object') as object), apiVersion, kind: name } as unknown as KubeObject;
  const rule = mergeRuleOf(kind.typeName);
  const atomics = atomicsOf(rule, config);
  if (atomics.length > 0)
    throw new CelError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  return merge(rule, base, config) as KubeObject;
}

const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

function jsonPatched(base: KubeObject, value: unknown): KubeObject {
  if (!Array.isArray(value)) throw new CelError('the expression of a JSONPatch must give a list of JSONPatch');
  const operations = value.map((one: unknown) => {
    if (!(one instanceof CelObject) || one.typeName !== 'JSONPatch')
      throw new CelError('the expression of a JSONPatch must give a list of JSONPatch');
    const operation = jsonOf(one) as { op?: unknown; path?: unknown };
    if (typeof operation.op !== 'string' || !OPERATIONS.has(operation.op))
      throw new CelError(`JSON Patch: unsupported operation ${JSON.stringify(operation.op)}`);
    return operation;
  });
  try {
    return applyJsonPatch(cloneJson(base), operations) as KubeObject;
  } catch (error) {
    // A test that fails says that there is nothing to do.
    if (error instanceof JsonPatchError && error.isTest) return base;
    throw new CelError(`JSON Patch: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }
}
