// Decides the shape of everything that travels on the bus, version 1. Fields are only ever added. Never validates:
// a receiver checks what it decodes.
import type { Status } from '../base/errors.ts';

export const MESSAGE_VERSION = 1;

// ---- causes -------------------------------------------------------------------------------------------------------

/** What made a write happen: the span that wrote it, and the revisions or the request that span reacted to. */
export interface Cause {
  /** Id of the span that makes the write; the tree of an apply hangs together by these. */
  span: string;
  /** Instance that acts: `controller-manager-1`. */
  actor: string;
  /** Revisions that woke it. */
  revisions?: number[];
}

/** Who wrote a revision that woke a span, as the event of that change says: known even where the writer died untold. */
export interface WokenBy extends Cause {
  revision: number;
  kind: string;
  namespace: string;
  name: string;
}

/** One thing an actor did, or decided not to do. Published on `trace`, kept in the actor's ring. */
export interface Span {
  version: number;
  /** `<instance>/<boot>/<n>`: unique in the cluster's life. */
  id: string;
  actor: string;
  instance: string;
  /** What was done: request, reconcile, schedule, sync, rules, commit, elect … */
  verb: string;
  kind: string;
  namespace: string;
  name: string;
  /** Revisions that woke it, the span whose request it serves, if any, and who wrote the newest of the revisions. */
  causes: { revisions: number[]; span?: string; by?: WokenBy[] };
  /** Milliseconds since 1970 when work began. */
  startedAt: number;
  /** Milliseconds waited in the queue before that. */
  queuedMs: number;
  durationMs: number;
  outcome: 'changed' | 'unchanged' | 'refused' | 'failed';
  /** One line each: what it saw, what it did, and why nothing or why it failed. Never a Secret's values. */
  saw: string;
  did: string[];
  why?: string;
  wrote: SpanWrite[];
  /** How often the same was tried before, without success. */
  retries?: number;
  /** How often another's write came between looking and writing, so that it had to look again. */
  conflicts?: number;
  /** Of a request to the API. */
  request?: RequestTrace;
}

/** What became of a request, stage by stage. Never a value of its object. */
export interface RequestTrace {
  user: string;
  verb: string;
  /** `pods`, `deployments/scale` */
  resource: string;
  /** Of the object, where there was one before and is one after. */
  revisionBefore?: number;
  revisionAfter?: number;
  /** Steps by their names; what was refused went no further. Absent: they were not asked. */
  admission?: { passed: string[]; changed: string[]; refused?: string };
  /** Milliseconds by stage: authenticate, queue, receive, authorize, decode, wait, plan, store; read. */
  stagesMs: Record<string, number>;
}

export interface SpanWrite {
  verb: string;
  kind: string;
  namespace: string;
  name: string;
  revision: number;
}

/** Answers are pages, oldest first: ask again with the last id as `after` until nothing comes. */
export interface TraceQuery {
  /** Milliseconds since 1970. */
  sinceMs?: number;
  /** With `after`: of the next; without: of the newest. */
  limit?: number;
  /** Id of the last span of the page before. */
  after?: string;
  /** From now on for so long, requests that only look are told, too: nobody pays for that while nobody wishes it. */
  readsForMs?: number;
}

// ---- store --------------------------------------------------------------------------------------------------------

/** The key's revision of last change must be `revision`; 0: the key must not exist. */
export interface Compare {
  key: string;
  revision: number;
}

/** `lease`: the key ends with it; a put without one takes the key out of the lease that it was in. */
export type Operation =
  | { type: 'put'; key: string; value: Uint8Array; lease?: string }
  | { type: 'delete'; key: string };

/** All operations or none. `sequence` counts up within a session, so that a retry is not applied twice. */
export interface Txn {
  sequence: number;
  compares: Compare[];
  operations: Operation[];
  cause: Cause;
}

export interface StoreWrite {
  /** One session per API actor's life; its last answers live in the replicated state. */
  session: string;
  /** Answers up to this sequence have arrived: the store may forget them. */
  acknowledged: number;
  /**
   * A log index that the writer was told before it began the session; 0 if none. A session that the store has never heard of is
   * new only if it began after the last one that the store has forgotten: otherwise it may be that one.
   */
  since?: number | undefined;
  txns: Txn[];
}

export type TxnResult =
  | { sequence: number; ok: true; revision: number }
  | { sequence: number; ok: false; reason: 'conflict'; key: string; current: number }
  | { sequence: number; ok: false; reason: 'forgotten' | 'too-large' | 'quota' | 'no-lease'; message: string };

export type StoreRefusal = {
  /** invalid: not a message of the store's; asking again does not help. */
  refused: 'notLeader' | 'noQuorum' | 'overloaded' | 'stopping' | 'invalid';
  leader: string;
  message: string;
};
/** `index`: of the log entry that told the results; absent when none was needed. */
export type StoreWriteReply = { results: TxnResult[]; index?: number } | StoreRefusal;

