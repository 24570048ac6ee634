// Decides who may say what to whom: every subject of the bus once, with its owner, kind of message, delivery and
// permissions. Never carries a message. The permissions of nats-server and the table in lib/bus/README.md are
// generated from SUBJECTS.
import { encodeToken } from '../base/ids.ts';

/** The actors that hold credentials. `operator` is the cluster's owner at the CLI, `observer` may only look. */
export const ACTORS = [
  'store',
  'apiserver',
  'scheduler',
  'controller-manager',
  'kubelet',
  'kube-proxy',
  'dns',
  'dashboard',
  'operator',
  'observer',
] as const;
export type ActorName = (typeof ACTORS)[number];

/** One holder of a credential: `{ actor: 'kubelet', instance: 'kubelet-node-2', node: 'node-2' }`. */
export interface Identity {
  actor: ActorName;
  instance: string;
  node?: string;
}

/**
 * A parameter of a pattern may be bound by a permission to who holds the credential: `self` = the instance,
 * `node` = its node, `actor` = its actor name. Unbound parameters are wildcards.
 */
export type Binding = Record<string, 'self' | 'node' | 'actor'>;
export type Permission = { actors: readonly ActorName[]; bind?: Binding; only?: readonly string[][] };

export interface SubjectRule {
  /** Tokens after the cluster's; `{x}` is a parameter. */
  pattern: string;
  owner: string;
  category: 'cmd' | 'qry' | 'evt';
  message: string;
  delivery: string;
  publish: readonly Permission[];
  subscribe: readonly Permission[];
}

const EVERY_RUNNING: readonly ActorName[] = [
  'store',
  'apiserver',
  'scheduler',
  'controller-manager',
  'kubelet',
  'kube-proxy',
  'dns',
  'dashboard',
];
const API_CALLERS: readonly ActorName[] = [
  'scheduler',
  'controller-manager',
  'kubelet',
  'kube-proxy',
  'dns',
  'dashboard',
  'operator',
];
const LOOKERS: readonly ActorName[] = ['operator', 'observer', 'dashboard'];

