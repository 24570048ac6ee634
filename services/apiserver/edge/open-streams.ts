// Decides where a session of HTTP/2 keeps its open streams: where those that are done leave nothing behind. Never opens or
// ends one.
import type { Http2Session } from 'node:http2';

/** What node:http2 asks of the map of a session's open streams. */
export class OpenStreams<Stream> {
  readonly #byId: Record<number, Stream> = Object.create(null) as Record<number, Stream>;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Stream | undefined {
    return this.#byId[id];
  }

  set(id: number, stream: Stream): this {
    if (!(id in this.#byId)) this.#size++;
    this.#byId[id] = stream;
    return this;
  }

  delete(id: number): boolean {
    if (!(id in this.#byId)) return false;
    delete this.#byId[id];
    this.#size--;
    return true;
  }

  forEach(visit: (stream: Stream, id: number) => void): void {
    for (const id in this.#byId) visit(this.#byId[id]!, Number(id));
  }
}

/**
 * For a session that has no stream yet. When the table of a Map is full of gaps, V8 makes another, and the old one points to
 * it, for the sake of iterators. Streams come and go all the time: once one old table has reached the old generation, all
 * that follow are kept until its next collection, each with the streams that were open when it was left, and with all that
 * those know. A quarter of what requests allocate was copied twice for that. An object's table points to no other.
 *
 * False: this version of Node keeps its streams elsewhere, and the session is as it was.
 */
export function keepOpenStreams(session: Http2Session): boolean {
  const key = Object.getOwnPropertySymbols(session).find((symbol) => symbol.description === 'state');
  const state = key === undefined ? undefined : (session as unknown as Record<symbol, { streams?: NodesMap }>)[key];
  if (state?.streams?.constructor.name !== 'SafeMap' || state.streams.size !== 0) return false;
  state.streams = new OpenStreams();
  return true;
}

/** A Map that has cut its ties to Map, so that nobody can change what it does. */
type NodesMap = Pick<OpenStreams<unknown>, keyof OpenStreams<unknown>>;
