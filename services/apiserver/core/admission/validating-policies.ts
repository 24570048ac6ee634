// Decides what ValidatingAdmissionPolicies say of a write: each binding lays a policy over some writes, with parameters. Never
// changes an object.
import { CelError, compileCel } from '../../../../lib/api/cel/cel.ts';
import { celOf } from '../../../../lib/api/cel/values.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ApiError, isReason, REASONS, type Reason } from '../../../../lib/base/errors.ts';
import { detailsOf, qualified, type WriteRequest } from '../pipeline/plan.ts';
import { meets, variablesOf, type Variables } from './match-conditions.ts';
import { isExempt, matchedKind, operationOf, type Subject } from './matching.ts';
import { bindingMatches, composed, matchingOf, paramsOf } from './policies.ts';

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
