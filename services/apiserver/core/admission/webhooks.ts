// Decides which admission webhooks a write must pass, in which order, and what their answers make of it. Never calls one: what
// it needs to know it asks for (`NeedsAnswer`), and is asked again with the answer.
import { CelError } from '../../../../lib/api/cel/cel.ts';
import { equalJson } from '../../../../lib/api/equality.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { withReplicas } from '../../../../lib/api/scale.ts';
import { ApiError, type Reason, type StatusDetails } from '../../../../lib/base/errors.ts';
import { patched } from '../pipeline/patch.ts';
import { forbiddenBy, type WriteRequest } from '../pipeline/plan.ts';
import { hasOperations, namedAs, patchTrouble, withTime } from './webhook-patch.ts';
import { meets, variablesOf, type MatchCondition } from './match-conditions.ts';
import {
  admissionRequest,
  asKind,
  isExempt,
  isOfScale,
  matchedKind,
  operationOf,
  shown,
  type Matching,
  type SentObject,
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
      patchType?: string;
      warnings?: string[];
      auditAnnotations?: Record<string, string>;
    }
  | { failure: string };

export interface Question {
  key: string;
  call: WebhookCall;
}

/** The plan cannot be made before these are answered; they may be asked at the same time. */
export class NeedsAnswer extends Error {
  readonly questions: readonly Question[];

  constructor(questions: readonly Question[]) {
    super(`the webhook ${questions[0]?.call.name} has not been asked yet`);
    this.questions = questions;
  }
}

interface Webhook extends Matching {
  name: string;
  /** Of the object that it stands in. */
  configuration: string;
  /** Among all of its sort. */
  index: number;
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
  return [...request.view.list(stream)]
    .flatMap(({ object }) =>
      ((object['webhooks'] ?? []) as Webhook[]).map((webhook) => ({ ...webhook, configuration: object.metadata.name })),
    )
    .map((webhook, index) => ({ ...webhook, index }));
}

/** A round over all mutating webhooks; the next one asks again those that others have changed something behind. */
export class MutatingWebhooks {
  readonly #request: WriteRequest;
  readonly #object: KubeObject;
  readonly #old: KubeObject | undefined;
  readonly #webhooks: readonly Webhook[];
  /** What each left behind. */
  readonly #left = new Map<Webhook, KubeObject>();

  constructor(request: WriteRequest, object: KubeObject, old: KubeObject | undefined) {
    this.#request = request;
    this.#object = object;
    this.#old = old;
    this.#webhooks = webhooksOf(request, MUTATING);
  }

