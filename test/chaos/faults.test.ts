// Shows on a real cluster that each fault has its effect and is healed: by who did it, by time, and by the guardian of a
// process that was killed. Pods are pretended here: the faults are of processes, messages, clocks and disks.
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Applied, ChaosDriver, Fault, Target } from '../../chaos/contract.ts';
import { resolveTargets } from '../../chaos/core/targets.ts';
import { openDriver } from '../../chaos/edge/open-driver.ts';
import { readKubeconfig } from '../../cli/edge/session.ts';
import type { ConfigMap } from '../../lib/api/generated/types.ts';
import { seededChance } from '../../lib/base/chance.ts';
import type { ActorStatus } from '../../lib/bus/messages.ts';
import { HttpsTransport } from '../../lib/client/https-transport.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import type { List } from '../kit/manifests.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';

const cluster = new TestCluster({ name: 'chaos-faults', args: ['--runtime', 'hollow', '--nodes', '1'] });
tellOnFailure(test, cluster);
let driver: ChaosDriver;
let api: HttpsTransport;

test.before(async () => {
  await cluster.up();
  driver = await openDriver({ home: cluster.home });
  api = new HttpsTransport(readKubeconfig((await driver.api()).kubeconfig).server);
});
test.after.always(async () => {
  api?.close();
  await driver?.close();
  await cluster.down();
});

const targetOf = async (text: string): Promise<Target> =>
  resolveTargets(await driver.targets(), text, seededChance(1))[0]!;
const stores = async (): Promise<Target[]> => (await driver.targets()).filter(({ role }) => role === 'store');

/** The fault holds while `during` runs, and is healed whatever becomes of it. */
async function broken(faults: readonly Fault[], during: (applied: Applied[]) => Promise<void>): Promise<void> {
  const applied: Applied[] = [];
  try {
    for (const fault of faults) applied.push(await driver.apply(fault));
    await during(applied);
  } finally {
    for (const each of applied) await driver.heal(each);
  }
}

/** All members answer, one of them leads, and all have applied the same. */
const inStep = (): Promise<Target[]> =>
  eventually('all members are in step', async () => {
    const members = (await stores()).map(({ store }) => store);
    const leaders = members.filter((store) => store?.role === 'leader').length;
    const applied = new Set(members.map((store) => store?.applied));
    return leaders === 1 && applied.size === 1 && !applied.has(undefined) ? stores() : undefined;
  });

const anotherLeads = (than: string): Promise<Target> =>
  eventually(`another member than ${than} leads`, async () => {
    const leader = await targetOf('leader').catch(() => undefined);
    return leader === undefined || leader.name === than ? undefined : leader;
  });

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** Made as a person would; the answer, whatever it is. */
async function make(name: string): Promise<{ code: number; object: ConfigMap; message: string }> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
  const answer = await api.request({ method: 'POST', path: CONFIG_MAPS, body });
  return {
    code: answer.code,
    object: answer.body as ConfigMap,
    message: String((answer.body as { message?: string }).message),
  };
}

/** Names of those that were acknowledged; a refusal must say why. */
async function writeSome(t: ExecutionContext, prefix: string, count: number): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let i = 0; i < count; i++) {
    const { code, message } = await make(`${prefix}-${i}`);
    if (code === 201) acknowledged.push(`${prefix}-${i}`);
    else t.regex(message, /store|quorum/i);
  }
  return acknowledged;
}

async function nothingLost(t: ExecutionContext, acknowledged: readonly string[]): Promise<void> {
  const { items } = (await api.request({ method: 'GET', path: CONFIG_MAPS })).body as List<ConfigMap>;
  const stored = new Set(items.map(({ metadata }) => metadata.name));
  t.deepEqual(
    acknowledged.filter((name) => !stored.has(name)),
    [],
  );
}

test.serial('a leader that is paused is replaced, and follows when it goes on', async (t) => {
  const { name } = await targetOf('leader');
  await broken([{ type: 'pause', unit: name }], async ([applied]) => {
    t.regex(applied!.what, new RegExp(`^${name}: paused \\(pid \\d+\\)$`));
    await anotherLeads(name);
    t.is((await targetOf(name)).state, 'paused');
  });
  await inStep();
});

for (const [title, way] of [
  ['both ways', 'both'],
  ['so that it hears nobody', 'in'],
  ['so that nobody hears it', 'out'],
] as const)
  test.serial(`a leader parted from both followers, ${title}, leads no more; in step when it is healed`, async (t) => {
    const { name } = await targetOf('leader');
    const others = (await stores()).filter((each) => each.name !== name);
    const faults = others.map((each): Fault => {
      const [from, to] = way === 'in' ? [each.name, name] : [name, each.name];
      return { type: 'partition', from, to, oneWay: way !== 'both' };
    });
    await broken(faults, async () => {
      await anotherLeads(name);
      await eventually('it knows that it does not lead', async () => (await targetOf(name)).store?.role !== 'leader');
    });
    t.is((await inStep()).length, 3);
  });

