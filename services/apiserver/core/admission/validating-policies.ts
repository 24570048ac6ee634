// Decides what ValidatingAdmissionPolicies say of a write: each binding lays a policy over some writes, with parameters. Never
// changes an object.
import { CelError, compileCel } from '../../../../lib/api/cel/cel.ts';
import { celOf } from '../../../../lib/api/cel/values.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import { ApiError, isReason, REASONS, type Reason } from '../../../../lib/base/errors.ts';
import { viewAs } from '../cache/view-as.ts';
import { detailsOf, qualified, type WriteRequest } from '../pipeline/plan.ts';
import { streamOfKind } from '../served-kinds.ts';
import { meets, variablesOf, type Variables } from './match-conditions.ts';
import { isExempt, matchedKind, operationOf, type Matching, type Subject } from './matching.ts';

const POLICIES = 'admissionregistration.k8s.io/validatingadmissionpolicies';
const BINDINGS = 'admissionregistration.k8s.io/validatingadmissionpolicybindings';

interface Verdict {
  message: string;
  reason: Reason;
}

export function validatingPolicies(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  judge({ request, operation: operationOf(old), object, old });
}

export function validatingPoliciesOnDelete(request: WriteRequest, old: KubeObject): void {
  judge({ request, operation: 'DELETE', object: undefined, old });
}

function judge(subject: Subject): void {
  const { request } = subject;
  if (request.view.resource(BINDINGS).objects.size === 0 || isExempt(request.kind)) return;
  for (const binding of request.view.list(BINDINGS)) {
    const name: string = binding.object['spec']?.policyName ?? '';
    const policy = request.view.get({ stream: POLICIES, namespace: '', name })?.object;
    if (policy !== undefined)
      for (const verdict of verdicts(subject, policy, binding.object)) act(request, subject, binding.object, verdict);
  }
}

function act(request: WriteRequest, { object, old }: Subject, binding: KubeObject, { message, reason }: Verdict): void {
  const { policyName, validationActions = [] } = binding['spec'];
  const about = `ValidatingAdmissionPolicy '${policyName}' with binding '${binding.metadata.name}'`;
  if (validationActions.includes('Warn')) request.warn?.(`Validation failed for ${about}: ${message}`);
  if (!validationActions.includes('Deny')) return;
  const told = `${about} denied request: ${message}`;
  const name = (object ?? old)?.metadata.name ?? '';
  throw new ApiError(
    reason,
    `${qualified(request.kind)} ${JSON.stringify(name)} is forbidden: ${told}`,
    detailsOf(request.kind, name, [{ message: told }]),
  );
}

function matchingOf({ matchConstraints = {} }: any): Matching {
  const { resourceRules: rules, excludeResourceRules: excludeRules, ...rest } = matchConstraints;
  return { ...rest, rules, excludeRules };
}

/** A binding only ever narrows its policy: without rules of its own it takes the policy's. */
function bindingMatches(binding: KubeObject, policy: Matching, subject: Subject): boolean {
  const own = binding['spec']?.matchResources;
  if (own === undefined) return true;
  const matching = matchingOf({ matchConstraints: own });
  return (
    matchedKind(
      (matching.rules ?? []).length === 0 ? { ...matching, rules: policy.rules ?? [] } : matching,
      subject,
    ) !== undefined
  );
}

function verdicts(subject: Subject, policy: KubeObject, binding: KubeObject): Verdict[] {
  const spec = policy['spec'] ?? {};
  const matching = matchingOf(spec);
  const matched = matchedKind(matching, subject);
  if (matched === undefined || !bindingMatches(binding, matching, subject)) return [];
  const variables = variablesOf(subject, matched);
  try {
    if (!meets(spec.matchConditions, variables)) return [];
    return paramsOf(subject, spec, binding).flatMap((params) =>
      withParams(spec, { ...variables, params: celOf(params) }),
    );
  } catch (error) {
    if (!(error instanceof CelError) && !isReason(error, 'Invalid')) throw error;
    return broken(spec, (error as Error).message);
  }
}

/** What cannot be evaluated refuses or is passed over, as the policy says. */
const broken = (spec: any, message: string): Verdict[] =>
  spec.failurePolicy === 'Ignore' ? [] : [{ message, reason: 'Invalid' }];

function withParams(spec: any, given: Variables): Verdict[] {
  const variables = { ...given };
  variables['variables'] = composed(spec.variables ?? [], variables);
  return (spec.validations ?? []).flatMap((validation: any) => {
    try {
      if (compileCel(validation.expression).run(variables) === true) return [];
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return broken(spec, `expression '${validation.expression}' resulted in error: ${error.message}`);
    }
    const reason = (validation.reason ?? 'Invalid') as Reason;
    return [{ message: messageOf(validation, variables), reason: reason in REASONS ? reason : 'Invalid' }];
  });
}

/** Each is evaluated when it is first used, and may use those before it. */
function composed(list: ReadonlyArray<{ name: string; expression: string }>, variables: Variables): object {
  const out: Record<string, unknown> = {};
  for (const { name, expression } of list) {
    let value: unknown;
    let isKnown = false;
    Object.defineProperty(out, name, {
      enumerable: true,
      get: () => {
        if (!isKnown) value = compileCel(expression).run({ ...variables, variables: out });
        isKnown = true;
        return value;
      },
    });
  }
  return out;
}

function messageOf(validation: any, variables: Variables): string {
  if (validation.messageExpression !== undefined)
    try {
      const text = compileCel(validation.messageExpression).run(variables);
      if (typeof text === 'string' && text.trim() !== '') return text.trim();
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
  return validation.message?.trim() || `failed expression: ${validation.expression}`;
}

/** One round for each object that the binding names; null: the policy takes none. */
function paramsOf(subject: Subject, spec: any, binding: KubeObject): Array<KubeObject | null> {
  if (spec.paramKind === undefined) return [null];
  const ref = binding['spec']?.paramRef;
  if (ref === undefined) return [null];
  const kind = paramKind(subject.request, spec.paramKind);
  if (kind === undefined)
    throw new CelError(
      `failed to find resource referenced by paramKind: '${spec.paramKind.apiVersion}, Kind=${spec.paramKind.kind}'`,
    );
  const found = paramObjects(subject, kind, ref);
  if (found.length > 0) return found;
  if (ref.parameterNotFoundAction === 'Allow') return [];
  throw new CelError('no params found for policy binding with `Deny` parameterNotFoundAction');
}

function paramKind(
  { kinds }: WriteRequest,
  { apiVersion, kind }: { apiVersion: string; kind: string },
): Kind | undefined {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return kinds?.kinds.find(({ ref }) => ref.group === group && ref.version === version && ref.kind === kind);
}

function paramObjects({ request, object, old }: Subject, kind: Kind, ref: any): KubeObject[] {
  const home = kind.ref.namespaced ? (ref.namespace ?? (object ?? old)?.metadata.namespace ?? '') : '';
  const stream = streamOfKind(kind);
  if (ref.name !== undefined) {
    const item = request.view.get({ stream, namespace: home, name: ref.name });
    return item === undefined ? [] : [viewAs(kind, item).object];
  }
  return [...request.view.list(stream, home)]
    .map((item) => viewAs(kind, item).object)
    .filter(({ metadata }) => selects(ref.selector ?? {}, metadata.labels));
}
