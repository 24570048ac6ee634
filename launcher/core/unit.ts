// Decides nothing: the shape of one process that the supervisor keeps running.

export type Readiness =
  /** The server greets with its INFO line. */
  | { type: 'nats'; host: string; port: number }
  /** Somebody accepts connections on the unix socket. */
  | { type: 'socket'; path: string }
  /** The process itself writes its pid there when it serves. */
  | { type: 'file'; path: string };

export interface Unit {
  name: string;
  /** For the table of `flotilla status`. */
  role: string;
  argv: string[];
  env: Record<string, string>;
  /** Units that must be ready before its first start. A restart waits for nobody: actors find each other again. */
  after: string[];
  ready: Readiness;
  /** SIGKILL when it has not ended this long after SIGTERM. */
  graceSeconds: number;
}
