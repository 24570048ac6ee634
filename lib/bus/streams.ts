// Decides how a long two-way conversation (logs, exec) travels as numbered frames with credit, so that neither side is
// flooded and a lost frame ends it with an error. Never knows what the bytes mean.
import { ApiError, type Status } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Bus, Subscription } from './bus.ts';
import type { StreamFrame, StreamOpen, StreamOpened } from './messages.ts';
import { parseSubject, patternOf, subjectOf } from './subjects.ts';

export type StreamVerb = 'logs' | 'exec' | 'attach' | 'portforward' | 'usage' | 'page';
type Channel = 'stdin' | 'stdout' | 'stderr';
type Unnumbered<F> = F extends { seq: number } ? Omit<F, 'seq'> : never;

/** Both ends of a conversation have this. */
export interface BusStream {
  /** Resolves when there is room for more; cut into frames as needed. */
  write(channel: Channel, data: Uint8Array): Promise<void>;
  end(channel: Channel): void;
  resize(width: number, height: number): void;
  /** Says how it went and closes this side. */
  exit(code: number): void;
  fail(status: Status): void;
  /** Frames in order; data counts as consumed when the handler's promise resolves. */
  onFrame(handler: (frame: StreamFrame) => void | Promise<void>): void;
  /** Resolves when the other side has said its last word, also while what it said before is not yet taken. */
  readonly peerGone: Promise<void>;
  /** Resolves when either side ended it, and what was said before has been taken. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface StreamContext {
  cluster: string;
  bus: Bus;
  clock: Clock;
}

const KEEPALIVE_MS = 5_000;
const SILENCE_MS = 20_000;

/** Opens a conversation with the kubelet `instance` of `node`. Throws ApiError when it refuses. */
export async function openStream(
  ctx: StreamContext,
  peer: { node: string; instance: string },
  verb: StreamVerb,
  open: StreamOpen,
): Promise<BusStream> {
  const stream = new Conversation(ctx, peer.instance, open.id);
  try {
    const subject = subjectOf(ctx.cluster, 'kubeletOpen', { node: peer.node, verb, from: ctx.bus.instance });
    const answer = (await ctx.bus.request(subject, open, { timeoutMs: LIMITS.requestTimeoutMs })) as StreamOpened;
    if ('refused' in answer) throw ApiError.fromStatus(answer.refused);
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}

/** Serves conversations for a node. The handler accepts by returning; what it throws is the refusal. */
export function serveStreams(
  ctx: StreamContext,
  node: string,
  handler: (verb: StreamVerb, open: StreamOpen, stream: BusStream) => Promise<void>,
): Subscription {
  return ctx.bus.subscribe(patternOf(ctx.cluster, 'kubeletOpen', { node }), (message) => {
    const parts = parseSubject('kubeletOpen', message.subject);
    if (parts === undefined || message.respond === undefined) return;
    const open = message.data as StreamOpen;
    const stream = new Conversation(ctx, parts.from, String(open.id));
    handler(parts.verb as StreamVerb, open, stream).then(
      () => message.respond!({ opened: true } satisfies StreamOpened),
      (error: unknown) => {
        stream.close();
        const refused =
          error instanceof ApiError
            ? error
            : new ApiError('InternalError', `${parts.verb} of ${open.namespace}/${open.pod}: ${String(error)}`);
        message.respond!({ refused: refused.toStatus() } satisfies StreamOpened);
      },
    );
  });
}

class Conversation implements BusStream {
  readonly closed: Promise<void>;
  readonly peerGone: Promise<void>;
  readonly #peerGone: () => void;
  readonly #ctx: StreamContext;
  readonly #subject: string;
  readonly #subscription: Subscription;
  readonly #close: () => void;
  #isClosed = false;
  #sent = 0;
  #expected = 1;
  #bytesSent = 0;
  #bytesAllowed: number = LIMITS.streamWindowBytes;
  #bytesConsumed = 0;
  #bytesCredited = 0;
  #lastHeard: number;
  #waiting: Array<() => void> = [];
  #early: StreamFrame[] = [];
  #handler: ((frame: StreamFrame) => void | Promise<void>) | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(ctx: StreamContext, peer: string, id: string) {
    this.#ctx = ctx;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
    const gone = Promise.withResolvers<void>();
    this.peerGone = gone.promise;
    this.#peerGone = gone.resolve;
    this.#subject = subjectOf(ctx.cluster, 'stream', { to: peer, from: ctx.bus.instance, id });
    this.#lastHeard = ctx.clock.monotonic();
    this.#subscription = ctx.bus.subscribe(
      subjectOf(ctx.cluster, 'stream', { to: ctx.bus.instance, from: peer, id }),
      (message) => this.#receive(message.data as StreamFrame),
    );
    this.#keepAlive();
  }

