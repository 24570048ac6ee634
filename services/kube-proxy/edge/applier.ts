// Decides nothing: the shape of a way to put rules into force. Never knows when (sync-loop.ts does).
import type { StatusDetails } from '../../../lib/actor/context.ts';

export interface Applied {
  /** Keys of the services that were looked at. */
  services: string[];
  /** One line each; empty: nothing had to be done. */
  did: string[];
}

export interface Applier {
  /** Puts into force what is wanted now. After it threw, the next call starts from the whole. */
  apply(): Promise<Applied>;
  /** Looks whether the world still is as it was left; if not, says why. Means nothing if `apply` ran meanwhile. */
  verify(): Promise<string | undefined>;
  /** The next `apply` starts from the whole. */
  distrust(): void;
  status(): StatusDetails;
  stop(): Promise<void>;
}
