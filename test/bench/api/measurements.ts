// Does: makes the measurements, one function a group, each on a cluster of its own: a store of three members with fsync and
// one API actor. Never judges a figure.
import { hasPeer, startPeer } from '../../conformance/upstream/peer.ts';
import { ApiProcesses } from '../../kit/api-processes.ts';
import { ClientProcess } from './client-process.ts';
import type { Load } from './client.ts';
import type { Server } from './connections.ts';
import { median, medians, short, type Measured } from '../figures.ts';
import { CONFIG_MAPS, NAMESPACE, nameOf } from './objects.ts';
import { Peer } from './peer.ts';
import { longestTurnMs, processorMs, profiled, residentMiB, type ProfileEntry } from './processes.ts';

export interface Plan {
  rounds: number;
  quick: boolean;
  profile: boolean;
  /** Where processes leave what they measure of themselves. */
  directory: string;
}

export interface Row {
  name: string;
  figures: Record<string, number>;
  /** The same asked of the bare server. */
  peer?: Record<string, number>;
  /** The same asked of a real kube-apiserver with one etcd, and how often ours is as fast, and as late. */
  kubernetes?: Record<string, number>;
  profile?: Record<string, ProfileEntry[]>;
}

type Tell = (row: Row) => void;

const BASE_OBJECTS = 1_000;
const UPDATES_PER_SECOND = 100;
/** More than a watcher's window of 64 KiB and the server's buffer for it hold. */
const FILLING_UPDATES = 150;

async function withCluster(work: (apis: ApiProcesses, client: ClientProcess) => Promise<void>): Promise<void> {
  const apis = await ApiProcesses.start();
  const client = new ClientProcess();
  try {
    await client.ask('connect', serverOf(apis));
    await work(apis, client);
  } finally {
    client.stop();
    await apis.stop();
  }
}

const serverOf = (apis: ApiProcesses): Server => ({ url: apis.url(), credentials: apis.credentials });

function pidsOf(apis: ApiProcesses): Record<string, number> {
  const stores = apis.store.names.map((name) => [name, apis.store.pid(name)] as const);
  return { apiserver: apis.pid(), ...Object.fromEntries(stores) };
}

const fill = (client: ClientProcess, prefix: string, objects: number): Promise<unknown> =>
  client.ask('load', { verb: 'create', prefix, inFlight: 256, total: objects, objects });

// Requests

const IN_FLIGHT = [1, 32, 256] as const;

function totalOf(verb: Load['verb'], inFlight: number, quick: boolean): number {
  const most = verb === 'list' ? 1_000 : 10_000;
  return Math.ceil(Math.min(most, inFlight * 300) / (quick ? 4 : 1));
}

interface Sample extends Measured {
  [figure: string]: number;
}

/** Requests of one verb through the API actor and, in turn, the bare server and a real one: A B C C B A. */
export const requests =
  (verb: 'create' | 'patch' | 'get' | 'list') =>
  (plan: Plan, tell: Tell): Promise<void> =>
    withCluster(async (apis, client) => {
      const others = await Promise.all([
        ...(verb === 'list' ? [] : [bareSide(apis)]),
        ...(hasPeer() ? [realSide()] : []),
      ]);
      try {
        await fill(client, 'base', BASE_OBJECTS);
        for (const other of others) await fill(other.client, 'base', BASE_OBJECTS);
        const sides = [{ name: 'figures', ask: (load: Load) => sampleOf(apis, client, load) } as const, ...others];
        await warm(plan, verb, sides);
        for (const inFlight of IN_FLIGHT) {
          const profile =
            plan.profile && inFlight > 1 ? await profileOf(plan, apis, client, verb, inFlight) : undefined;
          tell({
            name: `${verb}, ${inFlight} in flight`,
            ...(await inTurn(plan, verb, inFlight, sides)),
            ...(profile === undefined ? {} : { profile }),
          });
        }
      } finally {
        for (const other of others) await other.stop();
      }
    });

