// Decides the shape of a decided write: what the store must find unchanged, what changes, and what the client is told.
// Never does it.
import type { CertificateRequest } from '../../../../lib/api/certificate-request.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { ClusterFacts } from '../../../../lib/actor/settings.ts';
import { ApiError, type StatusCause, type StatusDetails } from '../../../../lib/base/errors.ts';
import { LIMITS } from '../../../../lib/base/limits.ts';
import type { Chance } from '../../../../lib/base/chance.ts';
import type { Compare, Operation } from '../../../../lib/bus/messages.ts';
import type { Attributes } from '../auth/attributes.ts';
import type { User } from '../auth/user.ts';
import type { Rbac } from '../auth/rbac.ts';
import { withRevision, type CachedObject } from '../cache/cached-object.ts';
import type { ClusterCache } from '../cache/cluster-cache.ts';
import type { ResourceRequest } from '../request-info.ts';
import type { RequestStory } from '../request-story.ts';
import type { WebhookAnswer, WebhookCall } from '../admission/webhooks.ts';
import { storedText, textAt, type StoredText } from '../cache/stored-text.ts';
import { storedForm } from '../cache/view-as.ts';
import { streamOfKind, type KindTable } from '../served-kinds.ts';
import { keyOf } from '../storage-key.ts';
import type { FieldManager } from './field-owners.ts';

/** What a write is decided from. `view` may be a moment old: the plan's compares catch that. */
export interface WriteRequest {
  readonly user: User;
  readonly info: ResourceRequest;
  readonly kind: Kind;
  readonly view: ClusterCache;
  readonly rbac: Rbac;
  /** Who may do what, for expressions that ask; absent: they learn that nobody can say. */
  readonly authorize?: (asked: Attributes) => { allowed: boolean; reason: string };
  readonly facts: ClusterFacts;
  readonly defaultTolerationSeconds: number;
  /** What is served: policies name kinds. */
  readonly kinds?: KindTable;
  /** What the client asked for besides, as admission is told: field manager, dry run, grace. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly dryRun?: boolean;
  /** Told what each step of admission makes of it. */
  readonly story?: RequestStory | undefined;
  /** For `Warning` headers. */
  readonly warn?: (text: string) => void;
  /** For the audit event. */
  readonly annotate?: (key: string, value: string, atLeast?: 'Request') => void;
  /** What a webhook said; throws NeedsAnswer when it was not asked yet. Absent: webhooks are passed over. */
  readonly ask?: (key: string, call: WebhookCall) => WebhookAnswer;
  /** What is wrong with the signature of a request for a certificate. */
  readonly signatureProblem?: (request: CertificateRequest) => string | undefined;
  /** Absent: who owns which field stays as it is. */
  readonly fieldManager?: FieldManager;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly chance: Chance;
}

/** A write in somebody's name, as every request from outside is. */
export type ManagedRequest = WriteRequest & { readonly fieldManager: FieldManager };

export interface Plan {
  verb: 'create' | 'update' | 'delete' | 'unchanged';
  compares: Compare[];
  operations: Operation[];
  /** The object as it will be, or last was. */
  object: KubeObject;
  code: number;
  /** Body of the answer, once the revision of the write is known; 0 when nothing was written. */
  answer: (revision: number) => unknown;
  /** How that answer comes out of what was encoded for the store, where it does. */
  text?: AnswerText | undefined;
}

interface AnswerText {
  /** A plan that was made of this one may answer something else: then this is not its text. */
  of: Plan['answer'];
  at: (revision: number) => Uint8Array;
}

/** What goes with an object into its transaction. */
export interface Companions {
  compares: Compare[];
  operations: Operation[];
}

export const ALONE: Companions = { compares: [], operations: [] };

export function planCreated(request: WriteRequest, object: KubeObject, companions: Companions): Plan {
  const key = keyFor(request.kind, object);
  const stored = sizedText(request.kind, object);
  const answer = (revision: number): KubeObject => (revision === 0 ? object : withRevision(object, revision));
  return {
    verb: 'create',
    compares: [{ key, revision: 0 }, ...companions.compares],
    operations: [{ type: 'put', key, value: stored.bytes }, ...companions.operations],
    object,
    code: 201,
    answer,
    text: answerText(request.kind, answer, stored),
  };
}

