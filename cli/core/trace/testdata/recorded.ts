// Does: reads spans that were recorded from a real cluster (`flotilla trace deployment/web --json`), for tests. Never
// changes one.
import { readFileSync } from 'node:fs';
import type { Span } from '../../../../lib/bus/messages.ts';

export function recorded(name: string): Span[] {
  const text = readFileSync(new URL(`${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Span);
}
