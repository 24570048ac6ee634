// Does: keeps one `ctr events` running and hands on what it says of tasks; where it ends, starts it again and says that
// there is a gap. Never decides what an exit means.
import { createInterface } from 'node:readline';
import type { Clock, Timer } from '../../lib/base/clock.ts';
import type { Exec, ExecChild } from '../../lib/exec/exec.ts';
import type { Log } from '../../lib/base/log.ts';
import type { CtrCommand } from './command.ts';
import { parseEvent, type TaskEvent } from './tables.ts';

/** ctr does not say when its subscription stands: what happened until then is found by listing again. */
const SETTLE_MS = 300;
const PAUSES_MS = [100, 500, 2000, 5000];

export interface EventHandlers {
  onEvent(event: TaskEvent): void;
  onGap(why: string): void;
}

export class CtrEvents {
  readonly #ctx: { exec: Exec; clock: Clock; log: Log };
  readonly #ctr: CtrCommand;
  readonly #handlers: EventHandlers;
  #child: ExecChild | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #stopped = false;

  constructor(ctx: { exec: Exec; clock: Clock; log: Log }, ctr: CtrCommand, handlers: EventHandlers) {
    this.#ctx = ctx;
    this.#ctr = ctr;
    this.#handlers = handlers;
  }

  start(): void {
    if (this.#stopped) return;
    // Without the namespace filter ctr shows the containers of every node of a shared containerd.
    const filter = `topic~="/tasks/(exit|oom)",namespace==${this.#ctr.namespace}`;
    const child = this.#ctx.exec.spawn(this.#ctr.argv(['events', filter]));
    this.#child = child;
    child.stderr.resume();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = parseEvent(line);
      if (event !== undefined) this.#handlers.onEvent(event);
    });
    this.#timer = this.#ctx.clock.timer(SETTLE_MS, () => {
      this.#failures = 0;
      this.#handlers.onGap('the event stream has begun');
    });
    void child.ended.then(({ exitCode }) => this.#ended(exitCode));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#child?.kill('SIGTERM');
    await this.#child?.ended;
  }

  #ended(exitCode: number | null): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    const pauseMs = PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)]!;
    this.#ctx.log.debug({ exitCode, pauseMs }, 'the event stream of containerd ended');
    // Whoever lists now learns at once whether containerd is gone.
    this.#handlers.onGap('the event stream has ended');
    this.#timer = this.#ctx.clock.timer(pauseMs, () => this.start());
  }
}
