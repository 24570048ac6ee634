// Does: decides which stories each version of kubectl plays, and plays them, a few at a time. Never brings a cluster up.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify, parse } from 'yaml';
import { run } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import type { Kubectl } from './find-kubectls.ts';
import { playStory } from './play-story.ts';
import type { Difference, Outcome } from './play-story.ts';
import { readStory } from './story.ts';
import type { Command, Story } from './story.ts';

export const STORIES = fileURLToPath(new URL('stories', import.meta.url));
/** kubectl takes a tenth of a second of a processor a command: more at a time only wait for each other. */
const AT_A_TIME = 3;

export interface Part {
  kubectl: Kubectl;
  story: Story;
}

export interface Home {
  /** Where the cluster's kubeconfig is, and where plays may put their files. */
  folder: string;
}

/** Those that need containers, or those that a hollow cluster serves. */
export function readStories(containers = false): Story[] {
  const names = readdirSync(STORIES).filter((name) => name.endsWith('.txt'));
  const stories = names.sort().map((name) => readStory(name.slice(0, -4), readFileSync(join(STORIES, name), 'utf8')));
  return stories.filter((story) => story.containers === containers);
}

/** The newest version plays everything; the others what goes over the wire in a way of their own, or everything too. */
export const plan = (kubectls: readonly Kubectl[], stories: readonly Story[], all: boolean): Part[] =>
  kubectls.flatMap((kubectl, age) =>
    stories.filter((story) => all || age === 0 || story.everyVersion).map((story) => ({ kubectl, story })),
  );

/** "s33-pods-2f8": unlike any word of an output, so that it can be told from it, and new in each run. */
export const namespaceOf = ({ kubectl, story }: Part): string =>
  `s${kubectl.minor}-${story.name}-${process.pid.toString(36)}`;

/** Starts all parts, a few at a time, and gives each one's outcome as a promise. */
export function playAll(
  parts: readonly Part[],
  home: Home,
  told?: (part: Part, command: Command, actual: string) => void,
) {
  const ready = makeNamespaces(parts, home);
  const lanes = Array.from({ length: AT_A_TIME }, () => ready);
  return parts.map(async (part, index) => {
    const before = lanes[index % AT_A_TIME]!;
    const outcome = before.then(() => play(part, home, told));
    lanes[index % AT_A_TIME] = outcome.then(
      () => {},
      () => {},
    );
    return outcome;
  });
}

async function play(
  part: Part,
  home: Home,
  told?: (part: Part, command: Command, actual: string) => void,
): Promise<Outcome> {
  const namespace = namespaceOf(part);
  const folder = join(home.folder, 'plays', namespace);
  mkdirSync(folder, { recursive: true });
  const kubeconfig = kubeconfigFor(home, namespace);
  return playStory({ ...part, namespace, folder, kubeconfig }, (command, actual) => told?.(part, command, actual));
}

function kubeconfigFor(home: Home, namespace: string): string {
  const config = parse(readFileSync(join(home.folder, 'kubeconfig'), 'utf8')) as {
    contexts: Array<{ context: { namespace?: string } }>;
  };
  for (const { context } of config.contexts) context.namespace = namespace;
  return stringify(config);
}

/** A namespace takes pods once it has its service account. */
async function makeNamespaces(parts: readonly Part[], home: Home): Promise<void> {
  const names = parts.map(namespaceOf);
  const kubectl = (args: string[], stdin = '') =>
    run([parts[0]!.kubectl.file, '--kubeconfig', join(home.folder, 'kubeconfig'), ...args], {
      stdin,
      env: { HOME: home.folder },
    });
  const manifests = names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const made = await kubectl(['create', '-f', '-'], manifests.map((one) => stringify(one)).join('---\n'));
  if (made.code !== 0) throw new Error(`the namespaces of the stories could not be made: ${made.stderr}`);
  await eventually('service accounts of the namespaces', async () => {
    const listed = await kubectl([
      'get',
      'serviceaccounts',
      '-A',
      '--field-selector',
      'metadata.name=default',
      '--no-headers',
    ]);
    const have = new Set(listed.stdout.split('\n').map((line) => line.split(' ')[0]));
    return names.every((name) => have.has(name));
  });
}

export const tell = ({ command, expected, actual }: Difference): string =>
  `line ${command.line}: $ ${command.shell}\n--- expected\n${expected}\n--- printed\n${actual}\n`;
