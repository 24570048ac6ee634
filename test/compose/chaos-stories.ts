// Decides what chaos must do to a cluster in containers, from the host and with nothing but docker: each fault has its
// effect, and is healed. Never breaks anything without flotilla.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, run } from './shell.ts';
import type { Story, World } from './stories.ts';

const INTERRUPTED = 130;

interface Broken {
  /** What it has said so far. */
  said(): string;
  /** Its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const argvOf = ({ project, directory }: World, words: readonly string[]): string[] => [
  join(project.place.root, 'cli/main.ts'),
  '--home',
  join(directory, 'chaos-home'),
  'chaos',
  ...words,
  `--compose=${project.place.name}`,
];

/** As a person at a terminal would, who ends it with Ctrl-C; resolves when something is broken. */
async function broken(world: World, ...words: string[]): Promise<Broken> {
  const { root } = world.project.place;
  const child: ChildProcess = spawn(process.execPath, argvOf(world, [...words, '--for', '0s']), {
    cwd: root,
    env: { ...process.env, ...world.project.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (part) => (said += String(part)));
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return (await ended)[0];
  };
  try {
    await eventually(`chaos ${words.join(' ')} to break something`, async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
      return said.includes('broken until Ctrl-C') ? true : undefined;
    });
  } catch (error) {
    await end('SIGINT');
    throw error;
  }
  return { said: () => said, end };
}

/** Broken while `during` runs, whatever becomes of it; healed by Ctrl-C. */
async function brokenWhile(world: World, words: string[], during: (said: string) => Promise<void>): Promise<void> {
  const fault = await broken(world, ...words);
  let code: number | null;
  try {
    await during(fault.said());
  } finally {
    code = await fault.end('SIGINT');
  }
  assert.equal(code, INTERRUPTED, fault.said());
  assert.match(fault.said(), /^healed: /m);
}

/** The member that it says it hit. */
const hitBy = (said: string): string => /(store-\d)/.exec(said)![1]!;

const anotherLeads = ({ project }: World, than: string): Promise<true> =>
  eventually(`another member than ${than} to lead`, async () => {
    const leaders = [...(await project.members())].filter(([name, role]) => name !== than && role === 'leader');
    return leaders.length > 0 ? true : undefined;
  });

const allAnswer = ({ project }: World): Promise<true> =>
  eventually('every member of the store to lead or follow', async () => {
    const roles = [...(await project.members()).values()].toSorted();
    return roles.join() === 'follower,follower,leader' ? true : undefined;
  });

const SCENARIO = `
name: short
hypothesis: the leader of a store in containers dies under load, and nothing acknowledged is lost
needs: { stores: 3, nodes: 3, apiservers: 2, containers: true }
load: { writers: 2, readers: 2, service: 1 }
faults:
  - { at: 1s, for: 4s, fault: kill, target: leader }
lasts: 7s
must hold: { longest write gap: 30s, pods disturbed: 0, containers restarted: 0, writes acknowledged: at least 5 }
`;

export const CHAOS_STORIES: readonly Story[] = [
  {
    title: 'chaos pause leader: its container stands still and another leads; Ctrl-C heals',
    story: async (world) => {
      await brokenWhile(world, ['pause', 'leader'], async (said) => {
        assert.equal(await world.project.inspect(hitBy(said), '.State.Paused'), true);
        await anotherLeads(world, hitBy(said));
      });
      await allAnswer(world);
    },
  },
  {
    title: 'chaos kill follower: Docker leaves it dead; killed itself, chaos still heals by its guardian',
    story: async (world) => {
      const fault = await broken(world, 'kill', 'follower');
      const member = hitBy(fault.said());
      try {
        assert.equal((await world.project.members()).has(member), true);
        // Its restart policy would have had it back by now.
        assert.equal(await world.project.inspect(member, '.State.Running'), false);
      } finally {
        await fault.end('SIGKILL');
      }
      await eventually(`${member} to run again`, async () =>
        (await world.project.inspect<boolean>(member, '.State.Running')) ? true : undefined,
      );
      await allAnswer(world);
    },
  },
  {
    title: 'chaos partition leader store: the others choose another leader, and take the old one back',
    story: async (world) => {
      await brokenWhile(world, ['partition', 'leader', 'store'], (said) =>
        anotherLeads(world, hitBy(said)).then(() => {}),
      );
      await allAnswer(world);
    },
  },
  {
    title: 'chaos cut node-2: the node is on no network; then at its old address, and its pod answers again',
    story: async (world) => {
      const { project } = world;
      const networks = async (): Promise<Array<{ IPAddress: string }>> =>
        Object.values(
          await project.inspect<Record<string, { IPAddress: string }>>('node-2', '.NetworkSettings.Networks'),
        );
      const before = (await networks()).map(({ IPAddress }) => IPAddress);
      await brokenWhile(world, ['cut', 'node/node-2'], async () => assert.deepEqual(await networks(), []));
      assert.deepEqual(
        (await networks()).map(({ IPAddress }) => IPAddress),
        before,
      );
      await project.untilAllAnswer(await project.untilReady(3), () => project.fromHost());
    },
  },
  {
    title: 'chaos run: a scenario with its load through the published ports and a node, its verdict held',
    story: async (world) => {
      const { project, directory } = world;
      const file = join(directory, 'short.yaml');
      writeFileSync(file, SCENARIO);
      const argv = [process.execPath, ...argvOf(world, ['run', file, '--seed', '1'])];
      const { code, out, err } = await run(argv, { env: project.env, cwd: project.place.root, timeoutMs: 300_000 });
      assert.equal(code, 0, `${out}${err}`);
      assert.match(out, /longest Service gap/);
      const { out: left } = await run(['docker', 'ps', '-aq', '--filter', 'label=flotilla.chaos'], {
        env: project.env,
      });
      assert.equal(left, '', "chaos's own container is still there");
    },
  },
];
