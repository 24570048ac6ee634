// Decides nothing: what the host's side of chaos says to its container in a compose project's network, and hears: one JSON
// a line each way.
import type { ActorStatus } from '../../lib/bus/messages.ts';
import type { BusError } from '../../lib/bus/bus.ts';
import type { Cluster } from '../../launcher/core/cluster.ts';
import type { UnitStatus } from '../../launcher/supervisor/supervisor.ts';
import type { FlippedBit } from './flip-bit.ts';

/** The first line. */
export interface Hello {
  cluster: Cluster;
  kubeconfig: string;
  /** The name by which it speaks on the bus. */
  instance: string;
}

/** What each question is answered with. */
export interface Asked {
  /** How it is: processes of nodes by node (absent: nobody answers there), and what actors say of themselves. */
  look: [{ ask: 'look' }, { units: Record<string, UnitStatus[]>; said: ActorStatus[] }];
  request: [{ ask: 'request'; subject: string; data: unknown; timeoutMs: number }, unknown];
  turn: [
    { ask: 'turn'; node: string; unit: string; turn: 'kill' | 'start' | 'pause' | 'resume' | 'restart' | 'show' },
    UnitStatus | null,
  ];
  flip: [{ ask: 'flip'; instance: string; chance: number }, FlippedBit];
}

export type Question = Asked[keyof Asked][0];
export type AnswerTo<Q extends Question> = Q extends { ask: infer A extends keyof Asked } ? Asked[A][1] : never;

export type Numbered = Question & { number: number };
export type Answer = { number: number; answer: unknown } | { number: number; error: string; kind?: BusError['kind'] };
