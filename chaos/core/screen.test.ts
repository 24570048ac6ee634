// Shows the picture of a run as text, and that nothing is wider or longer than the screen.
import test from 'ava';
import type { Target } from '../contract.ts';
import type { Cell } from './availability.ts';
import { GapNews, memberNews, type Board } from './board.ts';
import { drawBoard } from './screen.ts';

const member = (name: string, role: string, commit: number, state: Target['state'] = 'running'): Target => ({
  name,
  role: 'store',
  state,
  ...(role === '' ? {} : { store: { role, term: 4, commit, applied: commit } }),
});
const cells = (text: string): Cell[] =>
  [...text].map((mark) => ({ ok: '█▄'.includes(mark) ? 3 : 0, failed: '▄▁'.includes(mark) ? 2 : 0 }));

const BOARD: Board = {
  cluster: 'demo',
  title: 'quorum',
  hypothesis: 'of 3 members 1 may die, leaders even, and writes go on; with one more dead writes are refused',
  phase: 'running',
  elapsedMs: 14_200,
  lastsMs: 30_000,
  cellMs: 250,
  members: [
    member('store-1', '', 0, 'stopped'),
    member('store-2', 'leader', 1234),
    member('store-3', 'follower', 1201),
  ],
  lanes: [
    { name: 'writes', cells: cells('██████·▁▁▄███████▁▁▁'), ok: 842, failed: 12, longestGapMs: 1240 },
    { name: 'reads', cells: cells('████████████████████'), ok: 1900, failed: 0, longestGapMs: 90 },
  ],
  lastWrite: '503 in 4001 ms: the store has no quorum',
  lastRead: '200 in 3 ms',
  pods: { total: 3, ready: 3, disturbed: 0, restarted: 0 },
  broken: ['store-1: killed (pid 4711)'],
  lines: [
    { atMs: 1500, text: 'store-1: killed (pid 4711)', kind: 'broken' },
    { atMs: 2300, text: 'store-2 leads in term 4', kind: 'seen' },
    { atMs: 4000, text: 'healed: store-1: killed (pid 4711)', kind: 'healed' },
  ],
};

test('a picture of 100 columns', (t) => {
  t.snapshot(drawBoard(BOARD, { columns: 100, rows: 30, colours: false }).join('\n'));
});

test('a narrow and low one', (t) => {
  const lines = drawBoard(BOARD, { columns: 60, rows: 20, colours: false });
  t.snapshot(lines.join('\n'));
  t.true(lines.length < 20);
  t.true(lines.every((line) => [...line].length < 60));
});

test('colours change nothing but colours', (t) => {
  const coloured = drawBoard(BOARD, { columns: 100, rows: 30, colours: true });
  const plain = drawBoard(BOARD, { columns: 100, rows: 30, colours: false });
  const escape = String.fromCharCode(27);
  t.deepEqual(
    coloured.map((line) =>
      line
        .split(escape)
        .map((part, i) => (i === 0 ? part : part.replace(/^\[\d+m/, '')))
        .join('')
        .trimEnd(),
    ),
    plain,
  );
  t.true(coloured.join('').includes(`${escape}[31m`));
});

test('a long run shows its last cells', (t) => {
  const long = { ...BOARD, lanes: [{ ...BOARD.lanes[0]!, cells: cells('▁'.repeat(500) + '█'.repeat(10)) }] };
  const line = drawBoard(long, { columns: 80, rows: 30, colours: false }).find((one) => one.startsWith('writes'))!;
  t.true(line.includes('▁██████████ '));
});

test('who leads, who stops and who comes back is news, everything else is not', (t) => {
  const before = [member('store-1', 'leader', 5), member('store-2', 'follower', 5)];
  t.deepEqual(memberNews(before, [member('store-1', '', 5, 'stopped'), member('store-2', 'leader', 6)]), [
    'store-1 is stopped',
    'store-2 leads in term 4',
  ]);
  t.deepEqual(memberNews(before, [member('store-1', 'follower', 9), member('store-2', 'follower', 9)]), [
    'store-1 leads no more (term 4)',
  ]);
  t.deepEqual(memberNews(before, [member('store-1', 'leader', 9), member('store-2', 'follower', 9)]), []);
  t.deepEqual(memberNews([], before), []);
});

test('a gap is told when it is long, and when it ends', (t) => {
  const news = new GapNews('writes', 0);
  t.is(news.look(100, 5, ''), undefined);
  t.is(news.look(900, 5, ''), undefined);
  t.is(news.look(1200, 5, 'no quorum'), 'no writes for 1.1 s: no quorum');
  t.is(news.look(1500, 5, 'no quorum'), undefined);
  t.is(news.look(2600, 6, ''), 'writes go on after 2.5 s');
});