  /** Changes the object as the webhooks' patches say, one after the other. */
  run(): void {
    for (const webhook of this.#webhooks) this.#pass(webhook, 0);
  }

  /** Who wants to be asked again after others changed the object is, once; who was not asked before is not. */
  runAgain(): void {
    for (const webhook of this.#webhooks) {
      const left = this.#left.get(webhook);
      if (left !== undefined && webhook.reinvocationPolicy === 'IfNeeded' && !equalJson(left, this.#object))
        this.#pass(webhook, 1);
    }
  }

  #pass(webhook: Webhook, round: number): void {
    const request = this.#request;
    const object = this.#object;
    const subject: Subject = { request, operation: operationOf(this.#old), object, old: this.#old };
    const answer = answerOf(webhook, subject, round);
    if (answer === undefined) return;
    const isChanged = answer.patch !== undefined && applyPatch(request, webhook, subject, answer.patch, round);
    tellMutation(request, webhook, round, isChanged);
    this.#left.set(webhook, structuredClone(object));
  }
}

export function validatingWebhooks(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
  validate({ request, operation: operationOf(old), object, old });
}

/** A mutating webhook may refuse a deletion, too; there is nothing that it could change. */
export function webhooksOnDelete(request: WriteRequest, old: KubeObject): void {
  onlyAsk({ request, operation: 'DELETE', object: undefined, old });
}

/** Nor is there of a connection or an eviction. */
export function webhooksOnSent(request: WriteRequest, operation: 'CONNECT' | 'CREATE', sent: SentObject): void {
  onlyAsk({ request, operation, object: undefined, old: undefined, sent });
}

function onlyAsk(subject: Subject): void {
  const { request } = subject;
  for (const webhook of webhooksOf(request, MUTATING)) {
    const answer = answerOf(webhook, subject, 0);
    if (answer?.patch !== undefined)
      throw internal(
        `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
      );
    if (answer !== undefined) tellMutation(request, webhook, 0, false);
  }
  validate(subject);
}

/** All are asked at the same time, and each may warn; the first that says no is the refusal. */
function validate(subject: Subject): void {
  const questions: Question[] = [];
  let refused: ApiError | undefined;
  for (const webhook of webhooksOf(subject.request, VALIDATING))
    try {
      answerOf(webhook, subject);
    } catch (error) {
      if (error instanceof NeedsAnswer) questions.push(...error.questions);
      else if (error instanceof ApiError) refused ??= error;
      else throw error;
    }
  if (questions.length > 0) throw new NeedsAnswer(questions);
  if (refused !== undefined) throw refused;
}

/** For the audit log: whether a webhook changed the object. */
function tellMutation(request: WriteRequest, webhook: Webhook, round: number, mutated: boolean): void {
  const { configuration, name } = webhook;
  const key = `mutation.webhook.admission.k8s.io/${placeOf(webhook, round)}`;
  request.annotate?.(key, JSON.stringify({ configuration, webhook: name, mutated }));
}

const placeOf = ({ index }: Webhook, round: number): string => `round_${round}_index_${index}`;

/** Upstream's words and shape for what nobody but the server could mend. */
function internal(message: string): ApiError {
  return new ApiError('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

type Allowed = Exclude<WebhookAnswer, { failure: string }>;

/** Undefined: the webhook is not about this write, or its failure is passed over. `round`: of a mutating one. Throws its refusal. */
function answerOf(webhook: Webhook, subject: Subject, round?: number): Allowed | undefined {
  const { request } = subject;
  const matched = matchedKind(webhook, subject);
  if (matched === undefined || !isMeant(webhook, subject, matched)) return undefined;
  const call = callOf(webhook, subject, matched);
  const answer = request.ask!(JSON.stringify([webhook.clientConfig, call.request]), call);
  const failure = 'failure' in answer ? answer.failure : patchProblem(answer, round !== undefined);
  if (failure !== undefined) {
    if (webhook.failurePolicy !== 'Ignore')
      throw internal(`failed calling webhook ${JSON.stringify(webhook.name)}: ${failure}`);
    const sort = round === undefined ? 'validating' : 'mutation';
    request.annotate?.(`failed-open.${sort}.webhook.admission.k8s.io/${placeOf(webhook, round ?? 0)}`, webhook.name);
    if (round !== undefined) tellMutation(request, webhook, round, false);
    return undefined;
  }
  const allowed = answer as Allowed;
  for (const [key, value] of Object.entries(allowed.auditAnnotations ?? {}))
    request.annotate?.(`${webhook.name}/${key}`, value);
  for (const warning of allowed.warnings ?? []) request.warn?.(warning);
  if (!allowed.allowed) throw refusal(webhook, allowed);
  return allowed;
}

/** Why the answer cannot be understood. */
function patchProblem({ patch = '', patchType }: Allowed, mayPatch: boolean): string | undefined {
  const told = ((): string | undefined => {
    if (!mayPatch && patch !== '') return 'validating webhook may not return response.patch';
    if (!mayPatch && patchType !== undefined) return 'validating webhook may not return response.patchType';
    if (patch !== '' && patchType === undefined) return 'webhook returned response.patch but not response.patchType';
    if (patch === '' && patchType !== undefined) return 'webhook returned response.patchType but not response.patch';
    if (patchType === '') return 'webhook returned invalid response.patchType of ""';
    return undefined;
  })();
  if (told !== undefined) return `received invalid webhook response: ${told}`;
  return patch !== '' && patchType !== 'JSONPatch' && hasOperations(patch)
    ? `unsupported patch type ${JSON.stringify(patchType)}`
    : undefined;
}

function isMeant(webhook: Webhook, subject: Subject, matched: Kind): boolean {
  if ((webhook.matchConditions ?? []).length === 0) return true;
  try {
    return meets(webhook.matchConditions, variablesOf(subject, matched));
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    if (webhook.failurePolicy === 'Ignore') return false;
    const { request, object, old } = subject;
    throw forbiddenBy(request.kind, (object ?? old)?.metadata.name ?? request.info.name, error.message);
  }
}

const OPTIONS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: undefined };

function callOf(webhook: Webhook, subject: Subject, matched: Kind): WebhookCall {
  const { request, object, old, operation } = subject;
  const options = OPTIONS[operation];
  return {
    name: webhook.name,
    clientConfig: webhook.clientConfig,
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
    version: (webhook.admissionReviewVersions ?? ['v1']).find((one) => one === 'v1' || one === 'v1beta1') ?? 'v1',
    request: {
      ...admissionRequest(subject, matched),
      object: subject.sent?.object ?? shown(subject, matched, object) ?? null,
      oldObject: shown(subject, matched, old) ?? null,
      options: options === undefined ? null : { kind: options, apiVersion: 'meta.k8s.io/v1', ...request.options },
    },
  };
}

function refusal({ name }: Webhook, { status = {} }: Allowed): ApiError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = status.message || status.reason || '';
  // Whatever it gives as its reason is told.
  const reason = (status.reason ?? '') as Reason | '';
  return new ApiError(
    reason,
    message === '' ? `${denied} without explanation` : `${denied}: ${message}`,
    status.details,
    { code: codeOf(status.code ?? 0) },
  );
}

/** 400 where the refusal gives none, or one that is none of a refusal. Upstream breaks off the connection where HTTP knows no such code. */
const codeOf = (given: number): number => (given > 999 ? 500 : Math.max(400, given));

const SCALE_KIND = {
  ref: { group: 'autoscaling', version: 'v1', resource: 'scales', kind: 'Scale', namespaced: true },
  typeName: 'autoscaling.v1.Scale',
};

/** Whether it changed the object. Throws where it cannot be applied, whatever the webhook's policy. */
function applyPatch(request: WriteRequest, webhook: Webhook, subject: Subject, base64: string, round: number): boolean {
  const { kind } = request;
  const { object } = subject;
  let result: KubeObject;
  let value: unknown;
  let text: string | undefined;
  try {
    text = new TextDecoder().decode(Uint8Array.fromBase64(base64));
    value = JSON.parse(text);
    const patch = { type: 'application/json-patch+json' as const, value, duplicates: [] };
    const matched = matchedKind(webhook, subject) ?? kind;
    const base = withTime(matched, shown(subject, matched, object)!);
    result = isOfScale(subject)
      ? withReplicas(
          object!,
          patched(SCALE_KIND, base, patch, 'Ignore', namedAs(SCALE_KIND)).object['spec']?.replicas ?? 0,
          kind.scale,
        )
      : asKind(matched, kind, patched(matched, base, patch, 'Ignore', namedAs(matched)).object)!;
  } catch (error) {
    const trouble = patchTrouble(error, text);
    // It can be read, but is of another kind: so it is upstream.
    throw trouble.startsWith('converting (') ? new ApiError('', trouble) : internal(trouble);
  }
  const isChanged = !equalJson(object, result);
  const told = { configuration: webhook.configuration, webhook: webhook.name, patch: value, patchType: 'JSONPatch' };
  request.annotate?.(`patch.webhook.admission.k8s.io/${placeOf(webhook, round)}`, JSON.stringify(told), 'Request');
  kind.default(result);
  for (const field of Object.keys(object!)) delete object![field];
  Object.assign(object!, result);
  return isChanged;
}
