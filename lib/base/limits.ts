// Decides how much of anything is allowed: each bound once, with its unit in its name. Never enforces one itself.

export const LIMITS = {
  /** Largest stored object (etcd's request limit as Kubernetes users know it). */
  objectBytes: 1_572_864,
  /** Largest HTTP request body. */
  requestBodyBytes: 3_145_728,
  /** NATS max_payload of our server configuration: one object with its envelope must fit. */
  busPayloadBytes: 4_194_304,
  /** Frames of a stream over the bus (logs, exec, snapshots). */
  streamFrameBytes: 65_536,
  /** Bytes in flight on one stream before the sender waits for credit. */
  streamWindowBytes: 262_144,
  /** Messages an actor's mailbox holds before it refuses. */
  mailboxMessages: 10_000,
  /** Events an API actor keeps for watches that resume. */
  watchHistoryEvents: 20_000,
  /** Spans each actor keeps for subscribers who come late. */
  traceRingSpans: 5_000,
  /** … however large each of them is. */
  traceRingBytes: 8_388_608,
  /** One answer out of a ring; the rest is asked for with the next. */
  tracePageBytes: 1_048_576,
  requestTimeoutMs: 10_000,
  /** A write is refused when the store has not answered in this time. */
  writeTimeoutMs: 4_000,
} as const;
