// Does: asks a real etcd of three members for the same puts, if one is installed, for scale. Never installs one.
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdProcesses } from '../etcd-processes.ts';
import { medians } from '../figures.ts';
import type { Plan, Row } from './measurements.ts';

const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)));

/** etcd's own load generator, where bench:store has built it, or where ETCD_BENCHMARK says. */
export function builtBenchmark(): string | undefined {
  const given = process.env['ETCD_BENCHMARK'];
  if (given !== undefined) return given;
  const found = readdirSync(tmpdir()).find((name) => name.startsWith('flotilla-etcd-benchmark-'));
  const program = found === undefined ? undefined : join(tmpdir(), found, 'benchmark');
  return program !== undefined && existsSync(program) ? program : undefined;
}

export async function etcdPuts({ rounds, quick }: Plan, tell: (row: Row) => void): Promise<void> {
  if (!isInstalled('etcd') || process.env['ETCD_BENCHMARK'] === undefined)
    return console.log('etcd or its benchmark is not there (bench:store builds it): no figures of it');
  const etcd = await EtcdProcesses.start();
  try {
    for (const inFlight of [1, 32, 256]) {
      const total = Math.min(10_000, inFlight * 300) / (quick ? 4 : 1);
      const args = `--clients ${inFlight} --conns ${Math.ceil(inFlight / 16)} --total ${total} put --key-size 29 --val-size 1024`;
      const runs = [];
      for (let round = 0; round < rounds; round++) runs.push({ ...(await etcd.load(args.split(' '))) });
      tell({ name: `etcd puts, ${inFlight} in flight`, figures: medians(runs) });
    }
  } finally {
    await etcd.stop();
  }
}