interface Side {
  name: 'figures' | 'peer' | 'kubernetes';
  ask(load: Load): Promise<Sample>;
}

interface OtherSide extends Side {
  client: ClientProcess;
  stop(): Promise<void>;
}

async function bareSide(apis: ApiProcesses): Promise<OtherSide> {
  const bare = await Peer.start(apis);
  const stop = async (): Promise<void> => bare.stop();
  return otherSide('peer', bare.server, { server: bare.pid }, stop);
}

async function realSide(): Promise<OtherSide> {
  const real = await startPeer([], { isDurable: true });
  return otherSide('kubernetes', real, real.pids, () => real.stop());
}

async function otherSide(
  name: OtherSide['name'],
  { url, credentials }: Server,
  pids: Record<string, number>,
  stop: () => Promise<void>,
): Promise<OtherSide> {
  const client = new ClientProcess();
  await client.ask('connect', { url, credentials });
  return {
    name,
    client,
    ask: (load) => spending(pids, client, load),
    stop: async () => {
      client.stop();
      await stop();
    },
  };
}

/** So many go by until V8 has compiled what they go through: a server that has just begun serves half as many. */
const WARMING = { create: 20_000, patch: 20_000, get: 60_000, list: 1_000 } as const;
/** A program in Go has nothing to compile. */
const REAL_WARMING_PART = 10;

async function warm(plan: Plan, verb: keyof typeof WARMING, sides: readonly Side[]): Promise<void> {
  for (const { name, ask } of sides) {
    const total = WARMING[verb] / (plan.quick ? 4 : 1) / (name === 'kubernetes' ? REAL_WARMING_PART : 1);
    await ask({ ...loadOf(plan, verb, 32, 'warm'), total: Math.ceil(total) });
  }
}

async function inTurn(
  plan: Plan,
  verb: Load['verb'],
  inFlight: number,
  sides: readonly Side[],
): Promise<Pick<Row, 'figures' | 'peer' | 'kubernetes'>> {
  const runs: Record<Side['name'], Sample[]> = { figures: [], peer: [], kubernetes: [] };
  for (let round = 0; round < plan.rounds; round++) {
    const load = loadOf(plan, verb, inFlight, round);
    for (const { name, ask } of round % 2 === 0 ? sides : sides.toReversed()) runs[name].push(await ask(load));
  }
  const ratio = (figure: string): number =>
    median(runs.kubernetes.map((real, round) => runs.figures[round]![figure]! / real[figure]!));
  return {
    figures: medians(runs.figures),
    ...(runs.peer.length === 0 ? {} : { peer: medians(runs.peer) }),
    ...(runs.kubernetes.length === 0
      ? {}
      : { kubernetes: { ...medians(runs.kubernetes), timesAsFast: ratio('perSecond'), timesP99: ratio('p99Ms') } }),
  };
}

function loadOf({ quick }: Plan, verb: Load['verb'], inFlight: number, round: number | string): Load {
  const prefix = verb === 'create' ? `new-${inFlight}-${round}` : 'base';
  return { verb, prefix, inFlight, total: totalOf(verb, inFlight, quick), objects: BASE_OBJECTS };
}

function sampleOf(apis: ApiProcesses, client: ClientProcess, load: Load): Promise<Sample> {
  const stores = apis.store.names.map((name) => apis.store.pid(name));
  const pids = { apiserver: [apis.pid()], stores, nats: [apis.store.nats.pid], client: [client.pid] };
  return spending(pids, client, load);
}

/** What each of these processes, or groups of them, takes for one request is measured, too. */
async function spending(
  pids: Record<string, number | readonly number[]>,
  client: ClientProcess,
  load: Load,
): Promise<Sample> {
  const spent = (): number[] =>
    Object.values(pids).map((group) => [group].flat().reduce((sum, pid) => sum + processorMs(pid), 0));
  const before = spent();
  const measured = await client.ask('load', load);
  const micros = spent().map((ms, i) => ((ms - before[i]!) * 1_000) / load.total);
  return { ...measured, ...Object.fromEntries(Object.keys(pids).map((name, i) => [`${name}Micros`, micros[i]!])) };
}

