// Does: hands runtime events to whoever watches. Never keeps one for later.
import type { RuntimeEvent } from '../contract.ts';

export class RuntimeEvents {
  readonly #handlers = new Set<(event: RuntimeEvent) => void>();

  watch(handler: (event: RuntimeEvent) => void): { stop(): void } {
    this.#handlers.add(handler);
    return { stop: () => void this.#handlers.delete(handler) };
  }

  emit(event: RuntimeEvent): void {
    for (const handler of this.#handlers) handler(event);
  }

  get watched(): boolean {
    return this.#handlers.size > 0;
  }
}
