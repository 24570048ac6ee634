// Decides how spans read: one line each, as a stream or as a tree with times since its beginning. Never decides what
// hangs together.
import type { Span } from '../../../lib/bus/messages.ts';
import { flatten, type TraceNode } from './tree.ts';

const OUTCOMES: Record<Span['outcome'], string> = { changed: '●', unchanged: '○', refused: '✗', failed: '✗' };

/** `08:26:29.712 ● controller-manager-1  reconcile Deployment default/web  saw …; did … (3 ms)` */
export function streamLine(span: Span): string {
  const time = new Date(span.startedAt).toISOString().slice(11, 23);
  return `${time} ${OUTCOMES[span.outcome]} ${span.instance.padEnd(22)} ${sentence(span)} (${milliseconds(span.durationMs)})`;
}

export function sentence(span: Span): string {
  const object = span.namespace === '' ? span.name : `${span.namespace}/${span.name}`;
  const parts = [
    span.saw === '' ? '' : `saw ${span.saw}`,
    span.did.length === 0 ? '' : `did ${span.did.join(', ')}`,
    span.why === undefined ? '' : `${span.outcome === 'unchanged' ? 'nothing' : span.outcome}: ${span.why}`,
  ].filter((part) => part !== '');
  return `${span.verb} ${span.kind} ${object}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}`;
}

/** Times are the end of each span, since the root began. */
export function treeLines(root: TraceNode): string[] {
  const origin = root.span.startedAt;
  const last = Math.max(...flatten(root).map(({ span }) => endOf(span)));
  return [...lines(root, origin, '', ''), `${flatten(root).length} steps in ${milliseconds(last - origin)}`];
}

function lines(node: TraceNode, origin: number, lead: string, below: string): string[] {
  const { span, children } = node;
  const at = `+${milliseconds(endOf(span) - origin)}`.padStart(10);
  const own = `${at}  ${lead}${OUTCOMES[span.outcome]} ${span.instance}  ${sentence(span)}`;
  return [
    own,
    ...children.flatMap((child, i) => {
      const isLast = i === children.length - 1;
      return lines(child, origin, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`);
    }),
  ];
}

export function endOf(span: Span): number {
  return span.startedAt + span.durationMs;
}

export function milliseconds(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
