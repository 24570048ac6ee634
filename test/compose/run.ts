// Does: proves docker-compose.yml with a real Docker Engine, from the build to `down -v`, and ends with the line
// `N passed, N failed`. Never leaves anything behind: no container, volume, rule or daemon that was not there before.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../kit/free-ports.ts';
import { ensureBaseImage } from './base-image.ts';
import { findEngine, type Engine } from './engine.ts';
import { Project } from './project.ts';
import { STORIES } from './stories.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const began = Date.now();
const say = (line: string): void => console.log(`  ${seconds(began).padStart(6)} ${line}`);

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(0)} s`;
}

let passed = 0;
let failed = 0;

/** false: it failed. */
async function prove(title: string, story: () => Promise<void>): Promise<boolean> {
  const start = Date.now();
  try {
    await story();
    passed++;
    say(`✔ ${title} (${seconds(start)})`);
    return true;
  } catch (error) {
    failed++;
    say(`✘ [fail]: ${title}: ${(error as Error).message}`);
    return false;
  }
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-compose-'));
  let engine: Engine | undefined;
  let project: Project | undefined;
  const cleanUp = async (): Promise<void> => {
    if (project !== undefined) {
      project.profiles = ['five', 'ha'];
      await project.compose('down', '-v', '--remove-orphans', '-t', '5').catch((error: Error) => say(error.message));
    }
    await engine?.end();
    rmSync(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  try {
    await prove('a Docker Engine answers', async () => {
      engine = await findEngine(join(directory, 'engine'), say);
    });
    if (engine === undefined) return;
    const engineEnv = engine.env;
    const base = /^FROM (\S+)/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))![1]!;
    if (!(await prove(`the base image ${base} is there`, () => ensureBaseImage(base, directory, engineEnv, say))))
      return;
    const [apiPort, webPort] = (await freePorts(2)) as [number, number];
    const place = { root: ROOT, name: 'flotilla-e2e', network: '172.30.77', apiPort, webPort, engineEnv };
    project = new Project(place);
    const world = { project, directory };
    for (const { title, story, isVital } of STORIES)
      if (!(await prove(title, () => story(world)))) {
        await tellLogs(project);
        if (isVital === true) return;
      }
    project = undefined;
  } finally {
    await prove('nothing of the test itself is left', cleanUp);
  }
}

/** What a person would look at next. */
async function tellLogs(project: Project): Promise<void> {
  for (const words of [['ps'], ['logs', '--no-color', '--tail=15']])
    console.log(await project.compose(...words).catch((error: Error) => error.message));
}

await main();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
