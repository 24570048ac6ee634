// Decides what ValidatingAdmissionPolicies say of a write: each binding lays a policy over some writes, with parameters. Never
// changes an object.
import { CelError, compileCel } from '../../../../lib/api/cel/cel.ts';
import { celOf } from '../../../../lib/api/cel/values.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ApiError, isReason, REASONS, type Reason } from '../../../../lib/base/errors.ts';
import { detailsOf, qualified, type WriteRequest } from '../pipeline/plan.ts';
import { meets, variablesOf, type Variables } from './match-conditions.ts';
import { isExempt, matchedKind, operationOf, type SentObject, type Subject } from './matching.ts';
import { bindingMatches, composed, matchingOf, paramsOf } from './policies.ts';

const POLICIES = 'admissionregistration.k8s.io/validatingadmissionpolicies';
const BINDINGS = 'admissionregistration.k8s.io/validatingadmissionpolicybindings';

interface Verdict {
  message: string;
  reason: Reason;
  /** Of the validation that failed. */
  index: number;
  /** What is wrong with an annotation for the audit log refuses, whatever the binding asks for. */
  isConfiguration?: boolean;
}

export function validatingPolicies(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  judge({ request, operation: operationOf(old), object, old });
}

export function validatingPoliciesOnDelete(request: WriteRequest, old: KubeObject): void {
  judge({ request, operation: 'DELETE', object: undefined, old });
}

export function validatingPoliciesOnSent(
  request: WriteRequest,
  operation: 'CONNECT' | 'CREATE',
  sent: SentObject,
): void {
  judge({ request, operation, object: undefined, old: undefined, sent });
}

/** Whether any has a say. */
export const hasValidatingPolicies = (request: Pick<WriteRequest, 'view'>): boolean =>
  request.view.resource(BINDINGS).objects.size > 0;

/** All policies are asked, so that each can warn; the first that denies is the refusal. */
function judge(subject: Subject): void {
  const { request } = subject;
  if (!hasValidatingPolicies(request) || isExempt(request.kind)) return;
  let refusal: ApiError | undefined;
  for (const binding of request.view.list(BINDINGS)) {
    const name: string = binding.object['spec']?.policyName ?? '';
    const policy = request.view.get({ stream: POLICIES, namespace: '', name })?.object;
    if (policy === undefined) continue;
    const { found, annotations } = verdicts(subject, policy, binding.object);
    for (const verdict of found) refusal ??= act(subject, binding.object, verdict);
    for (const [key, values] of annotations) request.annotate?.(`${name}/${key}`, [...values].join(', '));
  }
  if (refusal !== undefined) throw refusal;
}

/** The refusal, where the binding asks for one. */
function act(
  { request, object, old }: Subject,
  binding: KubeObject,
  { message, reason, index, isConfiguration = false }: Verdict,
): ApiError | undefined {
  const { policyName, validationActions = [] } = binding['spec'];
  const about = `ValidatingAdmissionPolicy '${policyName}' with binding '${binding.metadata.name}'`;
  const does = (action: string): boolean => !isConfiguration && validationActions.includes(action);
  if (does('Warn')) request.warn?.(`Validation failed for ${about}: ${message}`);
  if (does('Audit'))
    request.annotate?.(
      'validation.policy.admission.k8s.io/validation_failure',
      JSON.stringify([
        { message, policy: policyName, binding: binding.metadata.name, expressionIndex: index, validationActions },
      ]),
    );
  if (!does('Deny') && !isConfiguration) return undefined;
  const told = `${about} denied request: ${message}`;
  const name = (object ?? old)?.metadata.name ?? request.info.name;
  return new ApiError(
    reason,
    `${qualified(request.kind)} ${JSON.stringify(name)} is forbidden: ${told}`,
    detailsOf(request.kind, name, [{ message: told }]),
  );
}

interface Judgement {
  found: Verdict[];
  /** For the audit event: one value, or several where parameters make them differ. */
  annotations: Map<string, Set<string>>;
}

function verdicts(subject: Subject, policy: KubeObject, binding: KubeObject): Judgement {
  const judgement: Judgement = { found: [], annotations: new Map() };
  const spec = policy['spec'] ?? {};
  const matching = matchingOf(spec);
  const matched = matchedKind(matching, subject);
  if (matched === undefined || !bindingMatches(binding, matching, subject)) return judgement;
  const variables = variablesOf(subject, matched);
  try {
    for (const params of paramsOf(subject, spec, binding)) {
      const given = { ...variables, params: celOf(params) };
      if (meets(spec.matchConditions, given)) judgeWith(spec, given, judgement);
    }
  } catch (error) {
    if (!(error instanceof CelError) && !isReason(error, 'Invalid')) throw error;
    const { message } = error as Error;
    judgement.found = broken(
      spec,
      message.startsWith('no params found') ? `failed to configure binding: ${message}` : message,
    );
  }
  return judgement;
}

/** What cannot be evaluated refuses or is passed over, as the policy says. */
const broken = (spec: any, message: string, index = 0): Verdict[] =>
  spec.failurePolicy === 'Ignore' ? [] : [{ message, reason: 'Invalid', index }];

function judgeWith(spec: any, given: Variables, { found, annotations }: Judgement): void {
  const variables = { ...given };
  variables['variables'] = composed(spec.variables ?? [], variables);
  (spec.validations ?? []).forEach((validation: any, index: number) =>
    found.push(...validated(spec, validation, variables, index)),
  );
  for (const { key, valueExpression } of spec.auditAnnotations ?? [])
    try {
      const value = annotationOf(valueExpression, variables);
      if (value !== '') annotations.set(key, (annotations.get(key) ?? new Set()).add(value));
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      found.push(...broken(spec, error.message).map((verdict) => ({ ...verdict, isConfiguration: true })));
    }
}

function validated(spec: any, validation: any, variables: Variables, index: number): Verdict[] {
  try {
    if (compileCel(validation.expression).run(variables) === true) return [];
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return broken(spec, `expression '${validation.expression}' resulted in error: ${error.message}`, index);
  }
  const reason = (validation.reason ?? 'Invalid') as Reason;
  return [{ message: messageOf(validation, variables), reason: reason in REASONS ? reason : 'Invalid', index }];
}

const LONGEST_ANNOTATION = 10 * 1024;

/** '': there is nothing to tell. */
function annotationOf(expression: string, variables: Variables): string {
  let value: unknown;
  try {
    value = compileCel(expression).run(variables);
  } catch (error) {
    throw new CelError(`valueExpression '${expression}' resulted in error: ${(error as Error).message}`);
  }
  if (value === null) return '';
  if (typeof value === 'string') return value.trim().slice(0, LONGEST_ANNOTATION);
  throw new CelError(
    `valueExpression '${expression}' resulted in unsupported return type: ${typeof value}. Return type must be either string or null.`,
  );
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