export const SUBJECTS = {
  raft: {
    pattern: 'raft.{to}.{from}.{type}',
    owner: 'store',
    category: 'cmd',
    message: 'RaftMessage',
    delivery: 'member to member; Raft repairs losses',
    publish: [{ actors: ['store'], bind: { from: 'self' } }],
    subscribe: [{ actors: ['store'], bind: { to: 'self' } }],
  },
  storeWrite: {
    pattern: 'store.cmd.{member}.write.{from}',
    owner: 'store',
    category: 'cmd',
    message: 'StoreWrite → StoreWriteReply',
    delivery: 'request; retried with the same session and sequence',
    publish: [{ actors: ['apiserver'], bind: { from: 'self' } }],
    subscribe: [{ actors: ['store'], bind: { member: 'self' } }],
  },
  storeOperate: {
    pattern: 'store.cmd.{member}.operate.{from}',
    owner: 'store',
    category: 'cmd',
    message: 'StoreOperation → StoreOperationReply',
    delivery: 'request (membership, transfer, compaction)',
    publish: [{ actors: ['operator', 'apiserver'], bind: { from: 'self' } }],
    subscribe: [{ actors: ['store'], bind: { member: 'self' } }],
  },
  storeQuery: {
    pattern: 'store.qry.{member}.{noun}.{from}',
    owner: 'store',
    category: 'qry',
    message: 'StoreQuery → StoreQueryReply',
    delivery: 'request; noun is readIndex, range, history or status',
    publish: [{ actors: ['apiserver'], bind: { from: 'self' } }],
    subscribe: [{ actors: ['store'], bind: { member: 'self' } }],
  },
  storeCommitted: {
    pattern: 'store.evt.{member}.committed',
    owner: 'store',
    category: 'evt',
    message: 'StoreCommitted',
    delivery: 'ordered per member, gaps visible by `previous`, replay with qry history',
    publish: [{ actors: ['store'], bind: { member: 'self' } }],
    subscribe: [{ actors: ['apiserver'] }],
  },
  apiRequest: {
    pattern: 'apiserver.cmd.{from}.request',
    owner: 'apiserver',
    category: 'cmd',
    message: 'ApiRequest → ApiResponse',
    delivery: 'request to the queue group `apiserver`; the token names who asks',
    publish: [{ actors: API_CALLERS, bind: { from: 'self' } }],
    subscribe: [{ actors: ['apiserver'] }],
  },
  watch: {
    pattern: 'apiserver.evt.watch.{group}.{resource}.{namespace}.{name}',
    owner: 'apiserver',
    category: 'evt',
    message: 'ResourceEvent',
    delivery: 'each change once per API actor; duplicates dropped and gaps seen by revision',
    publish: [{ actors: ['apiserver'] }],
    subscribe: [
      { actors: ['controller-manager'] },
      {
        actors: ['scheduler'],
        only: [
          ['core', 'pods'],
          ['core', 'nodes'],
          ['core', 'namespaces'],
          ['coordination_2ek8s_2eio', 'leases'],
          ['scheduling_2ek8s_2eio', 'priorityclasses'],
        ],
      },
      {
        actors: ['kube-proxy', 'dns'],
        only: [
          ['core', 'services'],
          ['discovery_2ek8s_2eio', 'endpointslices'],
          ['networking_2ek8s_2eio', 'servicecidrs'],
          ['core', 'nodes'],
          ['core', 'namespaces'],
        ],
      },
      {
        actors: ['kubelet'],
        only: [
          ['core', 'services'],
          ['core', 'nodes'],
        ],
      },
      { actors: ['operator', 'dashboard'] },
    ],
  },
  nodePods: {
    pattern: 'apiserver.evt.node.{node}.pods',
    owner: 'apiserver',
    category: 'evt',
    message: 'ResourceEvent',
    delivery: 'every change of a pod bound to the node; gaps seen by revision',
    publish: [{ actors: ['apiserver'] }],
    subscribe: [{ actors: ['kubelet'], bind: { node: 'node' } }, { actors: ['dashboard', 'operator'] }],
  },
  progress: {
    pattern: 'apiserver.evt.progress',
    owner: 'apiserver',
    category: 'evt',
    message: 'Progress',
    delivery: 'each second: the last revision of every stream, so that a lost last event is noticed',
    publish: [{ actors: ['apiserver'] }],
    subscribe: [{ actors: API_CALLERS }],
  },
  kubeletOpen: {
    pattern: 'kubelet.cmd.{node}.{verb}.{from}',
    owner: 'kubelet',
    category: 'cmd',
    message: 'StreamOpen → StreamOpened',
    delivery: 'request; verb is logs, exec, attach, portforward, usage or page; then frames on `stream`',
    publish: [{ actors: ['apiserver'], bind: { from: 'self' } }],
    subscribe: [{ actors: ['kubelet'], bind: { node: 'node' } }],
  },
  stream: {
    pattern: 'stream.{to}.{from}.{id}',
    owner: 'receiver',
    category: 'cmd',
    message: 'StreamFrame',
    delivery: 'ordered, numbered, credit-limited; a gap ends the stream with an error',
    publish: [{ actors: ['apiserver', 'kubelet'], bind: { from: 'self' } }],
    subscribe: [{ actors: ['apiserver', 'kubelet'], bind: { to: 'self' } }],
  },
  actorState: {
    pattern: 'actor.evt.{instance}.state',
    owner: 'every actor',
    category: 'evt',
    message: 'ActorState',
    delivery: "each transition of an actor's life",
    publish: [{ actors: EVERY_RUNNING, bind: { instance: 'self' } }],
    subscribe: [{ actors: LOOKERS }],
  },
  actorStatus: {
    pattern: 'actor.qry.{instance}.status.{from}',
    owner: 'every actor',
    category: 'qry',
    message: '{} → ActorStatus',
    delivery: 'request',
    publish: [{ actors: LOOKERS, bind: { from: 'self' } }],
    subscribe: [{ actors: EVERY_RUNNING, bind: { instance: 'self' } }],
  },
  actorTrace: {
    pattern: 'actor.qry.{instance}.trace.{from}',
    owner: 'every actor',
    category: 'qry',
    message: 'TraceQuery → Span[]',
    delivery: "request: the recent past out of the actor's ring, a page at a time",
    publish: [{ actors: LOOKERS, bind: { from: 'self' } }],
    subscribe: [{ actors: EVERY_RUNNING, bind: { instance: 'self' } }],
  },
  actorFault: {
    pattern: 'actor.cmd.{instance}.fault.{from}',
    owner: 'every actor',
    category: 'cmd',
    message: 'FaultOrder → FaultReply',
    delivery: 'request, repeated while the fault is wanted: an order that is not renewed ends by itself',
    publish: [{ actors: ['operator'], bind: { from: 'self' } }],
    subscribe: [{ actors: EVERY_RUNNING, bind: { instance: 'self' } }],
  },
  trace: {
    pattern: 'trace.{actor}.{kind}.{namespace}.{name}',
    owner: 'every actor',
    category: 'evt',
    message: 'Span',
    delivery: 'every request, reconcile, schedule, sync; at most once',
    publish: [{ actors: EVERY_RUNNING, bind: { actor: 'actor' } }],
    subscribe: [{ actors: LOOKERS }],
  },
} as const satisfies Record<string, SubjectRule>;

