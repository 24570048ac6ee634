import test from 'ava';
import { ageOf, humanDuration } from './age.ts';

test('durations as kubectl prints them', (t) => {
  const S = 1000;
  const M = 60 * S;
  const H = 60 * M;
  const D = 24 * H;
  const cases: [number, string][] = [
    [0, '0s'],
    [-1 * S, '0s'],
    [-5 * S, '<invalid>'],
    [119 * S, '119s'],
    [2 * M, '2m'],
    [5 * M + 12 * S, '5m12s'],
    [10 * M + 5 * S, '10m'],
    [179 * M, '179m'],
    [3 * H, '3h'],
    [3 * H + 5 * M, '3h5m'],
    [8 * H + 5 * M, '8h'],
    [47 * H, '47h'],
    [2 * D, '2d'],
    [3 * D + 4 * H, '3d4h'],
    [8 * D + 4 * H, '8d'],
    [729 * D, '729d'],
    [730 * D, '2y'],
    [731 * D, '2y1d'],
    [8 * 365 * D + D, '8y'],
  ];
  for (const [ms, text] of cases) t.is(humanDuration(ms), text, String(ms));
  t.is(ageOf(undefined, 0), '<unknown>');
  t.is(ageOf('2026-11-22T06:27:16Z', Date.parse('2026-11-22T06:27:24Z')), '8s');
});
