// Decides how much is noted of a stream of HTTP/2 that ends while its last bytes are on their way, as every answered one does: Node
// makes an error for whoever might still wait for the end, and its stack takes longer than looking up what a get asks for. Never
// changes what ends when, nor who hears of it.
import type { ServerHttp2Stream } from 'node:http2';

type Destroy = (this: object, error: Error | null, done: (error?: Error | null) => void) => void;

const quiet = new WeakSet<object>();

/** All streams of this process: errors that come of their end have no stack. Whatever has ended one has made its own before. */
export function endQuietly(stream: ServerHttp2Stream): void {
  const { prototype } = stream.constructor as unknown as { prototype: { _destroy: Destroy } };
  if (quiet.has(prototype)) return;
  quiet.add(prototype);
  const destroy = prototype._destroy;
  prototype._destroy = function quietly(this: object, error, done): void {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      destroy.call(this, error, done);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
}
