// Decides what can go wrong with a store of real processes, one entry each: how it is made, what must hold meanwhile, and how
// it is mended. Never checks what clients saw (stage.ts does, after each).
import { rmSync } from 'node:fs';
import { eventually } from '../kit/eventually.ts';
import type { Stage } from './stage.ts';

export interface Trouble {
  name: string;
  make(stage: Stage): Promise<void>;
}

const trouble = (name: string, make: (stage: Stage) => Promise<void>): Trouble => ({ name, make });

/** `shut` the network for the leader; the others choose another, and it comes back. */
const cutLeader = (name: string, shut: (stage: Stage, leader: string) => void): Trouble =>
  trouble(name, async (stage) => {
    const leader = await stage.store.leader();
    shut(stage, leader);
    await stage.applyNetwork();
    await stage.replaced(leader);
    stage.network.heal();
    await stage.applyNetwork();
  });

export const killLeader = trouble('kill-leader', async ({ store, load }) => {
  const leader = await store.leader();
  await store.kill(leader);
  await load.more(40);
  store.launch(leader);
});

const killFollower = trouble('kill-follower', async (stage) => {
  const name = await stage.follower();
  await stage.store.kill(name);
  await stage.load.more(100);
  stage.store.launch(name);
});

export const killAll = trouble('kill-all', async ({ store }) => {
  await Promise.all([...store.names.map((name) => store.kill(name)), store.nats.kill()]);
  await store.nats.restart();
  for (const name of store.names) store.launch(name);
});

export const stopLeader = trouble('stop-leader', async (stage) => {
  const leader = await stage.store.leader();
  stage.store.signal(leader, 'SIGSTOP');
  try {
    await stage.replaced(leader);
  } finally {
    stage.store.signal(leader, 'SIGCONT');
  }
});

/** For less than an election, over and over: every promise that rests on time is tried. */
const stutterLeader = trouble('stutter-leader', async ({ store, load }) => {
  for (let i = 0; i < 6; i++) {
    const leader = await store.leader();
    store.signal(leader, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 150 + i * 100));
    store.signal(leader, 'SIGCONT');
    await load.more(10);
  }
});

export const leaderCutOff = cutLeader('leader-cut-off', ({ network }, leader) => network.cutOff(leader));
export const leaderMute = cutLeader('leader-mute', ({ network }, leader) => network.mute(leader));

/** It hears nobody, and everybody hears it: it must step down by itself. */
export const leaderDeaf = cutLeader('leader-deaf', ({ network }, leader) => network.deafen(leader));

/** A follower that is cut off and comes back must not unseat the leader. */
const followerCutOff = trouble('follower-cut-off', async (stage) => {
  const name = await stage.follower();
  stage.network.cutOff(name);
  await stage.applyNetwork();
  await stage.load.more(200);
  const before = (await stage.store.status(await stage.store.leader()))!;
  stage.network.heal();
  await stage.applyNetwork();
  await stage.healthy();
  const after = (await stage.store.status(await stage.store.leader()))!;
  if (after.term !== before.term) console.error(`${name} came back, and term ${before.term} became ${after.term}`);
});

export const natsKilled = trouble('nats-killed', async ({ store, load }) => {
  await store.nats.kill();
  await store.nats.restart();
  await load.more(20);
});

/** Connections stand and nothing arrives: no end of a connection tells anybody. */
export const natsStopped = trouble('nats-stopped', async ({ store, load }) => {
  const { pid } = store.nats;
  process.kill(pid, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  process.kill(pid, 'SIGCONT');
  await load.more(20);
});

export const rollingRestart = trouble('rolling-restart', async (stage) => {
  for (const name of stage.store.names) {
    await stage.store.drain(name);
    stage.store.launch(name);
    await stage.healthy();
  }
});

export const transfer = trouble('transfer', async (stage) => {
  for (let i = 0; i < 3; i++) {
    const to = await stage.follower();
    // It may lead already, or an election may be under way: what counts is what clients see.
    await stage.store.operate({ operation: 'transfer', to }).catch(() => undefined);
    await stage.load.more(10);
  }
});

/** Everything that would grow fails; then there is room again. Others go on meanwhile, whoever it is. */
export const diskFull = trouble('disk-full', async (stage) => {
  const { disk, store, load, memberOnSmallDisk: name } = stage;
  if (disk === undefined) return;
  const before = store.deaths.get(name) ?? 0;
  disk.fill();
  const bulk = await store.client('apiserver-bulk');
  // What is allocated already holds for a while.
  await eventually(`${name} notices that its disk is full`, async () => {
    await bulk.put(`/bulk/${Math.floor(stage.draw() * 10)}`, Buffer.alloc(65_536, stage.draw().toString()), 20_000);
    return (store.deaths.get(name) ?? 0) > before;
  });
  await load.more(60);
  disk.empty();
});

export const wipe = trouble('wipe', async (stage) => {
  const name = await stage.follower();
  await stage.store.kill(name);
  rmSync(stage.store.directoryOf(name), { recursive: true, force: true });
  stage.store.launch(name);
  await stage.load.more(20);
});

/** A snapshot while members come and go, so that whoever was away may be sent one. */
export const snapshot = trouble('snapshot', async (stage) => {
  const name = await stage.follower();
  await stage.store.kill(name);
  await stage.load.more(50);
  await stage.store.operate({ operation: 'snapshotOpen' });
  stage.store.launch(name);
});

/** Three become five; the two that came leave again. */
export const growAndShrink = trouble('grow-and-shrink', async (stage) => {
  const { store, load } = stage;
  const added = ['store-4', 'store-5'];
  for (const name of added) {
    store.launchNew(name);
    await store.operate({ operation: 'addMember', member: name }, 240_000);
    await store.votes(name, 240_000);
  }
  await load.more(20);
  await stage.healthy();
  const leader = await store.leader();
  await store.kill(leader);
  await load.more(20);
  store.launch(leader);
  await stage.healthy();
  for (const name of added) {
    await store.operate({ operation: 'removeMember', member: name }, 240_000);
    await store.retire(name);
    await load.more(10);
  }
});

export const TROUBLES: readonly Trouble[] = [
  killLeader,
  killFollower,
  killAll,
  stopLeader,
  stutterLeader,
  leaderCutOff,
  leaderMute,
  leaderDeaf,
  followerCutOff,
  natsKilled,
  natsStopped,
  rollingRestart,
  transfer,
  diskFull,
  wipe,
  snapshot,
  growAndShrink,
];
