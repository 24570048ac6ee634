// Decides nothing: the shape of one request after its transport is peeled off, and of its answer before one is put on.
// Never knows HTTP or the bus.
import { parseBody } from '../../../lib/api/decode.ts';
import type { ParsedText } from '../../../lib/api/json.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { ToldKind } from '../../../lib/api/table.ts';
import type { Cause } from '../../../lib/bus/messages.ts';
import type { Remote } from '../core/aggregation.ts';
import type { User } from '../core/auth/user.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import type { Page } from '../core/list-objects.ts';
import type { Form } from '../core/media-type.ts';
import type { RequestInfo, ResourceRequest } from '../core/request-info.ts';
import type { RequestStory } from '../core/request-story.ts';
import type { AuditTrail } from './audit/audit-log.ts';
import type { Answers } from './webhooks/answers.ts';
import type { WatchPlan } from './watch-plan.ts';

export interface CallBody {
  contentType: string;
  isEmpty: boolean;
  /** As they came, over HTTP. */
  bytes?: Uint8Array;
  /** `mustBe` names the expected kind in the error. Throws ApiError. */
  parse(mustBe: string, contentType?: string): ParsedText;
}

export interface Call {
  user: User;
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string;
  /** Of `method`, `path` and `query`, where it is known already. */
  info?: RequestInfo;
  /** Milliseconds since 1970; absent: it came within this actor. */
  receivedAt?: number;
  /** What its span will tell. */
  story?: RequestStory;
  /** Where what happens to it is told. */
  audit?: AuditTrail;
  /** The program that asks, when it says so. */
  userAgent?: string;
  body: CallBody;
  /** An actor's: it sees what the bus carries, which are not the objects of other servers. */
  isBus?: boolean;
  /** Of an actor's request. */
  cause: Cause | undefined;
  /** Collected for `Warning: 299` headers. */
  warnings: Set<string>;
  /** Of webhooks; there once the first plan is made. */
  answers?: Answers;
  dryRun?: boolean;
  /** Of a deletion, from its body. */
  options?: object;
}

export type Answer =
  /** `text`: the body as JSON, where it is at hand; `kind`: what it is of, where it may be told in another form. */
  | { type: 'object'; code: number; body: unknown; text?: Uint8Array | undefined; kind?: ToldKind }
  /** A stored object: its bytes may be at hand. */
  | { type: 'item'; code: number; kind: Kind; item: CachedObject; form: Form; includeObject: string | null }
  | { type: 'list'; code: number; kind: Kind; page: Page; form: Form; includeObject: string }
  | { type: 'bytes'; code: number; contentType: string; bytes: Uint8Array; headers: Record<string, string> }
  | { type: 'watch'; plan: WatchPlan }
  /** Another server answers. */
  | { type: 'proxy'; remote: Remote }
  /** A conversation with the kubelet of the pod's node. */
  | { type: 'stream'; info: ResourceRequest; pod: CachedObject };

export function bytesBody(bytes: Uint8Array, contentType: string): CallBody {
  return {
    contentType,
    isEmpty: bytes.length === 0,
    bytes,
    parse: (mustBe, as = contentType) => parseBody(bytes, as, mustBe),
  };
}

/** The body of a bus request is decoded already. */
export function valueBody(value: unknown, contentType: string): CallBody {
  return {
    contentType,
    isEmpty: value === undefined || value === null,
    parse: () => ({ value, duplicates: [] }),
  };
}
