// Decides how a run is drawn: a board and a size become lines of text. Never writes to a terminal.
import type { Board, Lane, Line } from './board.ts';
import type { Cell } from './availability.ts';
import { durationText } from './duration.ts';
import { stamp } from './plan.ts';

export interface Size {
  columns: number;
  rows: number;
  colours: boolean;
}

type Style = 'plain' | 'bold' | 'dim' | 'green' | 'yellow' | 'red';
type Part = [text: string, style?: Style];

const CODES: Record<Style, string> = { plain: '0', bold: '1', dim: '2', green: '32', yellow: '33', red: '31' };
const LABEL = 10;
const COUNTS = 44;

/** As many lines as fit, none wider than the screen. */
export function drawBoard(board: Board, size: Size): string[] {
  const head: Part[][] = [...titleLines(board, size.columns), [], ...memberLines(board), []];
  const body = [...laneLines(board, size.columns), [], ...answerLines(board), []];
  const left = Math.max(3, size.rows - head.length - body.length - 1);
  const lines = [...head, ...body, ...board.lines.slice(-left).map(newsLine)];
  return lines.slice(0, Math.max(1, size.rows - 1)).map((parts) => render(parts, size));
}

function titleLines(board: Board, columns: number): Part[][] {
  const time = `${durationText(board.elapsedMs)} of ${durationText(board.lastsMs)}`;
  const title = `flotilla chaos  ${board.title}  `;
  const phase = `${board.phase}  ${time}`;
  const gap = ' '.repeat(Math.max(1, columns - widthOf(title) - widthOf(phase) - 1));
  return [
    [[title, 'bold'], [gap], [phase, 'dim']],
    ...wrapped(`cluster ${board.cluster}: ${board.hypothesis}`, columns - 2).map((text): Part[] => [[text, 'dim']]),
  ];
}

const MEMBER_COLUMNS = [12, 12, 14, 8, 10] as const;

function memberLines({ members }: Board): Part[][] {
  const commit = Math.max(0, ...members.map(({ store }) => store?.commit ?? 0));
  const header = columnsOf(['MEMBER', 'STATE', 'ROLE', 'TERM', 'COMMIT', 'LAG']);
  return [
    [[header, 'dim']],
    ...members.map(({ name, state, store }): Part[] => {
      const style: Style = state !== 'running' ? 'red' : store === undefined ? 'yellow' : 'plain';
      const said = store === undefined ? ['no answer', '-', '-', '-'] : memberCells(store, commit);
      const mark = { running: '●', paused: '◌', stopped: '✕' }[state];
      const text = columnsOf([name, `${mark} ${state}`, ...(state === 'stopped' ? ['-', '-', '-', '-'] : said)]);
      return [[text, store?.role === 'leader' && state === 'running' ? 'green' : style]];
    }),
  ];
}

function memberCells(store: { role: string; term: number; commit: number; applied: number }, commit: number): string[] {
  return [store.role, String(store.term), String(store.commit), String(Math.max(0, commit - store.applied))];
}

function columnsOf(cells: readonly string[]): string {
  return cells
    .map((cell, i) => cell.padEnd(MEMBER_COLUMNS[i] ?? 0))
    .join('')
    .trimEnd();
}

function laneLines(board: Board, columns: number): Part[][] {
  const room = Math.max(10, columns - LABEL - COUNTS);
  return [...board.lanes.map((lane) => laneLine(lane, room)), markLine(board, room), legend(board.cellMs)];
}

function legend(cellMs: number): Part[] {
  return [
    [' '.repeat(LABEL)],
    ['█', 'green'],
    [' answered  ', 'dim'],
    ['▄', 'yellow'],
    [' some not  ', 'dim'],
    ['▁', 'red'],
    [' refused  ', 'dim'],
    ['·', 'red'],
    [' silence  ', 'dim'],
    ['x', 'red'],
    [' broken  ', 'dim'],
    ['+', 'green'],
    [` healed  (one cell ${cellMs} ms)`, 'dim'],
  ];
}

function laneLine(lane: Lane, room: number): Part[] {
  const cells = lane.cells.slice(-room);
  const counts = `${lane.ok} ok, ${lane.failed} failed, longest gap ${durationText(lane.longestGapMs)}`;
  return [
    [lane.name.padEnd(LABEL)],
    ...merged(cells.map(cellPart)),
    [' '.repeat(room - cells.length + 2)],
    [counts, 'dim'],
  ];
}

function cellPart({ ok, failed }: Cell): Part {
  if (ok > 0 && failed === 0) return ['█', 'green'];
  if (ok > 0) return ['▄', 'yellow'];
  return failed > 0 ? ['▁', 'red'] : ['·', 'red'];
}

/** Neighbours of one colour are one piece: ten frames a second go over somebody's ssh. */
function merged(parts: readonly Part[]): Part[] {
  const found: Part[] = [];
  for (const [text, style] of parts) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === style) last[0] += text;
    else found.push([text, style ?? 'plain']);
  }
  return found;
}

/** Below the cells: where something was broken or healed. */
function markLine({ lanes, lines, cellMs }: Board, room: number): Part[] {
  const length = Math.max(0, ...lanes.map(({ cells }) => cells.length));
  const marks = Array.from({ length }, (): Part => [' ']);
  for (const { atMs, kind } of lines) {
    const index = Math.floor(atMs / cellMs);
    if (atMs < 0 || index >= length) continue;
    if (kind === 'broken') marks[index] = ['x', 'red'];
    if (kind === 'healed' && marks[index]![0] === ' ') marks[index] = ['+', 'green'];
  }
  return [[' '.repeat(LABEL)], ...merged(marks.slice(-room))];
}

function answerLines({ lastWrite, lastRead, pods, broken }: Board): Part[][] {
  const fine = pods.disturbed === 0 && pods.restarted === 0;
  const told = `${pods.ready} of ${pods.total} ready, ${pods.disturbed} disturbed, ${pods.restarted} restarted`;
  return [
    [['write'.padEnd(LABEL)], answerPart(lastWrite)],
    [['read'.padEnd(LABEL)], answerPart(lastRead)],
    [['pods'.padEnd(LABEL)], [told, fine ? 'green' : 'red']],
    [['broken'.padEnd(LABEL)], broken.length === 0 ? ['nothing', 'green'] : [broken.join('; '), 'red']],
  ];
}

function answerPart(text: string): Part {
  return [text, /^20\d in \d+ ms$/.test(text) ? 'green' : text.startsWith('20') ? 'yellow' : 'red'];
}

const NEWS: Record<Line['kind'], Style> = { broken: 'red', healed: 'green', seen: 'plain', wrong: 'yellow' };

function newsLine({ atMs, text, kind }: Line): Part[] {
  return [
    [`${stamp(atMs)}  `, 'dim'],
    [text, NEWS[kind]],
  ];
}

function render(parts: readonly Part[], { columns, colours }: Size): string {
  let left = columns - 1;
  let line = '';
  for (const [text, style = 'plain'] of parts) {
    const cut =
      widthOf(text) <= left ? text : `${[...text].slice(0, Math.max(0, left - 1)).join('')}${left > 0 ? '…' : ''}`;
    left -= widthOf(cut);
    line += colours && style !== 'plain' && cut !== '' ? `\u001B[${CODES[style]}m${cut}\u001B[0m` : cut;
  }
  return colours ? line : line.trimEnd();
}

function widthOf(text: string): number {
  return [...text].length;
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
