// Does: plays one story with one kubectl in a namespace of its own and tells each answer that is not the expected one.
// Never shares a file or a namespace with another play.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from '../kit/cluster.ts';
import type { Kubectl } from './find-kubectls.ts';
import { normalise } from './normalise.ts';
import { answerFor, matches } from './story.ts';
import type { Command, Story } from './story.ts';

const HELPERS = fileURLToPath(new URL('bin', import.meta.url));
const PATIENCE_MS = 180_000;
const PAUSE_MS = 200;
const LIMIT_SECONDS = 240;

export interface Play {
  story: Story;
  kubectl: Kubectl;
  namespace: string;
  /** A folder that no other play has. */
  folder: string;
  /** Text of a kubeconfig whose namespace is the play's. */
  kubeconfig: string;
}

export interface Difference {
  command: Command;
  expected: string;
  actual: string;
}

export interface Outcome {
  passed: number;
  differences: Difference[];
}

export async function playStory(
  play: Play,
  told: (command: Command, actual: string) => void = () => {},
): Promise<Outcome> {
  const env = prepare(play);
  const outcome: Outcome = { passed: 0, differences: [] };
  for (const command of play.story.commands) {
    const expected = answerFor(command, play.kubectl.minor).text;
    const actual = await answer(command, expected, play, env);
    told(command, actual);
    if (matches(expected, actual)) outcome.passed++;
    else outcome.differences.push({ command, expected, actual });
  }
  return outcome;
}

/** Writes the story's files and gives the environment of its shells. */
function prepare(play: Play): Record<string, string> {
  const bin = join(play.folder, '.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(play.kubectl.file, join(bin, 'kubectl'));
  for (const [name, text] of Object.entries(play.story.files)) {
    mkdirSync(join(play.folder, name, '..'), { recursive: true });
    writeFileSync(join(play.folder, name), text.replaceAll('{ns}', play.namespace));
  }
  const kubeconfig = join(play.folder, '.kubeconfig');
  writeFileSync(kubeconfig, play.kubeconfig);
  return {
    PATH: `${bin}:${HELPERS}:${process.env['PATH'] ?? ''}`,
    // Discovery is kept here: one folder a version would be shared by stories that add custom resources.
    HOME: play.folder,
    KUBECONFIG: kubeconfig,
    NS: play.namespace,
    MINOR: String(play.kubectl.minor),
    // An editor that asks would wait for nobody.
    EDITOR: 'false',
    TZ: 'UTC',
  };
}

async function answer(command: Command, expected: string, play: Play, env: Record<string, string>): Promise<string> {
  const end = performance.now() + (command.eventually ? PATIENCE_MS : 0);
  for (;;) {
    const actual = await shell(command.shell, play, env);
    if (performance.now() >= end || matches(expected, actual)) return actual;
    await sleep(PAUSE_MS);
  }
}

async function shell(line: string, play: Play, env: Record<string, string>): Promise<string> {
  // `timeout` ends the whole group: a kubectl that outlives its shell would hold the pipes open.
  const argv = ['timeout', '--signal=KILL', String(LIMIT_SECONDS), 'sh', '-c', `cd "$HOME" && ${line}`];
  const ran = await run(argv, { env, timeoutMs: 2 * LIMIT_SECONDS * 1000 });
  const stderr =
    ran.stderr === ''
      ? []
      : ran.stderr
          .trimEnd()
          .split('\n')
          .map((text) => `! ${text}`.trimEnd());
  const parts = [ran.stdout.trimEnd(), ...stderr, ran.code === 0 ? '' : `[${ran.code}]`];
  return normalise(parts.filter((part) => part !== '').join('\n'), play.namespace);
}