export type SubjectName = keyof typeof SUBJECTS;
type ParametersOf<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParametersOf<Rest>
  : never;
export type SubjectParameters<S extends SubjectName> = Record<ParametersOf<(typeof SUBJECTS)[S]['pattern']>, string>;

/** One concrete subject. Every parameter is encoded: no user text can add a token or a wildcard. */
export function subjectOf<S extends SubjectName>(cluster: string, name: S, parameters: SubjectParameters<S>): string {
  return build(cluster, name, (key) => encodeToken((parameters as Record<string, string>)[key]!));
}

/** A subscription pattern: parameters that are left out become `*`. */
export function patternOf<S extends SubjectName>(
  cluster: string,
  name: S,
  parameters: Partial<SubjectParameters<S>> = {},
): string {
  return build(cluster, name, (key) => {
    const value = (parameters as Record<string, string | undefined>)[key];
    return value === undefined ? '*' : encodeToken(value);
  });
}

/** Tokens of a pattern; `key` where a parameter stands. Taken apart once: a subject is built for every message. */
const PARTS = Object.fromEntries(
  Object.entries(SUBJECTS).map(([name, { pattern }]) => [
    name,
    pattern.split('.').map((text) => ({ text, key: text.startsWith('{') ? text.slice(1, -1) : undefined })),
  ]),
) as Record<SubjectName, { text: string; key: string | undefined }[]>;

function build(cluster: string, name: SubjectName, token: (key: string) => string): string {
  let subject = encodeToken(cluster);
  for (const { text, key } of PARTS[name]) subject += `.${key === undefined ? text : token(key)}`;
  return subject;
}

/** The encoded tokens of a subject by parameter name, or undefined if the subject is not of this rule. */
export function parseSubject<S extends SubjectName>(name: S, subject: string): SubjectParameters<S> | undefined {
  const [, ...tokens] = subject.split('.');
  const parts = PARTS[name];
  if (tokens.length !== parts.length) return undefined;
  const found: Record<string, string> = {};
  for (let i = 0; i < parts.length; i++) {
    const { text, key } = parts[i]!;
    if (key !== undefined) found[key] = tokens[i]!;
    else if (text !== tokens[i]) return undefined;
  }
  return found as SubjectParameters<S>;
}

export interface Permissions {
  publish: string[];
  subscribe: string[];
}

/** What one credential may publish and subscribe to, from the table alone. */
export function permissionsOf(cluster: string, who: Identity): Permissions {
  const gather = (side: 'publish' | 'subscribe'): string[] =>
    Object.entries(SUBJECTS).flatMap(([name, rule]) =>
      (rule[side] as readonly Permission[])
        .filter((permission) => permission.actors.includes(who.actor))
        .flatMap((permission) => subjectsFor(cluster, name as SubjectName, permission, who)),
    );
  return { publish: gather('publish'), subscribe: [...gather('subscribe'), `${inboxPrefix(who.instance)}.>`] };
}

function subjectsFor(cluster: string, name: SubjectName, permission: Permission, who: Identity): string[] {
  const bound = (key: string): string => {
    const to = permission.bind?.[key];
    if (to === undefined) return '*';
    return encodeToken(to === 'self' ? who.instance : to === 'actor' ? who.actor : (who.node ?? ''));
  };
  if (permission.only === undefined) return [openEnd(build(cluster, name, bound))];
  return permission.only.map(([group, resource]) =>
    openEnd(build(cluster, name, (key) => (key === 'group' ? group! : key === 'resource' ? resource! : bound(key)))),
  );
}

/** Wildcards at the end become `>`, so that `c1.trace.>`, which a person would write, is not more than what is allowed. */
function openEnd(subject: string): string {
  return subject.replace(/(\.\*)+$/, '.>');
}

/** Replies go to an inbox that only this instance may read. */
export function inboxPrefix(instance: string): string {
  return `_INBOX_${encodeToken(instance)}`;
}

/** The group token of a watch subject: the core group has a name there. */
export function groupToken(group: string): string {
  return group === '' ? 'core' : group;
}
