// Does: starts chaos's own container in a compose project's network and asks it. Never keeps it longer than the process that
// started it: it ends with its standard input, however that closes.
import { createInterface } from 'node:readline';
import { TroubleError } from '../../lib/base/errors.ts';
import { BusError, type Bus } from '../../lib/bus/bus.ts';
import type { Exec, ExecChild } from '../../lib/exec/exec.ts';
import type { Answer, AnswerTo, Hello, Numbered, Question } from './hand-protocol.ts';

const HELLO_MS = 30_000;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

export class HandLink {
  readonly #child: ExecChild;
  readonly #waiting = new Map<number, Waiting>();
  #hello: Hello | undefined;
  #count = 0;
  #hasEnded = false;
  #said = '';

  private constructor(child: ExecChild, greeted: () => void) {
    this.#child = child;
    child.stdin?.on('error', () => {});
    child.stderr.on('data', (part: Buffer) => (this.#said = `${this.#said}${String(part)}`.slice(-2000)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.#hello !== undefined) return this.#hear(JSON.parse(line) as Answer);
      this.#hello = JSON.parse(line) as Hello;
      greeted();
    });
  }

  /** Fails with what docker said when the container does not come. */
  static async start(exec: Exec, argv: readonly string[]): Promise<HandLink> {
    // Of its own session: Ctrl-C is for this process, which then heals with its help.
    const child = exec.spawn(argv, { detached: true });
    const timer = setTimeout(() => child.kill('SIGKILL'), HELLO_MS);
    const greeting = Promise.withResolvers<void>();
    const link = new HandLink(child, greeting.resolve);
    const ending = child.ended.then(() => link.#end());
    await Promise.race([greeting.promise, ending]);
    clearTimeout(timer);
    if (link.#hello === undefined)
      throw new TroubleError(
        `chaos cannot start its own container in the cluster's network: ${link.#said.trim() || 'docker run said nothing'}; was the image built from this version (\`docker-compose build\`)?`,
      );
    return link;
  }

  /** What it said first. */
  get hello(): Hello {
    return this.#hello!;
  }

  /** Enough of a bus for orders to actors. */
  get bus(): Pick<Bus, 'instance' | 'request'> {
    return {
      instance: this.hello.instance,
      request: (subject, data, { timeoutMs }) => this.ask({ ask: 'request', subject, data, timeoutMs }),
    };
  }

  get isOpen(): boolean {
    return !this.#hasEnded;
  }

  ask<Q extends Question>(question: Q): Promise<AnswerTo<Q>> {
    if (this.#hasEnded) return Promise.reject(ended(this.#said));
    const number = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve: resolve as (answer: unknown) => void, reject });
      const line: Numbered = { ...question, number };
      this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#child.ended;
  }

  #hear(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    if ('answer' in answer) waiting?.resolve(answer.answer);
    else
      waiting?.reject(
        answer.kind === undefined ? new TroubleError(answer.error) : new BusError(answer.kind, answer.error),
      );
  }

  #end(): void {
    this.#hasEnded = true;
    for (const { reject } of this.#waiting.values()) reject(ended(this.#said));
    this.#waiting.clear();
  }
}

function ended(said: string): TroubleError {
  return new TroubleError(
    `chaos's own container in the cluster's network has ended${said === '' ? '' : `: ${said.trim()}`}`,
  );
}