test.serial('a follower that loses every message of Raft stands still, and catches up when it is healed', async (t) => {
  const { name } = await targetOf('follower');
  const rule = { subject: 'raft.>', action: 'drop' } as const;
  await broken([{ type: 'messages', instance: name, rule }], async () => {
    // What was under way when it began may still be applied.
    const before = await eventually('it stands still', async () => {
      const looks: Array<NonNullable<Target['store']>> = [];
      while (looks.length < 5) looks.push((await targetOf(name)).store!);
      return looks.every(({ applied }) => applied === looks[0]!.applied) && looks[0];
    });
    t.is((await writeSome(t, 'deaf', 2)).length, 2);
    const after = (await targetOf(name)).store!;
    t.is(after.applied, before.applied);
    t.true((await targetOf('leader')).store!.applied > after.applied);
  });
  await inStep();
});

test.serial('late, doubled and overtaken messages everywhere change nothing but the time', async (t) => {
  const members = await stores();
  const faults = members.flatMap(({ name: instance }): Fault[] => [
    { type: 'messages', instance, rule: { subject: '>', action: 'duplicate', probability: 0.5 } },
    { type: 'messages', instance, rule: { subject: 'raft.>', action: 'reorder', delayMs: 30 } },
    { type: 'messages', instance, rule: { subject: 'store.>', action: 'delay', delayMs: 20 } },
  ]);
  await broken(faults, async () => nothingLost(t, await writeSome(t, 'late', 20)));
  await inStep();
});

test.serial(
  'with its disk full the leader makes way, nothing acknowledged is lost, and it is back when there is room',
  async (t) => {
    const { name } = await targetOf('leader');
    const acknowledged: string[] = [];
    await broken([{ type: 'disk', instance: name, disk: { full: true } }], async () => {
      acknowledged.push(...(await writeSome(t, 'full', 20)));
      await anotherLeads(name);
      acknowledged.push(...(await writeSome(t, 'fuller', 20)));
    });
    t.true(acknowledged.length > 0);
    await inStep();
    await nothingLost(t, acknowledged);
  },
);

test.serial('a slow disk is seen in the time of its fsyncs', async (t) => {
  const { name } = await targetOf('follower');
  const p99 = async (): Promise<number> => {
    const units = JSON.parse(await cluster.must('status', '-o', 'json')) as Array<{ unit: string } & ActorStatus>;
    return Number(units.find(({ unit }) => unit === name)?.details?.['fsyncP99Ms'] ?? 0);
  };
  await broken([{ type: 'disk', instance: name, disk: { slowMs: 700 } }], async () => {
    // Write and fsync, each 700 ms longer.
    await eventually('a batch takes 1.4 s', async () => (await p99()) >= 1400);
  });
  t.is((await inStep()).length, 3);
});

test.serial('an actor whose clock is wrong says the wrong time, and the right one when it is healed', async (t) => {
  const HOUR_MS = 3_600_000;
  const madeAhead = async (name: string): Promise<number> => {
    const { object, message } = await make(name);
    t.is(object.metadata?.name, name, message);
    return Date.parse(object.metadata.creationTimestamp!) - Date.now();
  };
  await broken([{ type: 'clock', instance: 'apiserver-1', skewMs: HOUR_MS }], async () => {
    t.true((await madeAhead('in-an-hour')) > HOUR_MS / 2);
  });
  t.true((await madeAhead('now')) < HOUR_MS / 2);
});

test.serial('what is killed stays dead until it is healed; a node goes as a whole', async (t) => {
  const onNode = async (): Promise<string[]> =>
    (await driver.targets()).filter(({ node }) => node === 'node-1').map(({ state }) => state);
  await broken(
    [
      { type: 'kill', unit: 'scheduler-1' },
      { type: 'kill-node', node: 'node-1' },
    ],
    async () => {
      t.is((await targetOf('scheduler')).state, 'stopped');
      t.deepEqual(await onNode(), ['stopped', 'stopped']);
    },
  );
  await eventually('all run again', async () => (await driver.targets()).every(({ state }) => state === 'running'));
  const { pid: before } = (await cluster.units()).find(({ unit }) => unit === 'dns-1')!;
  const restarted = await driver.apply({ type: 'restart', unit: 'dns-1' });
  t.false(restarted.heals);
  t.not(await cluster.pidOf('dns-1'), before);
});

