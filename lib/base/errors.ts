// Decides how a refusal looks: every reason with its HTTP code, whether a retry may help, and the Status object that
// clients read. Never decides when to refuse.

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** metav1.Status, as kubectl and client-go read it. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, unknown>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** Every reason a request may be refused for: its HTTP code, and whether the same request may succeed later. */
export const REASONS = {
  BadRequest: { code: 400, retry: false },
  Unauthorized: { code: 401, retry: false },
  Forbidden: { code: 403, retry: false },
  NotFound: { code: 404, retry: false },
  MethodNotAllowed: { code: 405, retry: false },
  NotAcceptable: { code: 406, retry: false },
  AlreadyExists: { code: 409, retry: false },
  Conflict: { code: 409, retry: true },
  Gone: { code: 410, retry: false },
  Expired: { code: 410, retry: false },
  RequestEntityTooLarge: { code: 413, retry: false },
  UnsupportedMediaType: { code: 415, retry: false },
  Invalid: { code: 422, retry: false },
  TooManyRequests: { code: 429, retry: true },
  InternalError: { code: 500, retry: true },
  ServiceUnavailable: { code: 503, retry: true },
  ServerTimeout: { code: 504, retry: true },
  Timeout: { code: 504, retry: true },
} as const;

export type Reason = keyof typeof REASONS;

/** A refusal: data for the caller, never a crash. The message says what was attempted, with which value, and why not. */
export class ApiError extends Error {
  readonly reason: Reason | '';
  readonly code: number;
  readonly details: StatusDetails | undefined;

  constructor(
    reason: Reason | '',
    message: string,
    details?: StatusDetails,
    options?: { cause?: unknown; code?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.reason = reason;
    this.code = options?.code ?? (reason === '' ? 500 : REASONS[reason].code);
    this.details = details;
  }

  get retryable(): boolean {
    // A webhook may refuse for a reason that is none of ours.
    return Object.hasOwn(REASONS, this.reason) && REASONS[this.reason as Reason].retry;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }

  /** The inverse of `toStatus`, for clients. */
  static fromStatus(status: Partial<Status>, httpCode?: number): ApiError {
    const reason =
      status.reason !== undefined && Object.hasOwn(REASONS, status.reason) ? (status.reason as Reason) : '';
    return new ApiError(reason, status.message ?? `the server answered ${status.code ?? httpCode}`, status.details, {
      code: status.code ?? httpCode ?? 500,
    });
  }
}

/** Refused before there was a request that a Status could answer: upstream tells it as plain text. */
export class BareError extends ApiError {
  constructor(message: string) {
    super('InternalError', message);
  }
}

export function isReason(error: unknown, ...reasons: Reason[]): boolean {
  return error instanceof ApiError && (reasons as string[]).includes(error.reason);
}

/** An edge failed (bus, disk, exec): try again with backoff. */
export class TroubleError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TroubleError';
  }
}

/** A promise of our own code was broken: the actor must die and be started again, never carry on. */
export class BrokenPromiseError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BrokenPromiseError';
  }
}

/**
 * Throws BrokenPromiseError unless `condition` holds. Always on, in production too; so each % stands for one of `values`, and a
 * text is made of them only when there is something to say.
 */
export function invariant(condition: unknown, text: string, ...values: unknown[]): asserts condition {
  if (condition) return;
  let next = 0;
  throw new BrokenPromiseError(text.replaceAll('%', () => (next < values.length ? String(values[next++]) : '%')));
}

/** Text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