function profileOf(
  { directory, quick }: Plan,
  apis: ApiProcesses,
  client: ClientProcess,
  verb: Load['verb'],
  inFlight: number,
): Promise<Record<string, ProfileEntry[]>> {
  const prefix = verb === 'create' ? `profiled-${inFlight}` : 'base';
  const load: Load = { verb, prefix, inFlight, total: 0, objects: 1_000 };
  const total = (verb === 'list' ? 1_000 : 20_000) / (quick ? 4 : 1);
  return profiled(directory, { ...pidsOf(apis), client: client.pid }, () => client.ask('load', { ...load, total }));
}

// Watches

/** From the moment in which an update is sent to the moment in which a watcher has it. */
export async function watches(plan: Plan, tell: Tell): Promise<void> {
  await withCluster(async (apis, client) => {
    const watcher = new ClientProcess();
    try {
      await watcher.ask('connect', serverOf(apis));
      await fill(client, 'base', 10);
      for (const count of [1, 100, 1_000]) {
        const runs: Array<Record<string, number>> = [];
        for (let round = 0; round < plan.rounds; round++)
          runs.push(await delivered(plan, apis, client, watcher, count));
        const run = (): Promise<unknown> => delivered(plan, apis, client, watcher, count);
        const pids = { apiserver: apis.pid(), watchers: watcher.pid };
        tell({
          name: `${count} watchers, ${UPDATES_PER_SECOND} updates/s`,
          figures: medians(runs),
          ...(plan.profile && count === 1_000 ? { profile: await profiled(plan.directory, pids, run) } : {}),
        });
      }
    } finally {
      watcher.stop();
    }
  });
}

async function delivered(
  { quick }: Plan,
  apis: ApiProcesses,
  client: ClientProcess,
  watcher: ClientProcess,
  count: number,
): Promise<Record<string, number>> {
  await watcher.ask('watch', { path: `${CONFIG_MAPS}?watch=true&resourceVersion=0`, count });
  const before = processorMs(apis.pid());
  const began = performance.now();
  const updates = { name: nameOf('base', 0), perSecond: UPDATES_PER_SECOND, count: quick ? 200 : 500 };
  await client.ask('updates', updates);
  const seconds = (performance.now() - began) / 1_000;
  const { events, ...delays } = await watcher.ask('watched', updates.count * count);
  const spentMs = processorMs(apis.pid()) - before;
  const microsAnEvent = (spentMs * 1_000) / Math.max(1, events);
  return { ...delays, eventsPerSecond: events / seconds, apiserverMicrosAnEvent: microsAnEvent };
}

/** The same watcher with and without ten that never read: in turn, without, with, with, without. */
export async function stalled(plan: Plan, tell: Tell): Promise<void> {
  await withCluster(async (apis, client) => {
    const [watcher, sleeper] = [new ClientProcess(), new ClientProcess()];
    try {
      await watcher.ask('connect', serverOf(apis));
      await sleeper.ask('connect', serverOf(apis));
      await fill(client, 'base', 10);
      const runs: Record<'without' | 'with', Array<Record<string, number>>> = { without: [], with: [] };
      const path = `${CONFIG_MAPS}?watch=true&resourceVersion=0`;
      for (let round = 0; round < plan.rounds * 2; round++) {
        const side = [1, 2].includes(round % 4) ? 'with' : 'without';
        if (side === 'with') await sleeper.ask('stall', { path, count: 10 });
        // Until their windows are full, they are ten more watchers that take everything.
        await client.ask('updates', { name: nameOf('base', 0), perSecond: UPDATES_PER_SECOND, count: FILLING_UPDATES });
        runs[side].push(await delivered(plan, apis, client, watcher, 1));
        await sleeper.ask('unstall');
      }
      const [alone, beside] = [medians(runs.without), medians(runs.with)];
      const ratio = short(beside['p99Ms']! / alone['p99Ms']!);
      tell({
        name: 'a healthy watcher beside 10 stalled ones',
        figures: { p99Ms: beside['p99Ms']!, aloneP99Ms: alone['p99Ms']!, ratio },
      });
    } finally {
      watcher.stop();
      sleeper.stop();
    }
  });
}

