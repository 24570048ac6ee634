import test from 'ava';
import { parseDuration } from './duration.ts';

for (const [text, ms] of [
  ['0s', 0],
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['1.5s', 1500],
  ['45', 45_000],
] as const)
  test(`${text} is ${ms} ms`, (t) => t.is(parseDuration(text), ms));

for (const text of ['', 'soon', '5x', '-5s', '5s x'])
  test(`${JSON.stringify(text)} is no duration`, (t) =>
    void t.throws(() => parseDuration(text), { name: 'UsageError' }));
