// Does: keeps results in results.json, one line a test in the order of names, and renders them in README.md. Never decides what
// a result is.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { areaOf, missingFor, type Result } from './results.ts';

const FILE = join(import.meta.dirname, 'results.json');
const README = join(import.meta.dirname, 'README.md');
const [BEGIN, END] = ['<!-- results -->', '<!-- end of results -->'];

/** What was run replaces what was known of it; the rest stays. */
export function keepResults(fresh: readonly Result[]): void {
  const known = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Result[]) : [];
  const all = new Map(known.map((result) => [result.name, result]));
  for (const one of fresh) if (one.result !== 'not run' || !all.has(one.name)) all.set(one.name, one);
  const sorted = [...all.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(FILE, `[\n${sorted.map((result) => `  ${JSON.stringify(result)}`).join(',\n')}\n]\n`);
  const readme = readFileSync(README, 'utf8');
  const [head, tail] = [readme.slice(0, readme.indexOf(BEGIN)), readme.slice(readme.indexOf(END))];
  writeFileSync(README, `${head}${BEGIN}\n\n${tableOf(sorted)}\n\n${tail}`);
  const ran = fresh.filter(({ result }) => result !== 'not run');
  console.log(`${ran.filter(({ result }) => result === 'passed').length} of ${ran.length} passed`);
}

export function tableOf(results: readonly Result[]): string {
  const areas = [...new Set(results.map(({ name }) => areaOf(name)))].toSorted();
  const rows = areas.map((area) =>
    rowOf(
      area,
      results.filter(({ name }) => areaOf(name) === area),
    ),
  );
  const head = [
    '| area | tests | passed | need a part that does not exist yet | failed otherwise | not run |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  return [...head, ...rows, rowOf('all', results)].join('\n');
}

function rowOf(title: string, results: readonly Result[]): string {
  const rest = results.filter(({ result }) => result !== 'passed');
  const others = rest.filter(({ name }) => missingFor(name) === undefined);
  const failed = others.filter(({ result }) => result === 'failed').length;
  const passed = results.length - rest.length;
  return `| ${[title, results.length, passed, rest.length - others.length, failed, others.length - failed].join(' | ')} |`;
}