/** One changed key of a committed transaction. */
export interface CommittedChange {
  type: 'put' | 'delete';
  key: string;
  /** Empty for a delete. */
  value: Uint8Array;
  /** Revision that created this key's present life. */
  createRevision: number;
}

export interface CommittedTxn {
  revision: number;
  changes: CommittedChange[];
  cause: Cause;
}

/** The leader's stream of commits; `previous` is the last revision before the first txn in here. */
export interface StoreCommitted {
  version: number;
  member: string;
  term: number;
  previous: number;
  txns: CommittedTxn[];
}

export interface KeyValue {
  key: string;
  value: Uint8Array;
  createRevision: number;
  modRevision: number;
}

export type StoreQuery =
  /** Leader only: a revision that includes every write acknowledged before the question (Raft ReadIndex). */
  | { query: 'readIndex' }
  /** Any member, from its applied state at `revision` (0: its latest); pages by `after` (exclusive key). */
  | { query: 'range'; prefix: string; after: string; limit: number; revision: number }
  /** Any member: committed transactions after `since`, oldest first. */
  | { query: 'history'; since: number; limit: number }
  | { query: 'status' };

export type StoreQueryReply =
  | { readIndex: { revision: number; index?: number } }
  | { range: { items: KeyValue[]; revision: number; more: boolean } }
  | { history: { txns: CommittedTxn[]; revision: number; more: boolean } }
  | { compacted: { oldest: number } }
  | { status: StoreStatus }
  | StoreRefusal;

export interface StoreStatus {
  member: string;
  clusterId: string;
  role: string;
  leader: string;
  term: number;
  commit: number;
  applied: number;
  lastIndex: number;
  revision: number;
  compactedRevision: number;
  keys: number;
  logBytes: number;
  fsyncP99Ms: number;
  hash: string;
  voters: string[];
  learners: string[];
  /** On the leader: by member, the last index known to be on its disk. */
  match: Record<string, number>;
  /** Of the last snapshot on its disk; 0: none yet. */
  snapshotIndex: number;
  snapshotBytes: number;
  /** Keys and values alive, and how much of them is allowed. */
  liveBytes: number;
  quotaBytes: number;
  leases: number;
  /** What an operator must know, in words; empty when all is well. */
  alarms: string[];
  /** On the leader: bytes of a snapshot that were sent to a member that needs one. */
  snapshotSent: Record<string, number>;
  /** On the leader: who was heard lately. */
  alive: string[];
}

/** Asked by the operator or an API actor. All but `status` and the snapshot's are the leader's. */
export type StoreOperation =
  | { operation: 'transfer'; to: string }
  | { operation: 'compact'; revision: number }
  /** As a learner; it becomes a voter by itself when it has caught up, in the place of `replaces` if that is named. */
  | { operation: 'addMember'; member: string; replaces?: string }
  | { operation: 'removeMember'; member: string }
  /** The same id again renews it. */
  | { operation: 'leaseGrant'; id: string; ttlSeconds: number }
  | { operation: 'leaseKeepAlive'; id: string }
  | { operation: 'leaseRevoke'; id: string }
  | { operation: 'status' }
  /** The state as one file that stays readable for a minute after the last read. */
  | { operation: 'snapshotOpen' }
  | { operation: 'snapshotRead'; index: number; offset: number };

export type StoreOperationReply =
  | { done: true }
  | { lease: { ttlMs: number; remainingMs: number } }
  | { status: StoreStatus }
  | { snapshot: StoreSnapshotOffer }
  | { data: Uint8Array }
  | StoreRefusal;

export interface StoreSnapshotOffer {
  clusterId: string;
  member: string;
  index: number;
  term: number;
  sizeBytes: number;
  /** SHA-256 of all bytes. */
  hash: string;
  /** false: no majority confirmed that nothing newer was acknowledged. */
  isCurrent: boolean;
}

// ---- API ----------------------------------------------------------------------------------------------------------

/** A REST request over the bus; identity is the `from` token of the subject, never a field. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/apis/apps/v1/namespaces/default/deployments/web/status` */
  path: string;
  query?: Record<string, string>;
  /** For PATCH. */
  contentType?: string;
  /** The decoded object. */
  body?: unknown;
  cause?: Cause;
  /** The user in whose name it is made, where that is not the sender's own: the sender must be allowed to speak for it. */
  as?: string;
}

export interface ApiResponse {
  code: number;
  /** An object, a list, or a Status. */
  body: unknown;
  warnings?: string[];
}