// Lists of many

const QUESTIONS = [
  { name: 'label = none', selector: 'labelSelector=app%3Dnone' },
  { name: 'label in (none, nothing)', selector: 'labelSelector=app+in+(none,nothing)' },
  { name: 'label exists', selector: 'labelSelector=none' },
  { name: 'field', selector: 'fieldSelector=metadata.name%3Dnone' },
] as const;

export async function lists(plan: Plan, tell: Tell): Promise<void> {
  const objects = plan.quick ? 10_000 : 50_000;
  await withCluster(async (apis, client) => {
    await fill(client, 'many', objects);
    for (const { name, selector } of QUESTIONS)
      for (const how of ['consistent', 'cached']) {
        const path = `/api/v1/configmaps?${selector}${how === 'cached' ? '&resourceVersion=0' : ''}`;
        const asked = await client.ask('ask', { path, times: 50 });
        tell({
          name: `none of ${objects}, ${how}, ${name}`,
          figures: { p50Ms: short(asked.p50Ms), worstMs: short(asked.worstMs) },
        });
      }
    for (const [name, path] of [
      ['all', '/api/v1/configmaps?resourceVersion=0'],
      ['all as a table', '/api/v1/configmaps?resourceVersion=0'],
      ['a scan that finds none', '/api/v1/configmaps?labelSelector=app!%3Dmany&resourceVersion=0'],
    ] as const)
      tell({ name: `list of ${objects}, ${name}`, figures: await bigList(plan, apis, client, path, name) });
  });
}

async function bigList(
  { rounds, directory }: Plan,
  apis: ApiProcesses,
  client: ClientProcess,
  path: string,
  name: string,
): Promise<Record<string, number>> {
  const headers = name.endsWith('table') ? { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } : {};
  const took: number[] = [];
  let bytes = 0;
  const ask = async (): Promise<void> => {
    const asked = await client.ask('ask', { path, times: 1, headers });
    took.push(asked.p50Ms);
    bytes = asked.bytes;
  };
  // The first one encodes, the others find the bytes.
  const firstTurnMs = await longestTurnMs(directory, apis.pid(), ask);
  const turns: number[] = [];
  for (let round = 0; round < rounds; round++) turns.push(await longestTurnMs(directory, apis.pid(), ask));
  return {
    firstMs: short(took[0]!),
    p50Ms: short(median(took.slice(1))),
    mebibytes: short(bytes / 1_048_576),
    longestTurnMs: short(Math.max(...turns)),
    firstLongestTurnMs: short(firstTurnMs),
  };
}

// Memory

export async function memory(plan: Plan, tell: Tell): Promise<void> {
  const pods = plan.quick ? 5_000 : 10_000;
  await withCluster(async (apis, client) => {
    const emptyMiB = residentMiB(apis.pid());
    // Nobody else makes it here, and a pod needs one.
    await client.ask('post', {
      path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
      body: { metadata: { name: 'default' } },
    });
    await client.ask('load', { verb: 'createPod', prefix: 'web', inFlight: 64, total: pods, objects: pods });
    const fullMiB = residentMiB(apis.pid());
    await apis.kill('apiserver-1');
    apis.launch('apiserver-1');
    await apis.ready('apiserver-1');
    const anewMiB = residentMiB(apis.pid());
    const each = 10_000 / pods;
    tell({
      name: `resident memory, ${pods} pods of ${NAMESPACE}`,
      figures: {
        emptyMiB: short(emptyMiB),
        perTenThousandMiB: short((fullMiB - emptyMiB) * each),
        afterRestartPerTenThousandMiB: short((anewMiB - emptyMiB) * each),
      },
    });
  });
}