  async write(channel: Channel, data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += LIMITS.streamFrameBytes) {
      while (!this.#isClosed && this.#bytesSent >= this.#bytesAllowed)
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#isClosed) return;
      const part = data.subarray(at, at + LIMITS.streamFrameBytes);
      this.#bytesSent += part.length;
      this.#send({ type: 'data', channel, data: part });
    }
  }

  end(channel: Channel): void {
    this.#send({ type: 'end', channel });
  }

  resize(width: number, height: number): void {
    this.#send({ type: 'resize', width, height });
  }

  exit(code: number): void {
    this.#send({ type: 'exit', code });
    this.close();
  }

  fail(status: Status): void {
    this.#send({ type: 'error', status });
    this.close();
  }

  onFrame(handler: (frame: StreamFrame) => void | Promise<void>): void {
    this.#handler = handler;
    for (const frame of this.#early.splice(0)) this.#deliver(frame);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#send({ type: 'error', status: new ApiError('Gone', 'the other side closed the stream').toStatus() });
    this.#isClosed = true;
    this.#subscription.unsubscribe();
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#peerGone();
    this.#close();
  }

  #send(frame: Unnumbered<StreamFrame>): void {
    if (!this.#isClosed) this.#ctx.bus.publish(this.#subject, { ...frame, seq: ++this.#sent });
  }

  #receive(frame: StreamFrame): void {
    if (this.#isClosed) return;
    this.#lastHeard = this.#ctx.clock.monotonic();
    if (frame.seq !== this.#expected) {
      this.#deliver({
        seq: frame.seq,
        type: 'error',
        status: new ApiError(
          'InternalError',
          `stream broken: frame ${frame.seq} came where ${this.#expected} was expected`,
        ).toStatus(),
      });
      return;
    }
    this.#expected++;
    if (frame.type === 'credit') {
      this.#bytesAllowed = frame.bytes + LIMITS.streamWindowBytes;
      for (const resolve of this.#waiting.splice(0)) resolve();
    } else if (this.#handler === undefined) this.#early.push(frame);
    else this.#deliver(frame);
  }

  /** One frame after the other; the ends of the conversation close this side after they were delivered. */
  #deliver(frame: StreamFrame): void {
    if (frame.type === 'exit' || frame.type === 'error') this.#peerGone();
    this.#work = this.#work.then(async () => {
      await Promise.resolve(this.#handler?.(frame)).catch(() => {});
      if (frame.type === 'data') this.#credit(frame.data.length);
      if (frame.type === 'exit' || frame.type === 'error') this.close();
    });
  }

  #credit(bytes: number): void {
    this.#bytesConsumed += bytes;
    if (this.#bytesConsumed - this.#bytesCredited < LIMITS.streamWindowBytes / 4) return;
    this.#bytesCredited = this.#bytesConsumed;
    this.#send({ type: 'credit', bytes: this.#bytesConsumed });
  }

  #keepAlive(): void {
    const timer = this.#ctx.clock.timer(KEEPALIVE_MS, () => {
      if (this.#isClosed) return;
      if (this.#ctx.clock.monotonic() - this.#lastHeard > SILENCE_MS) {
        this.#deliver({
          seq: 0,
          type: 'error',
          status: new ApiError(
            'Timeout',
            `the other side of the stream has said nothing for ${SILENCE_MS / 1000} s`,
          ).toStatus(),
        });
        return;
      }
      this.#bytesCredited = this.#bytesConsumed;
      this.#send({ type: 'credit', bytes: this.#bytesConsumed });
      this.#keepAlive();
    });
    void this.closed.then(() => timer.cancel());
  }
}
