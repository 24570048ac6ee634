// Does: writes the figures of the latest whole run into the README of the API server, between two markers. Never measures.
import { readFileSync, writeFileSync } from 'node:fs';
import { short } from '../figures.ts';
import type { Row } from './measurements.ts';

const README = new URL('../../../services/apiserver/README.md', import.meta.url);
const [BEGIN, END] = ['<!-- bench:api begins -->', '<!-- bench:api ends -->'];

interface Line {
  at: string;
  bench: string;
  quick: boolean;
  machine: { cpus: number; model: string; loadBefore: number[] };
  rounds: number;
  rows: Array<Row & { group: string }>;
}

export function writeReadme(history: string): void {
  const lines = history
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Line);
  const latest = lines.findLast((line) => line.bench === 'api' && !line.quick);
  if (latest === undefined)
    throw new Error('history.jsonl holds no whole run of bench:api: run it without --quick first');
  const text = readFileSync(README, 'utf8');
  const [before, rest = ''] = text.split(BEGIN) as [string, string?];
  const after = rest.split(END)[1] ?? '';
  writeFileSync(README, `${before.trimEnd()}\n\n${BEGIN}\n\n${render(latest)}\n${END}\n${after.replace(/^\n/, '')}`);
}

function render({ at, machine, rounds, rows }: Line): string {
  const head = `Medians of ${rounds} on ${machine.cpus} processors (${machine.model}), ${at.slice(0, 10)}, load ${machine.loadBefore[0]} when it began: \`npm run bench:api\`.\n`;
  const table = rows.map(
    ({ name, figures, peer = {}, kubernetes = {} }) =>
      `| ${name} | ${told(figures)} | ${told(kubernetes)} | ${told(peer)} |`,
  );
  const profiles = rows.filter((row) => row.profile !== undefined).map(profileOf);
  const columns = ['what', 'measured', 'kube-apiserver 1.33 with one etcd', 'bare HTTP/2 server'];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [head, line(columns), line(columns.map(() => '---')), ...table, '', ...profiles].join('\n');
}

function told(figures: Record<string, number>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${wordsOf(name)} ${short(value)}`)
    .join(', ');
}

/** `p99Ms` reads `p99 ms`; `apiserverMicros` reads `apiserver µs`. */
function wordsOf(figure: string): string {
  return figure
    .replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace('micros', 'µs')
    .replace('mi b', 'MiB');
}

function profileOf({ name, profile }: Row): string {
  const entries = (profile!['apiserver'] ?? []).slice(0, 10).map(({ where, percent }) => `${percent} % ${where}`);
  return `Where the API actor's time goes, ${name}: ${entries.join('; ')}.\n`;
}
