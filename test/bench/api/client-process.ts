// Does: starts a process of clients and asks it. Never outlives its parent: it ends when the parent's channel does.
import { fork, type ChildProcess } from 'node:child_process';
import type { Commands } from './client.ts';

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #last = 0;

  constructor() {
    this.#child = fork(new URL('client.ts', import.meta.url).pathname, { serialization: 'advanced' });
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a client process ended with ${code}`));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  ask<C extends keyof Commands>(
    command: C,
    ...argument: Parameters<Commands[C]>
  ): Promise<Awaited<ReturnType<Commands[C]>>> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#child.send({ id, command, argument: argument[0] });
    });
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
