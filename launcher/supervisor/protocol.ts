// Decides what is said on `<home>/supervisor.sock`: one JSON line each way, version 1. Never carries a secret.
import type { UnitStatus } from './supervisor.ts';

export type SupervisorRequest =
  | { cmd: 'status' }
  /** An answer now and one at every change, until the connection ends. */
  | { cmd: 'watch' }
  /** Reads the cluster's plan again, takes on new units, starts what is stopped. */
  | { cmd: 'load' }
  | { cmd: 'start'; unit: string }
  | { cmd: 'stop'; unit: string; kill?: boolean }
  /** Halts its process (SIGSTOP) until `resume`, `start` or `load`. */
  | { cmd: 'pause'; unit: string }
  | { cmd: 'resume'; unit: string }
  /** Ends the supervisor and leaves every unit as it is. */
  | { cmd: 'release' };

export type SupervisorAnswer = { pid: number; units: UnitStatus[] } | { error: string };
