// Decides how the events of an object read at the end of its description. Never asks for them.
import type { Event } from '../../../lib/api/generated/types.ts';
import { ageText } from './text.ts';

export function eventLines(events: readonly Event[], now: number): string[] {
  if (events.length === 0) return ['Events:\t<none>'];
  const rows = [...events].sort((a, b) => timeOf(a) - timeOf(b)).map((event) => rowOf(event, now));
  const header = ['Type', 'Reason', 'Age', 'From', 'Message'];
  const rule = ['----', '------', '----', '----', '-------'];
  return ['Events:', ...[header, rule, ...rows].map((cells) => `  ${cells.join('\t')}`)];
}

function rowOf(event: Event, now: number): string[] {
  const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime;
  const first = event.firstTimestamp ?? event.eventTime ?? last;
  const count = event.series?.count ?? event.count ?? 1;
  const age = count > 1 ? `${ageText(last, now)} (x${count} over ${ageText(first, now)})` : ageText(last ?? first, now);
  const from = event.source?.component ?? event.reportingComponent ?? '';
  return [event.type ?? '', event.reason ?? '', age, from, (event.message ?? '').trim()];
}

function timeOf(event: Event): number {
  return Date.parse(event.lastTimestamp ?? event.eventTime ?? event.metadata?.creationTimestamp ?? '') || 0;
}
