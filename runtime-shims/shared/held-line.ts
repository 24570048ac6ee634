// Does: passes a stream on at once, except a last line that may be a tool's own word about the process that it ran: that waits
// until somebody knows. Never reads what the line says, and holds its source back as its reader does.
import { Transform, type TransformCallback } from 'node:stream';

export class HeldLine extends Transform {
  readonly #beginning: string;
  readonly #last = Promise.withResolvers<string>();
  #verdict: string | undefined;
  #end: TransformCallback | undefined;
  #held = Buffer.alloc(0);

  /** `beginning`: how a line of the tool's own begins. */
  constructor(beginning: string) {
    super();
    this.#beginning = beginning;
  }

  /** Known when the source has ended and all before it has been read. */
  get lastLine(): Promise<string> {
    return this.#last.promise;
  }

  /** `last`: what of the held line is the process's after all. */
  finish(last: string): void {
    this.#verdict = last;
    this.#endOnce();
  }

  /** A line's end is held with it: nobody knows yet whether another follows. */
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const all = Buffer.concat([this.#held, chunk]);
    const lastStart = all.subarray(0, -1).lastIndexOf(0x0a) + 1;
    const begins = all.subarray(lastStart, lastStart + this.#beginning.length).toString();
    const passed = this.#beginning.startsWith(begins) ? lastStart : all.length;
    if (passed > 0) this.push(all.subarray(0, passed));
    this.#held = Buffer.from(all.subarray(passed));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#last.resolve(this.#held.toString());
    this.#end = done;
    this.#endOnce();
  }

  #endOnce(): void {
    const [verdict, end] = [this.#verdict, this.#end];
    if (verdict === undefined || end === undefined) return;
    this.#end = undefined;
    end(null, verdict === '' ? undefined : verdict);
  }
}
