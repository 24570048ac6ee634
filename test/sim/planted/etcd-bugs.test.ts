// Decides whether the simulation would have caught what etcd's users, its robustness tests and Jepsen found in etcd: each bug,
// made again in our code, must end a run within a few seeds; and worlds full of what showed them must be survived.
import test from 'ava';
import { UPSTREAM_BUGS } from './etcd.ts';
import { findPlanted } from './find.ts';
import { simulate } from '../store-sim.ts';
import type { FaultName } from '../store-faults.ts';
import type { Counts } from '../world.ts';

const MAX_SEEDS = 120;

for (const { number, title, plant } of UPSTREAM_BUGS) {
  test.serial(`seen: etcd #${number}: ${title}`, async (t) => {
    t.timeout(300_000);
    const { seed, message } = await findPlanted(plant, MAX_SEEDS);
    t.not(message, undefined, `nobody noticed it in ${seed} seeds`);
    t.log(`seed ${seed}: ${message?.slice(0, 200)}`);
  });
}

interface World {
  title: string;
  members: number;
  faults: readonly FaultName[];
  /** What must have happened in some of the seeds. */
  shows: readonly string[];
}

const WORLDS: readonly World[] = [
  {
    title:
      '#20271, #14102: whatever is broken on one disk, nothing panics, nothing wrong is served, and the member comes back',
    members: 3,
    faults: ['bit-flip-log', 'bit-flip-snapshot', 'sector-stale', 'file-truncated', 'name-lost', 'killed'],
    shows: ['damage-taken-out', 'bit-flip-log', 'bit-flip-snapshot'],
  },
  {
    title: '#14370, #14098: one member alone loses nothing that it acknowledged, and always starts again',
    members: 1,
    faults: ['power-cut', 'fuse-disk', 'fuse-disk-done', 'disk-slow', 'killed-at-start'],
    shows: ['power-cut', 'restored-whole', 'write-done'],
  },
  {
    title: '#20418: reads are of now, whoever was paused, cut off or late',
    members: 3,
    faults: [
      'paused',
      'stutters',
      'leader-cut-off',
      'clock-frozen',
      'weather-slow',
      'weather-doubles',
      'advisory-wrong',
    ],
    shows: ['paused', 'reads-abandoned', 'checked-reads'],
  },
  {
    title: '#13766, #14685, #17780: revision, index and data are of one time after every crash',
    members: 3,
    faults: ['fuse-disk', 'fuse-disk-done', 'fuse-timer', 'power-cut', 'killed-at-start', 'compact'],
    shows: ['crash-at-disk', 'crash-at-disk-done', 'snapshot-taken', 'log-compacted', 'compact-done'],
  },
];

for (const { title, members, faults, shows } of WORLDS) {
  test.serial(`etcd ${title}`, async (t) => {
    t.timeout(300_000);
    const totals: Counts = {};
    for (let seed = 1; seed <= 8; seed++)
      for (const [name, times] of Object.entries((await simulate({ seed, members, troubleMs: 4_000, faults })).counts))
        totals[name] = (totals[name] ?? 0) + times;
    for (const name of shows) t.true((totals[name] ?? 0) > 0, `${name} never happened`);
  });
}