/** One change of one object, on `watch` and (pods) on `nodePods`. */
export interface ResourceEvent {
  version: number;
  group: string;
  resource: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  namespace: string;
  name: string;
  revision: number;
  /** Revision of the event before this one in the same stream (`watch`: group and resource; `nodePods`: node). */
  previous: number;
  /** Whole object as JSON, as it lies in the store; of a delete, the last state. `unpackObject` gives it the event's revision. */
  json: Uint8Array;
  cause: Cause;
  /** Instance of the API actor that says it; absent: one that knew no such field. */
  apiserver?: string;
}

/** Last revision of every stream with events: key `<group>/<resource>` or `node/<node>`. */
export interface Progress {
  version: number;
  apiserver: string;
  revision: number;
  streams: Record<string, number>;
}

// ---- kubelet streams ----------------------------------------------------------------------------------------------

export interface StreamOpen {
  /** Chosen by the opener; frames to the opener go to stream.<opener>.<acceptor>.<id>, and the reverse. */
  id: string;
  namespace: string;
  pod: string;
  uid?: string;
  container: string;
  /** exec, attach: argv and which channels. */
  command?: string[];
  stdin?: boolean;
  tty?: boolean;
  /** logs: as the query of pods/log. */
  logs?: {
    follow?: boolean;
    previous?: boolean;
    tailLines?: number;
    sinceSeconds?: number;
    sinceTime?: string;
    timestamps?: boolean;
    limitBytes?: number;
  };
  /** portforward: container port. */
  port?: number;
  /** page: which one of the kubelet's. */
  path?: string;
}

export type StreamOpened = { opened: true } | { refused: Status };

export type StreamFrame =
  | { seq: number; type: 'data'; channel: 'stdin' | 'stdout' | 'stderr'; data: Uint8Array }
  | { seq: number; type: 'end'; channel: 'stdin' | 'stdout' | 'stderr' }
  | { seq: number; type: 'resize'; width: number; height: number }
  /** The receiver has consumed this many bytes in all. */
  | { seq: number; type: 'credit'; bytes: number }
  | { seq: number; type: 'exit'; code: number }
  | { seq: number; type: 'error'; status: Status };

/** What the containers of a node use; told on the channel of the verb `usage`, as JSON. */
export interface NodeUsage {
  /** Milliseconds since 1970. */
  at: number;
  /** The processor's figures are means of this time. */
  windowMs: number;
  containers: ContainerUsage[];
}

export interface ContainerUsage {
  /** Of the pod. */
  uid: string;
  name: string;
  cpuNanoCores: number;
  /** Since it began. */
  cpuNanoSeconds?: number;
  memoryBytes: number;
}

/** A page of a kubelet, as it would be over HTTP; told on the channel of the verb `page`, as JSON. */
export interface NodePage {
  code: number;
  contentType: string;
  body: string;
}

// ---- actors -------------------------------------------------------------------------------------------------------

export interface ActorState {
  version: number;
  actor: string;
  instance: string;
  state: string;
  at: number;
  why?: string;
}

export interface ActorStatus {
  actor: string;
  instance: string;
  pid: number;
  startedAt: number;
  state: string;
  /** What the actor says of itself: role, term, commit, leads, queue lengths, rules … */
  details: Record<string, string | number | boolean>;
}

// ---- faults -------------------------------------------------------------------------------------------------------

/** Messages of one actor that are lost, late, doubled or out of order. */
export interface MessageRule {
  /** A pattern of subjects as NATS writes them, without the cluster's token: `raft.>`, `apiserver.evt.>`. */
  subject: string;
  /** As the actor sees it; absent: both. A request and its answer have the same subject, and opposite directions. */
  direction?: 'in' | 'out';
  /** Only what is said to, or by, this instance, as far as the subject map tells. */
  peer?: string;
  action: 'drop' | 'delay' | 'duplicate' | 'reorder';
  /** 0 to 1; absent: every message. */
  probability?: number;
  /** Of delay: how long; of reorder: the most that a message may be overtaken by. */
  delayMs?: number;
}

/** What a store member's directory does to it. */
export interface DiskRule {
  /** Whatever needs space fails with ENOSPC: new files and every write. Reading, syncing and removing go on. */
  full?: boolean;
  /** Each write and fsync takes this much longer. */
  slowMs?: number;
}

/** What an actor does to itself while it is told to; all of it ends by itself when nobody renews it. */
export interface InnerFaults {
  messages?: MessageRule[];
  disk?: DiskRule;
  clockSkewMs?: number;
}

/** Breaks the actor that hears it, from inside, or renews or ends what an earlier order with the same id broke. */
export interface FaultOrder {
  version: number;
  id: string;
  /** It ends this long after the last order, by the actor's own monotonic time; 0: now. */
  leaseMs: number;
  faults: InnerFaults;
}

/** `active`: orders that hold now. */
export type FaultReply = { instance: string; active: number } | { refused: string };
