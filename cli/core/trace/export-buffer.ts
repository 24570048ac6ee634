// Decides when a span of the live stream is ready to be exported: its story is only known once the spans that caused it
// have ended too. Never waits for ever, never keeps more than its bound.
import type { Span } from '../../../lib/bus/messages.ts';
import { buildForest, type TraceForest, type TraceNode } from './tree.ts';

/** Spans of one story end within this of each other, mostly. */
const SETTLE_MS = 1_500;
/** Who caused it has not been heard of by then: it is exported as what is known. */
const LONGEST_WAIT_MS = 15_000;
const KEPT = 20_000;

interface Kept {
  span: Span;
  heardAt: number;
  isSent: boolean;
}

export class ExportBuffer {
  readonly #spans = new Map<string, Kept>();

  /** `now` in milliseconds of any clock that only goes forward. */
  add(span: Span, now: number): void {
    if (this.#spans.has(span.id)) return;
    this.#spans.set(span.id, { span, heardAt: now, isSent: false });
    if (this.#spans.size > KEPT) this.#spans.delete(this.#spans.keys().next().value!);
  }

  /** What may go out now, with the forest that tells its story; once it is out, `sent` must be told. */
  due(now: number, isLast = false): { forest: TraceForest; nodes: TraceNode[] } {
    const kept = [...this.#spans.values()];
    if (!kept.some(({ isSent }) => !isSent)) return { forest: { roots: [], byId: new Map() }, nodes: [] };
    const forest = buildForest(kept.map(({ span }) => span));
    const nodes = [...forest.byId.values()].filter((node) => {
      const own = this.#spans.get(node.span.id);
      if (own === undefined || own.isSent) return false;
      const age = now - own.heardAt;
      return isLast || age >= LONGEST_WAIT_MS || (age >= SETTLE_MS && isComplete(node));
    });
    return { forest, nodes };
  }

  sent(nodes: readonly TraceNode[]): void {
    for (const { span, served } of nodes)
      for (const { id } of [span, ...served]) {
        const kept = this.#spans.get(id);
        if (kept !== undefined) kept.isSent = true;
      }
  }
}

/** Every cause that it names has been heard. */
function isComplete(node: TraceNode): boolean {
  const hasCause = node.span.causes.revisions.length === 0 || node.causes.length > 0;
  return hasCause && node.causes.every(({ isLost }) => !isLost);
}
