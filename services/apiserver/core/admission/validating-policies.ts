// Decides what ValidatingAdmissionPolicies say of a write: each binding lays a policy over some writes, with parameters. Never
// changes an object.
import { Budget, MOST_OF_POLICY, OutOfBudget } from '../../../../lib/api/cel/budget.ts';
import { CelError } from '../../../../lib/api/cel/cel.ts';
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
  try {
    found.push(...validated(spec, given));
    annotate(spec, given, annotations, found);
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    found.push(...broken(spec, error.message));
  }
}

/** Variables are evaluated anew for all that is asked from one budget. */
const withShared = (spec: any, given: Variables, budget: Budget): Variables => ({
  ...given,
  variables: composed(spec.variables ?? [], given, budget),
});

/** What an annotation says is paid from a budget of its own. */
function annotate(spec: any, given: Variables, annotations: Map<string, Set<string>>, found: Verdict[]): void {
  const budget = new Budget(MOST_OF_POLICY);
  const variables = withShared(spec, given, budget);
  for (const { key, valueExpression } of spec.auditAnnotations ?? [])
    try {
      const value = annotationOf(valueExpression, variables, budget);
      if (value !== '') annotations.set(key, (annotations.get(key) ?? new Set()).add(value));
    } catch (error) {
      if (!(error instanceof CelError) || error instanceof OutOfBudget) throw error;
      found.push(...broken(spec, error.message).map((verdict) => ({ ...verdict, isConfiguration: true })));
    }
}

/** Throws OutOfBudget: no validation has a verdict of its own then. */
function validated(spec: any, given: Variables): Verdict[] {
  const budget = new Budget(MOST_OF_POLICY);
  const variables = withShared(spec, given, budget);
  const validations: any[] = spec.validations ?? [];
  const answers = validations.map(({ expression }) => answerOf(expression, variables, budget));
  const messages = messagesOf(validations, withShared(spec, given, budget), budget);
  return validations.flatMap((validation, index) => {
    const answer = answers[index]!;
    if ('error' in answer) return broken(spec, answer.error, index);
    if (messages instanceof OutOfBudget) return broken(spec, `failed messageExpression: ${messages.message}`, index);
    if (answer.value === true) return [];
    const reason = (validation.reason ?? 'Invalid') as Reason;
    const message =
      messages[index] || validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
    return [{ message, reason: reason in REASONS ? reason : 'Invalid', index }];
  });
}

function answerOf(expression: string, variables: Variables, budget: Budget): { value: unknown } | { error: string } {
  try {
    return { value: budget.evaluate(expression, variables) };
  } catch (error) {
    if (!(error instanceof CelError) || error instanceof OutOfBudget) throw error;
    return { error: `expression '${expression}' resulted in error: ${error.message}` };
  }
}

const LONGEST_MESSAGE = 5 * 1024;

/** Those of what is met are evaluated, and paid for, too. '': there is none. */
function messagesOf(validations: readonly any[], variables: Variables, budget: Budget): string[] | OutOfBudget {
  try {
    return validations.map(({ messageExpression }) => {
      if (messageExpression === undefined) return '';
      const answer = answerOf(messageExpression, variables, budget);
      const text = 'value' in answer && typeof answer.value === 'string' ? answer.value.trim() : '';
      return text.includes('\n') || new TextEncoder().encode(text).length > LONGEST_MESSAGE ? '' : text;
    });
  } catch (error) {
    if (error instanceof OutOfBudget) return error;
    throw error;
  }
}

const LONGEST_ANNOTATION = 10 * 1024;

/** '': there is nothing to tell. */
function annotationOf(expression: string, variables: Variables, budget: Budget): string {
  let value: unknown;
  try {
    value = budget.evaluate(expression, variables);
  } catch (error) {
    if (error instanceof OutOfBudget) throw error;
    throw new CelError(`valueExpression '${expression}' resulted in error: ${(error as Error).message}`);
  }
  if (value === null) return '';
  if (typeof value === 'string') return value.trim().slice(0, LONGEST_ANNOTATION);
  throw new CelError(
    `valueExpression '${expression}' resulted in unsupported return type: ${typeof value}. Return type must be either string or null.`,
  );
}
