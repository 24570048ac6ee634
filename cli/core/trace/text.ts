// Decides how spans read: one line each, as a stream or as a tree with a time bar, the critical path marked and listed.
// Never decides what hangs together.
import type { Span } from '../../../lib/bus/messages.ts';
import { bar, WAITED, WORKED, type BarScale } from './bars.ts';
import { criticalPath, type CriticalPath, type PathStep } from './critical-path.ts';
import { flatten, type TraceNode } from './tree.ts';

const OUTCOMES: Record<Span['outcome'], string> = { changed: '●', unchanged: '○', refused: '✗', failed: '✗' };

export interface TreeStyle {
  /** Characters in a line; absent: as long as they come. */
  width?: number | undefined;
  colours: boolean;
}

/** `08:26:29.712 ● controller-manager-1  reconcile Deployment default/web  saw …; did … (3 ms)` */
export function streamLine(span: Span): string {
  const time = new Date(span.startedAt).toISOString().slice(11, 23);
  const took = span.queuedMs < 1 ? '' : `${milliseconds(span.queuedMs)} queued, `;
  return `${time} ${OUTCOMES[span.outcome]} ${span.instance.padEnd(22)} ${marks(span)}${sentence(span)} (${took}${milliseconds(span.durationMs)})`;
}

export function sentence(span: Span): string {
  const parts = [
    span.saw === '' ? '' : `saw ${span.saw}`,
    span.did.length === 0 ? '' : `did ${span.did.join(', ')}`,
    span.why === undefined ? '' : `${span.outcome === 'unchanged' ? 'nothing' : span.outcome}: ${span.why}`,
  ].filter((part) => part !== '');
  return `${shortName(span)}${parts.length === 0 ? '' : `: ${parts.join('; ')}`}`;
}

function shortName(span: Span): string {
  return `${span.verb} ${span.kind} ${span.namespace === '' ? span.name : `${span.namespace}/${span.name}`}`;
}

/** What went wrong on the way: `[retry 2] [conflict] `. */
function marks({ retries = 0, conflicts = 0, outcome, why = '' }: Span): string {
  const isConflict = conflicts > 0 || (outcome === 'failed' && /the object has been modified|\bconflict\b/i.test(why));
  return [
    retries > 0 ? `[retry ${retries}] ` : '',
    isConflict ? (conflicts > 1 ? `[conflict ×${conflicts}] ` : '[conflict] ') : '',
  ].join('');
}

/** Times are the end of each span, since the root began. `*`: on the critical path. */
export function treeLines(root: TraceNode, style: TreeStyle = { colours: false }): string[] {
  const path = criticalPath(root);
  const origin = root.span.startedAt;
  const last = Math.max(...flatten(root).map(({ span }) => endOf(span)));
  const page: Page = {
    origin,
    style,
    scale: { width: barWidth(style.width), totalMs: last - origin },
    path: new Set(path.steps.map(({ node }) => node.span.id)),
  };
  return [
    ...lines(page, root, '', ''),
    `${flatten(root).length} steps in ${milliseconds(last - origin)}; ${WAITED} waits in a queue, ${WORKED} works, * is what readiness waited for`,
    '',
    ...pathLines(path, style),
  ];
}

interface Page {
  origin: number;
  style: TreeStyle;
  scale: BarScale;
  path: ReadonlySet<string>;
}

/** A third of the terminal; where there is none, what a wide line bears. */
function barWidth(width: number | undefined): number {
  return Math.min(Math.max(Math.floor((width ?? 120) / 4), 12), 48);
}

function lines(page: Page, node: TraceNode, lead: string, below: string): string[] {
  return [
    nodeLine(page, node, lead),
    ...node.children.flatMap((child, i) => {
      const isLast = i === node.children.length - 1;
      return lines(page, child, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`);
    }),
  ];
}

function nodeLine({ origin, style, scale, path }: Page, node: TraceNode, lead: string): string {
  const { span } = node;
  const startMs = span.startedAt - origin;
  const endMs = endOf(span) - origin;
  const isCritical = path.has(span.id);
  const at = `+${milliseconds(endMs)}`.padStart(9);
  const drawn = bar(scale, { queuedMs: span.queuedMs, startMs, endMs });
  const sign = node.isLost ? '?' : OUTCOMES[span.outcome];
  const text = `${at} ${isCritical ? '*' : ' '}│${drawn}│ ${lead}${sign} ${marks(span)}${span.instance} ${sentence(span)}`;
  return painted(cut(text, style.width), colourOf(span, isCritical), style);
}

function pathLines(path: CriticalPath, style: TreeStyle): string[] {
  const waiting =
    path.waiting.length === 0
      ? []
      : [
          `not ready yet: ${path.waiting.map((name) => `pod/${name}`).join(', ')} (\`flotilla why pod/…\` tells the reason)`,
        ];
  const what =
    path.end === 'ready'
      ? `${milliseconds(path.totalMs)} from the request to the last ready of ${path.ready.length} pod${path.ready.length === 1 ? '' : 's'}`
      : `${milliseconds(path.totalMs)} from the request to the last change`;
  return [
    `critical path: ${what}`,
    `${'at'.padStart(9)} ${'waited'.padStart(9)} ${'worked'.padStart(9)}`,
    ...path.steps.map((step) => cut(stepLine(step), style.width)),
    ...waiting,
  ];
}

function stepLine({ node: { span }, fromMs, startMs, toMs }: PathStep): string {
  const columns = [`+${milliseconds(toMs)}`, milliseconds(startMs - fromMs), milliseconds(toMs - startMs)];
  return `${columns.map((text) => text.padStart(9)).join(' ')}  ${marks(span)}${span.instance} ${shortName(span)}`;
}

const COLOURS = { critical: '33', failed: '31', plain: '' } as const;

function colourOf(span: Span, isCritical: boolean): keyof typeof COLOURS {
  if (span.outcome === 'failed' || span.outcome === 'refused') return 'failed';
  return isCritical ? 'critical' : 'plain';
}

function painted(text: string, colour: keyof typeof COLOURS, style: TreeStyle): string {
  return style.colours && COLOURS[colour] !== '' ? `\u001B[${COLOURS[colour]}m${text}\u001B[0m` : text;
}

/** All characters that are used here are one column wide. */
function cut(text: string, width: number | undefined): string {
  const characters = width === undefined ? [] : [...text];
  return width === undefined || characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

export function endOf(span: Span): number {
  return span.startedAt + span.durationMs;
}

export function milliseconds(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
