// Decides nothing: the shapes that chaos is made of. Who names faults (commands, scenarios) and who does them (drivers)
// meet here and nowhere else.

import type { DiskRule, InnerFaults, MessageRule } from '../lib/bus/messages.ts';

export type { DiskRule, InnerFaults, MessageRule };

/** One process that a fault may hit. */
export interface Target {
  /** The actor's or program's own name: `store-1`, `kubelet-node-2`, `containerd-node-2`, `nats`. */
  name: string;
  /** `store`, `apiserver`, `kubelet`, `containerd`, `nats-server` … */
  role: string;
  node?: string;
  state: 'running' | 'paused' | 'stopped';
  /** Of a store member: what it says of itself; absent: it does not answer. */
  store?: { role: string; term: number; commit: number; applied: number };
}

/** One thing that is broken. `unit`, `instance`: a Target's name; roles are resolved before. */
export type Fault =
  | { type: 'kill'; unit: string }
  | { type: 'pause'; unit: string }
  /** Ended with SIGTERM and started again: nothing to heal. */
  | { type: 'restart'; unit: string }
  /** Every process of the node at once, its containers too: as if its power were cut. */
  | { type: 'kill-node'; node: string }
  /** The node's cable is pulled. */
  | { type: 'cut-node'; node: string }
  | { type: 'partition'; from: string; to: string; oneWay: boolean }
  | { type: 'messages'; instance: string; rule: MessageRule }
  | { type: 'disk'; instance: string; disk: DiskRule }
  /** One bit of a member's log or snapshot on its disk. Never healed by us: the store must. */
  | { type: 'bit-flip'; instance: string; chance: number }
  | { type: 'clock'; instance: string; skewMs: number };

/** A fault that was done: its number, what it hit and what heals it, as data, so that another process can heal it. */
export interface Applied {
  id: string;
  fault: Fault;
  /** For people: `store-2: killed (pid 4711)`. */
  what: string;
  /** false: it is over already (restart) or nobody can take it back (bit flip). */
  heals: boolean;
}

/** A cluster that may be broken: from `npm start`, or from compose. One implementation each. */
export interface ChaosDriver {
  readonly kind: 'local' | 'compose';
  /** Name of the cluster. */
  readonly cluster: string;
  /** Whether the caller's own home made this cluster: else people must say --yes. */
  readonly ours: boolean;
  /** Everything that can be hit, with what is known of it now. */
  targets(): Promise<Target[]>;
  /** Refuses what `apply` would refuse, and does nothing. Absent: only `apply` knows. */
  check?(fault: Fault): Promise<void>;
  /** Does the fault, and keeps a record first, from which it is healed even when this process dies. */
  apply(fault: Fault): Promise<Applied>;
  heal(applied: Applied): Promise<void>;
  /** false: somebody else has healed it meanwhile (`chaos heal`, `down`). Absent: nobody else can. */
  isBroken?(applied: Applied): boolean;
  /** Heals all that any process on this machine has left broken; returns what it healed. */
  healAll(): Promise<Applied[]>;
  /** How HTTPS clients reach each API actor, and with what. */
  api(): Promise<{ servers: string[]; kubeconfig: string }>;
  /** argv of a Node.js that runs where Services can be reached (`nsenter … node`, `docker exec … node`): its options follow. */
  serviceClient(): Promise<string[]>;
  close(): Promise<void>;
}
