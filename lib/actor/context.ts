// Decides nothing: what an actor is given (its context) and what it gives back. Never reads the environment itself.
import type { Chance } from '../base/chance.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import type { ActorName } from '../bus/subjects.ts';
import type { Exec } from '../exec/exec.ts';
import type { Tracer } from './tracer.ts';

/** The only door between an actor and the world. */
export interface ActorContext<Settings = unknown> {
  readonly cluster: string;
  readonly actor: ActorName;
  /** `store-1`, `apiserver-1`, `kubelet-node-2`. */
  readonly instance: string;
  readonly settings: Settings;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly exec: Exec;
  readonly tracer: Tracer;
  /** What this actor's disk is told to do to it now; only who owns files asks. Absent: it is never told anything. */
  readonly diskFaults?: () => DiskFaults;
}

export interface DiskFaults {
  readonly diskFull: boolean;
  readonly diskSlowMs: number;
}

export type StatusDetails = Record<string, string | number | boolean>;

export interface RunningActor {
  /** What `flotilla status` shows of it. Cheap, synchronous. */
  status(): StatusDetails;
  /** Drains and stops; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** What every `services/<actor>/main.ts` exports as `start`: resolves when the actor serves. */
export type StartActor<Settings> = (ctx: ActorContext<Settings>) => Promise<RunningActor>;
