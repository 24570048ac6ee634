// Does: reads what one actor remembers, page after page. Never waits for what the actor does while it is asked.
import type { Span, TraceQuery } from '../../lib/bus/messages.ts';

export async function wholeRing(ask: (query: TraceQuery) => Promise<unknown>, sinceMs: number): Promise<Span[]> {
  const spans: Span[] = [];
  const askedAt = Date.now();
  for (let after: string | undefined; ; after = spans.at(-1)!.id) {
    const page = (await ask({ sinceMs, ...(after === undefined ? {} : { after }) })) as Span[];
    if (page.length === 0) return spans;
    spans.push(...page);
    if (page.at(-1)!.startedAt > askedAt) return spans;
  }
}
