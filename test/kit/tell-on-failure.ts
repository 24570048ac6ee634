// Does: tells, where a test of a whole cluster has failed, how the cluster stands then: units, nodes, pods, events, and what the
// actors said last. A log of the run is all that is left of it. Never changes whether a test fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestFn } from 'ava';
import type { TestCluster } from './cluster.ts';

const LOOKS: ReadonlyArray<readonly string[]> = [
  ['status'],
  ['get', 'nodes', '-o', 'wide'],
  ['get', 'pods', '-A', '-o', 'wide'],
  ['get', 'events', '-A'],
];
const LINES = 40;
const LOG_LINES = 6;
const LINE_CHARACTERS = 240;

/** To be called once for each cluster, beside the tests that use it. */
export function tellOnFailure(test: TestFn, cluster: TestCluster): void {
  test.afterEach.always(`how ${cluster.name} stands`, async (t) => {
    if (!t.passed) t.log(await storyOf(cluster));
  });
}

export async function storyOf(cluster: TestCluster): Promise<string> {
  const parts: string[] = [];
  for (const args of LOOKS) {
    const { stdout, stderr } = await cluster.flotilla(...args);
    parts.push(`$ flotilla ${args.join(' ')}`, ...lastLines(`${stdout}${stderr}`, LINES));
  }
  return [...parts, ...lastWords(join(cluster.home, 'logs'))].join('\n');
}

/** Of each unit; warnings and errors, where it said any. */
function lastWords(directory: string): string[] {
  return namesIn(directory).flatMap((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    const grave = text.split('\n').filter((line) => /"level":"?(warn|error|fatal|[456]0)/.test(line));
    const lines = lastLines(grave.length > 0 ? grave.join('\n') : text, LOG_LINES);
    return [`${name}:`, ...lines];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.log'));
  } catch {
    return []; // it did not come so far, or is gone
  }
}

function lastLines(text: string, count: number): string[] {
  const lines = text.trimEnd().split('\n').slice(-count);
  return lines.map((line) => `  ${line.slice(0, LINE_CHARACTERS)}`);
}