test.serial('what cannot be is refused, and nothing is left on record', async (t) => {
  for (const [fault, why] of [
    [{ type: 'pause', unit: 'store-9' }, /no process named store-9/],
    [{ type: 'disk', instance: 'apiserver-1', disk: { full: true } }, /no directory to break/],
    [{ type: 'cut-node', node: 'node-1' }, /no network of their own to cut/],
    [{ type: 'clock', instance: 'nats', skewMs: 1 }, /is no actor/],
    [
      { type: 'messages', instance: 'store-1', rule: { subject: 'a..b', action: 'drop' } },
      /must be a pattern as NATS writes it/,
    ],
  ] satisfies Array<[Fault, RegExp]>)
    t.regex((await t.throwsAsync(driver.apply(fault))).message, why);
  t.false(existsSync(join(cluster.home, 'chaos')));
});

// ---- from the command line ----------------------------------------------------------------------------------------

function chaos(...args: string[]): { child: ChildProcess; said: () => string; ended: Promise<number> } {
  const child = spawn(process.execPath, ['cli/main.ts', '--home', cluster.home, 'chaos', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (said += part));
  return {
    child,
    said: () => said,
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code ?? 128))),
  };
}

const stateOf = async (name: string): Promise<string> => (await targetOf(name)).state;

test.serial('Ctrl-C heals at once', async (t) => {
  const breaking = chaos('pause', 'scheduler', '--for', '10m');
  await eventually('it is paused', async () => (await stateOf('scheduler-1')) === 'paused');
  await eventually('it counts down', async () => breaking.said().includes('heals in'));
  breaking.child.kill('SIGINT');
  t.is(await breaking.ended, 130);
  t.regex(breaking.said(), /healed: scheduler-1: paused/);
  t.is(await stateOf('scheduler-1'), 'running');
});

test.serial('what a killed process left broken is healed by its guardian', async (t) => {
  const breaking = [
    chaos('pause', 'controller-manager', '--for', '10m'),
    chaos('drop', 'store', '--subject', 'store.cmd.*.write.*', '--for', '10m'),
  ];
  for (const { said } of breaking) await eventually('it counts down', async () => said().includes('heals in'));
  t.is(await stateOf('controller-manager-1'), 'paused');
  t.not((await make('refused')).code, 201);
  for (const { child } of breaking) child.kill('SIGKILL');
  await eventually('it goes on', async () =>
    (await stateOf('controller-manager-1')) === 'running' ? true : undefined,
  );
  // One that is told to be refused may still be applied: each try has a name of its own.
  let tries = 0;
  await eventually('writes go on', async () => (await make(`accepted-${++tries}`)).code === 201);
  await eventually('nothing is on record', async () => !existsSync(join(cluster.home, 'chaos')));
});

test.serial("somebody else's cluster is only broken with --yes", async (t) => {
  // Only root can give a file away.
  if (process.getuid!() !== 0) {
    t.pass();
    return;
  }
  const file = join(cluster.home, 'cluster.json');
  try {
    chownSync(file, 65_534, 65_534);
    const refused = await cluster.flotilla('chaos', 'restart', 'dns');
    t.is(refused.code, 1);
    t.regex(refused.stderr, /was not started by you: add --yes/);
    t.regex(await cluster.must('chaos', 'restart', 'dns', '--yes'), /dns-1: restarted/);
  } finally {
    chownSync(file, process.getuid!(), process.getgid!());
  }
});

test.serial('`chaos heal` mends what another process broke, and that one ends', async (t) => {
  const breaking = chaos('delay', 'apiserver', '--subject', 'store.>', '--ms', '10', '--for', '10m');
  await eventually('it counts down', async () => breaking.said().includes('heals in'));
  t.regex(await cluster.must('chaos', 'heal'), /healed: apiserver-1: messages on store\.> are 10 ms late/);
  t.is(await breaking.ended, 0);
  t.regex(await cluster.must('chaos', 'heal'), /nothing is broken by chaos/);
});

test.serial('a fault ends when its time is over; a dry run does nothing', async (t) => {
  const told = await cluster.must('chaos', 'kill', 'node/node-1,all', '--dry-run').catch(String);
  t.regex(told, /scheduler-1: killed/);
  t.regex(await cluster.must('chaos', 'pause', 'dns', '--for', '1s'), /paused[^]*heals in 1s[^]*healed: dns-1: paused/);
  t.is(await stateOf('dns-1'), 'running');
  const unknown = await cluster.flotilla('chaos', 'pause', 'store/7');
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /there is no target "store\/7": there are nats, store\/1\|2\|3/);
});

test.serial('a cluster comes down while something is broken, and leaves nothing of it', async (t) => {
  const breaking = chaos('pause', 'store/1', '--for', '10m');
  await eventually('it counts down', async () => breaking.said().includes('heals in'));
  const down = await cluster.flotilla('down');
  t.is(down.code, 0, down.stderr);
  t.is(await breaking.ended, 0, 'there is nothing left to wait for');
  t.regex(breaking.said(), /healed \(by somebody else\): store-1: paused/);
  t.false(existsSync(join(cluster.home, 'chaos')));
});
