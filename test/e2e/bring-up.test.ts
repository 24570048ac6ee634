// Shows that bringing a cluster up may be broken off at any moment and leaves nothing that `down` or `up` cannot mend, and
// that the runtimes without containers serve as well.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Pod } from '../../lib/api/generated/types.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { settledLeftovers } from '../kit/leftovers.ts';
import { storyOf } from '../kit/tell-on-failure.ts';
import { isReady, web, type List } from '../kit/manifests.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A cluster that is gone when the test ends. */
function clusterFor(t: ExecutionContext, name: string, ...args: string[]): TestCluster {
  const cluster = new TestCluster({ name, args });
  t.teardown(() => cluster.down().then(() => {}));
  t.teardown(async () => {
    if (!t.passed) t.log(await storyOf(cluster));
  });
  return cluster;
}

/** `up`, and Ctrl-C after a while. Resolves when it has ended. */
async function interrupted(cluster: TestCluster, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, ['cli/main.ts', '--home', cluster.home, 'up', '--name', cluster.name], {
    cwd: ROOT,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await sleep(afterMs);
  child.kill('SIGINT');
  await ended;
}

for (const afterMs of [700, 1800, 3500]) {
  test.serial(`Ctrl-C after ${afterMs} ms of up: down leaves nothing behind`, async (t) => {
    const cluster = clusterFor(t, 'e2e-cut');
    await interrupted(cluster, afterMs);
    const ran = await cluster.flotilla('down');
    t.is(ran.code, 0, ran.stderr);
    t.deepEqual(await settledLeftovers([], cluster.home, cluster.name), []);
  });
}

test.serial('Ctrl-C in the middle of up: the next up mends it', async (t) => {
  const cluster = clusterFor(t, 'e2e-mend');
  await interrupted(cluster, 1500);
  await cluster.up();
  await cluster.mustApply(web({ name: 'web', replicas: 3 }));
  await eventually(
    '3 ready pods',
    async () => (await cluster.get<List<Pod>>('pods')).items.filter(isReady).length === 3,
  );
  t.pass();
});

test.serial('down keeps the state: after up the objects are there with their uids, and run', async (t) => {
  const cluster = clusterFor(t, 'e2e-keep');
  await cluster.up('--nodes', '1');
  await cluster.mustApply(web({ name: 'web', replicas: 1 }));
  const uid = async (): Promise<string | undefined> => (await cluster.get<Pod>('deployment', 'web')).metadata.uid;
  const before = await uid();
  await cluster.must('down');
  await cluster.up();
  t.is(await uid(), before);
  await eventually(
    'a ready pod',
    async () => (await cluster.get<List<Pod>>('pods')).items.filter(isReady).length === 1,
  );
});

for (const runtime of ['process', 'hollow'] as const) {
  test.serial(`--runtime ${runtime} runs a Deployment, without containers or networks of its own`, async (t) => {
    const cluster = clusterFor(t, `e2e-${runtime}`, '--runtime', runtime);
    await cluster.up();
    await cluster.mustApply(web({ name: 'web', replicas: 3 }));
    const pods = await eventually('3 ready pods', async () => {
      const ready = (await cluster.get<List<Pod>>('pods')).items.filter(isReady);
      return ready.length === 3 && ready;
    });
    t.is(new Set(pods.map((pod) => pod.spec.nodeName)).size, 3);
    if (runtime === 'process') {
      const answer = await fetch(`http://${pods[0]!.status!.podIP}:8080/`);
      t.true((await answer.text()).includes(pods[0]!.metadata.name));
    }
    t.is((await cluster.flotilla('down')).code, 0);
    t.deepEqual(await settledLeftovers([], cluster.home, cluster.name), []);
  });
}