export function planUpdated(
  kind: Kind,
  current: CachedObject,
  object: KubeObject,
  companions: Companions = ALONE,
): Plan {
  const key = keyFor(kind, object);
  const stored = sizedText(kind, object);
  const answer = (revision: number): KubeObject => withRevision(object, revision || current.revision);
  return {
    verb: 'update',
    compares: [{ key, revision: current.revision }, ...companions.compares],
    operations: [{ type: 'put', key, value: stored.bytes }, ...companions.operations],
    object,
    code: 200,
    answer,
    text: answerText(kind, answer, stored),
  };
}

/** `object` is the last state, as the answer and the event show it. */
export function planRemoved(
  kind: Kind,
  current: CachedObject,
  object: KubeObject,
  companions: Companions = ALONE,
): Plan {
  const key = keyFor(kind, object);
  return {
    verb: 'delete',
    compares: [{ key, revision: current.revision }, ...companions.compares],
    operations: [{ type: 'delete', key }, ...companions.operations],
    object,
    code: 200,
    answer: (revision) => withRevision(object, revision || current.revision),
  };
}

export function planUnchanged(current: CachedObject): Plan {
  return {
    verb: 'unchanged',
    compares: [],
    operations: [],
    object: current.object,
    code: 200,
    answer: () => current.object,
  };
}

export function keyFor(kind: Kind, object: KubeObject): string {
  return keyOf({
    stream: streamOfKind(kind),
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
  });
}

/** What is kept in another form than it is told in is encoded for each. */
const answerText = (kind: Kind, of: Plan['answer'], stored: StoredText): AnswerText | undefined =>
  kind.storedAs === undefined ? { of, at: (revision) => textAt(stored, revision) } : undefined;

/** The answer of a write at its revision as JSON, if it is at hand. */
export function textOf({ answer, text }: Plan, revision: number): Uint8Array | undefined {
  return revision > 0 && text?.of === answer ? text.at(revision) : undefined;
}

function sizedText(kind: Kind, object: KubeObject): StoredText {
  const stored = storedText(storedForm(kind, object));
  const { bytes } = stored;
  if (bytes.length > LIMITS.objectBytes)
    throw new ApiError(
      'RequestEntityTooLarge',
      `${qualified(kind)} ${JSON.stringify(object.metadata.name)} is ${bytes.length} bytes, more than an object may have: ${LIMITS.objectBytes}`,
      detailsOf(kind, object.metadata.name),
    );
  return stored;
}

/** `deployments.apps`, `pods` */
export function qualified(kind: Kind): string {
  return kind.ref.group === '' ? kind.ref.resource : `${kind.ref.resource}.${kind.ref.group}`;
}

export function detailsOf(kind: Kind, name: string, causes?: StatusCause[]): StatusDetails {
  const { group, resource } = kind.ref;
  return { name, ...(group === '' ? {} : { group }), kind: resource, ...(causes === undefined ? {} : { causes }) };
}

export function notFound(kind: Kind, name: string): ApiError {
  return new ApiError('NotFound', `${qualified(kind)} ${JSON.stringify(name)} not found`, detailsOf(kind, name));
}

export function alreadyExists(kind: Kind, name: string): ApiError {
  return new ApiError(
    'AlreadyExists',
    `${qualified(kind)} ${JSON.stringify(name)} already exists`,
    detailsOf(kind, name),
  );
}

export const MODIFIED_TEXT =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(kind: Kind, name: string, why: string = MODIFIED_TEXT): ApiError {
  return new ApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(kind)} ${JSON.stringify(name)}: ${why}`,
    detailsOf(kind, name),
  );
}

/** Admission's no: `pods "x" is forbidden: …`. */
export function forbiddenBy(kind: Kind, name: string, why: string, causes?: StatusCause[]): ApiError {
  return new ApiError(
    'Forbidden',
    `${qualified(kind)} ${JSON.stringify(name)} is forbidden: ${why}`,
    detailsOf(kind, name, causes),
  );
}
