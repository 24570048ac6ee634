// Shows on a real cluster that a scenario is played, judged and healed, and that a falsified record turns its verdict red.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run, TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';

const cluster = new TestCluster({ name: 'chaos-run', args: ['--runtime', 'hollow', '--nodes', '1'] });
tellOnFailure(test, cluster);

const SCENARIO = `
name: leader-killed-briefly
hypothesis: the leader dies and comes back, nothing acknowledged is lost
needs: { stores: 3 }
load: { writers: 3, readers: 2 }
faults:
  - { at: 500ms, for: 2s, fault: kill, target: leader }
lasts: 4s
must hold:
  # The machine that judges may be slow: that writes go on at all is the point.
  longest write gap: 40s
  pods disturbed: 0
  containers restarted: 0
`;

interface Said {
  held: boolean;
  figures: Record<string, number>;
  troubles: string[];
  reasons: string[];
}

let file = '';
test.before(async () => {
  await cluster.up();
  file = join(cluster.home, 'scenario.yaml');
  writeFileSync(file, SCENARIO);
});
test.after.always(async () => void (await cluster.down()));

async function play(...args: string[]): Promise<{ code: number; said: Said; stderr: string }> {
  const { code, stdout, stderr } = await cluster.flotilla('chaos', 'run', file, '--json', '--seed', '3', ...args);
  try {
    return { code, said: JSON.parse(stdout) as Said, stderr };
  } catch {
    throw new Error(`chaos run exited ${code} without a verdict: ${stdout}${stderr}`);
  }
}

/** What was healed last may still be on its way. */
const allRun = (): Promise<boolean> =>
  eventually('all run', async () => (await cluster.units()).every(({ state }) => state === 'running'));

test.serial('a hypothesis that holds ends green, and all is as before', async (t) => {
  const { code, said, stderr } = await play();
  t.is(code, 0, stderr);
  t.true(said.held);
  t.is(said.figures['acknowledged writes lost'], 0);
  t.is(said.figures['stale reads'], 0);
  t.true(said.figures['writes acknowledged']! > 5);
  t.regex(stderr, /store-\d: killed/);
  t.regex(stderr, /healed: store-\d/);
  t.true(await allRun());
  t.notRegex(await cluster.must('get', 'namespaces'), /chaos-/, 'its namespace is gone');
});

for (const [plant, figure] of [
  ['forget-write', 'histories no order explains'],
  ['lost-write', 'acknowledged writes lost'],
  ['stale-read', 'stale reads'],
] as const)
  test.serial(`planted ${plant}: the verdict is red, in the right row`, async (t) => {
    const quick = join(cluster.home, `${plant}.yaml`);
    writeFileSync(
      quick,
      SCENARIO.replace('at: 500ms, for: 2s', 'at: 500ms, for: 500ms')
        .replace('lasts: 4s', 'lasts: 2s')
        .replace('fault: kill, target: leader', 'fault: restart, target: scheduler'),
    );
    const { code, stdout, stderr } = await cluster.flotilla('chaos', 'run', quick, '--json', '--plant', plant);
    t.is(code, 1, stderr);
    const said = JSON.parse(stdout) as Said;
    t.false(said.held);
    t.is(said.figures[figure], 1, stdout);
    t.deepEqual(said.troubles, []);
    t.true(said.reasons.length > 0);
  });

test.serial('the limit of harm ends it at once, healed', async (t) => {
  const harm = join(cluster.home, 'harm.yaml');
  writeFileSync(
    harm,
    `${SCENARIO.replace('for: 2s', 'for: 300s').replace('target: leader', 'target: store').replace('lasts: 4s', 'lasts: 300s')}limit of harm: { longest write gap: 2s }\n`,
  );
  const ran = await cluster.flotilla('chaos', 'run', harm, '--json');
  t.is(ran.code, 1, ran.stderr);
  const said = JSON.parse(ran.stdout) as Said;
  t.regex(said.troubles.join(), /limit of harm was passed: longest write gap/);
  t.is(said.figures['acknowledged writes lost'], 0);
  t.true(await allRun());
});

test.serial('Ctrl-C heals', async (t) => {
  const long = join(cluster.home, 'long.yaml');
  writeFileSync(long, SCENARIO.replace('for: 2s', 'for: 300s').replace('lasts: 4s', 'lasts: 301s'));
  const script = `
    const child = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (part) => { process.stdout.write(part); if (/: killed/.test(String(part))) child.kill('SIGINT'); });
    child.on('close', (code) => process.exit(code ?? 99));`;
  const ran = await run([process.execPath, '-e', script, 'cli/main.ts', '--home', cluster.home, 'chaos', 'run', long]);
  t.is(ran.code, 130, `${ran.stdout}${ran.stderr}`);
  t.regex(ran.stdout, /healed: store-\d/);
  t.true(await allRun());
});

test.serial('a mistake in a scenario changes nothing and says where it is', async (t) => {
  const wrong = join(cluster.home, 'wrong.yaml');
  writeFileSync(wrong, SCENARIO.replace('fault: kill', 'fault: kil').replace('at: 500ms', 'at: soon'));
  const ran = await cluster.flotilla('chaos', 'run', wrong);
  t.is(ran.code, 1);
  t.regex(ran.stderr, /faults\[0\]\.fault: "kil" must be one of kill/);
  t.regex(ran.stderr, /faults\[0\]\.at: "soon" must be a duration/);
});
