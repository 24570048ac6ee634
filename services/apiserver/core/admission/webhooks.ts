// Decides which admission webhooks a write must pass, in which order, and what their answers make of it. Never calls one: what
// it needs to know it asks for (`NeedsAnswer`), and is asked again with the answer.
import { CelError } from '../../../../lib/api/cel/cel.ts';
import { equalJson } from '../../../../lib/api/equality.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { ApiError, REASONS, type Reason, type StatusDetails } from '../../../../lib/base/errors.ts';
import { patched } from '../pipeline/patch.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { meets, variablesOf, type MatchCondition } from './match-conditions.ts';
import {
  admissionRequest,
  asKind,
  isExempt,
  matchedKind,
  operationOf,
  type Matching,
  type Subject,
} from './matching.ts';

const MUTATING = 'admissionregistration.k8s.io/mutatingwebhookconfigurations';
const VALIDATING = 'admissionregistration.k8s.io/validatingwebhookconfigurations';

export interface ClientConfig {
  url?: string;
  service?: { namespace: string; name: string; path?: string; port?: number };
  caBundle?: string;
}

export interface WebhookCall {
  /** Of the webhook, for texts. */
  name: string;
  clientConfig: ClientConfig;
  timeoutSeconds: number;
  version: string;
  /** `request` of the AdmissionReview, without its uid. */
  request: Record<string, unknown>;
}

/** `response` of an AdmissionReview, or why there is none. */
export type WebhookAnswer =
  | {
      allowed: boolean;
      status?: { message?: string; reason?: string; code?: number; details?: StatusDetails };
      patch?: string;
      warnings?: string[];
    }
  | { failure: string };

/** The plan cannot be made before this is answered. */
export class NeedsAnswer extends Error {
  readonly key: string;
  readonly call: WebhookCall;

  constructor(key: string, call: WebhookCall) {
    super(`the webhook ${call.name} has not been asked yet`);
    this.key = key;
    this.call = call;
  }
}

interface Webhook extends Matching {
  name: string;
  clientConfig: ClientConfig;
  failurePolicy?: string;
  timeoutSeconds?: number;
  admissionReviewVersions?: string[];
  matchConditions?: MatchCondition[];
  reinvocationPolicy?: string;
}

export const hasWebhooks = ({ view }: Pick<WriteRequest, 'view'>): boolean =>
  view.resource(MUTATING).objects.size + view.resource(VALIDATING).objects.size > 0;

function webhooksOf(request: WriteRequest, stream: string): Webhook[] {
  if (request.ask === undefined || isExempt(request.kind) || request.view.resource(stream).objects.size === 0)
    return [];
  // The cache is in the order of names, as upstream calls them.
  return [...request.view.list(stream)].flatMap(({ object }) => (object['webhooks'] ?? []) as Webhook[]);
}

/** Changes `object` as the webhooks' patches say, one after the other. */
export function mutatingWebhooks(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  const webhooks = webhooksOf(request, MUTATING);
  if (webhooks.length === 0) return;
  const seen = new Map<Webhook, KubeObject>();
  const pass = (webhook: Webhook): void => {
    const subject: Subject = { request, operation: operationOf(old), object, old };
    const answer = answerOf(webhook, subject);
    if (answer?.patch !== undefined) applyPatch(request.kind, webhook, subject, answer.patch);
    seen.set(webhook, structuredClone(object));
  };
  for (const webhook of webhooks) pass(webhook);
  // Who wants to be asked again after others changed the object is, once.
  for (const webhook of webhooks)
    if (webhook.reinvocationPolicy === 'IfNeeded' && !equalJson(seen.get(webhook), object)) pass(webhook);
}

export function validatingWebhooks(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  for (const webhook of webhooksOf(request, VALIDATING))
    answerOf(webhook, { request, operation: operationOf(old), object, old });
}

/** A mutating webhook may refuse a deletion, too; there is nothing that it could change. */
export function webhooksOnDelete(request: WriteRequest, old: KubeObject): void {
  for (const webhook of [...webhooksOf(request, MUTATING), ...webhooksOf(request, VALIDATING)])
    answerOf(webhook, { request, operation: 'DELETE', object: undefined, old });
}

type Allowed = Exclude<WebhookAnswer, { failure: string }>;

/** Undefined: the webhook is not about this write, or its failure is passed over. Throws its refusal. */
function answerOf(webhook: Webhook, subject: Subject): Allowed | undefined {
  const { request } = subject;
  const matched = matchedKind(webhook, subject);
  if (matched === undefined || !isMeant(webhook, subject, matched)) return undefined;
  const call = callOf(webhook, subject, matched);
  const answer = request.ask!(JSON.stringify([webhook.clientConfig, call.request]), call);
  if ('failure' in answer) {
    if (webhook.failurePolicy === 'Ignore') return undefined;
    throw new ApiError(
      'InternalError',
      `Internal error occurred: failed calling webhook ${JSON.stringify(webhook.name)}: failed to call webhook: ${answer.failure}`,
    );
  }
  for (const warning of answer.warnings ?? []) request.warn?.(warning);
  if (!answer.allowed) throw refusal(webhook, answer);
  return answer;
}

function isMeant(webhook: Webhook, subject: Subject, matched: Kind): boolean {
  if ((webhook.matchConditions ?? []).length === 0) return true;
  try {
    return meets(webhook.matchConditions, variablesOf(subject, matched));
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    if (webhook.failurePolicy === 'Ignore') return false;
    throw new ApiError(
      'Forbidden',
      `admission webhook ${JSON.stringify(webhook.name)}: its match conditions could not be evaluated: ${error.message}`,
    );
  }
}

function callOf(webhook: Webhook, subject: Subject, matched: Kind): WebhookCall {
  const { request, object, old, operation } = subject;
  const options = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' }[operation];
  return {
    name: webhook.name,
    clientConfig: webhook.clientConfig,
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
    version: (webhook.admissionReviewVersions ?? ['v1']).find((one) => one === 'v1' || one === 'v1beta1') ?? 'v1',
    request: {
      ...admissionRequest(subject, matched),
      object: asKind(request.kind, matched, object) ?? null,
      oldObject: asKind(request.kind, matched, old) ?? null,
      options: { apiVersion: 'meta.k8s.io/v1', kind: options },
    },
  };
}

function refusal({ name }: Webhook, { status = {} }: Allowed): ApiError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = status.message ?? status.reason ?? '';
  const reason = status.reason !== undefined && status.reason in REASONS ? (status.reason as Reason) : 'Forbidden';
  return new ApiError(
    reason,
    message === '' ? `${denied} without explanation` : `${denied}: ${message}`,
    status.details,
    status.code === undefined || status.code < 400 ? {} : { code: status.code },
  );
}

function applyPatch(kind: Kind, webhook: Webhook, subject: Subject, base64: string): void {
  const { object } = subject;
  let result: KubeObject;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(base64)));
    const patch = { type: 'application/json-patch+json' as const, value, duplicates: [] };
    const matched = matchedKind(webhook, subject) ?? kind;
    const base = asKind(kind, matched, object)!;
    result = asKind(matched, kind, patched(matched, base, patch, 'Ignore').object)!;
  } catch (error) {
    throw new ApiError(
      'InternalError',
      `Internal error occurred: the patch of webhook ${JSON.stringify(webhook.name)} cannot be applied: ${(error as Error).message}`,
    );
  }
  kind.default(result);
  for (const field of Object.keys(object!)) delete object![field];
  Object.assign(object!, result);
}
