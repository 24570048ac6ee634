// Does: is a process of clients: puts load on a server or watches it, as it is told over IPC. Never decides what is measured.
import type { ClientHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connections, RefusedError, type Server } from './connections.ts';
import { LeanConnection } from './lean-connection.ts';
import { measuredOf, quantile, type Measured } from '../figures.ts';
import { CONFIG_MAPS, configMap, configMapPatch, nameOf, pod, PODS } from './objects.ts';

export interface Load {
  verb: 'create' | 'createPod' | 'patch' | 'get' | 'list';
  /** Of names. */
  prefix: string;
  inFlight: number;
  total: number;
  /** How many objects there are to patch, to get or to list. */
  objects: number;
}

export interface Driven extends Measured {
  /** How often something was refused for the moment; the time until it was done counts. */
  refused: number;
}

export interface Asked {
  p50Ms: number;
  worstMs: number;
  bytes: number;
}

export interface Watched {
  p50Ms: number;
  p99Ms: number;
  events: number;
}

const CONNECTIONS = 4;
const WATCH_CONNECTIONS = 10;
/** What a client that says nothing about it grants: then it is as full as its server's patience allows. */
const SMALL_WINDOW_BYTES = 65_535;
const MOST_REFUSALS = 50;
const REFUSED_PAUSE_MS = 100;
const MERGE_PATCH = 'application/merge-patch+json';
const MERGE = { 'content-type': MERGE_PATCH };

/** What a parent may ask for; each answers with data. */
const COMMANDS = {
  connect: async (server: Server): Promise<void> => {
    target = server;
    connections = await Connections.open(server, CONNECTIONS);
    lean = await Promise.all(Array.from({ length: CONNECTIONS }, () => LeanConnection.open(server)));
  },
  load: (load: Load): Promise<Driven> => drive(load),
  /** Patches one object at this rate; each says when it was sent. */
  async updates({ name, perSecond, count }: { name: string; perSecond: number; count: number }): Promise<void> {
    const began = performance.now();
    const sent: Array<Promise<unknown>> = [];
    for (let i = 0; i < count; i++) {
      await sleep(Math.max(0, began + (i * 1_000) / perSecond - performance.now()));
      const stamp = configMapPatch(`stamp=${now().toFixed(3)};`);
      sent.push(connections!.ask('PATCH', `${CONFIG_MAPS}/${name}`, stamp, MERGE));
    }
    await Promise.all(sent);
  },
  post: ({ path, body }: { path: string; body: object }): Promise<unknown> =>
    connections!.ask('POST', path, Buffer.from(JSON.stringify(body))),
  /** The same GET again and again, one at a time. */
  async ask({
    path,
    times,
    headers = {},
  }: {
    path: string;
    times: number;
    headers?: Record<string, string>;
  }): Promise<Asked> {
    const took: number[] = [];
    let bytes = 0;
    for (let i = 0; i < times; i++) {
      const at = performance.now();
      bytes = (await connections!.ask('GET', path, undefined, headers)).length;
      took.push(performance.now() - at);
    }
    took.sort((a, b) => a - b);
    return { p50Ms: quantile(took, 0.5), worstMs: took.at(-1)!, bytes };
  },
  async watch({ path, count }: { path: string; count: number }): Promise<void> {
    watching = await Connections.open(target!, Math.min(count, WATCH_CONNECTIONS));
    delays.length = 0;
    await Promise.all(Array.from({ length: count }, () => openWatch(path)));
  },
  /** What came since `watch`, once that many have come or nothing more comes. */
  async watched(expected: number): Promise<Watched> {
    for (let before = -1; delays.length < expected && delays.length !== before; await sleep(500))
      before = delays.length;
    watching?.close();
    const sorted = delays.toSorted((a, b) => a - b);
    return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), events: sorted.length };
  },
  /** Watches that are never read, each on a connection of its own. */
  async stall({ path, count }: { path: string; count: number }): Promise<void> {
    for (let i = 0; i < count; i++) {
      const own = await Connections.open(target!, 1, SMALL_WINDOW_BYTES);
      stalled.push(own);
      await answered(own.stream('GET', path));
    }
  },
  unstall(): void {
    for (const own of stalled.splice(0)) own.close();
  },
};

export type Commands = typeof COMMANDS;

let target: Server | undefined;
let connections: Connections | undefined;
/** For load: what a client costs is taken from the server on a machine that both share. */
let lean: LeanConnection[] = [];
let watching: Connections | undefined;
const stalled: Connections[] = [];
const delays: number[] = [];

/** Comparable between the processes of one machine. */
const now = (): number => performance.timeOrigin + performance.now();

async function drive({ verb, prefix, inFlight, total, objects }: Load): Promise<Driven> {
  const took: number[] = [];
  let next = 0;
  let refused = 0;
  const one = (i: number): Promise<void> => {
    const path = `${CONFIG_MAPS}/${nameOf(prefix, i % objects)}`;
    if (verb === 'create') return ask('POST', CONFIG_MAPS, configMap(prefix, i));
    if (verb === 'createPod') return ask('POST', PODS, pod(i));
    if (verb === 'patch') return ask('PATCH', path, configMapPatch(`${process.hrtime.bigint()}`), MERGE_PATCH);
    if (verb === 'get') return ask('GET', path);
    return ask('GET', `${CONFIG_MAPS}?labelSelector=part%3D${prefix}-${i % 10}`);
  };
  const began = performance.now();
  const work = async (): Promise<void> => {
    for (let i = next++; i < total; i = next++) {
      const at = performance.now();
      refused += await untilDone(() => one(i));
      took.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return { ...measuredOf(took, (performance.now() - began) / 1_000), refused };
}

async function ask(method: string, path: string, body?: Buffer, contentType?: string): Promise<void> {
  const { code, body: told } = await leastBusy().ask(method, path, body, contentType);
  if (code >= 200 && code < 300) return;
  throw new RefusedError(code, `${method} ${path} was answered ${code}: ${told.toString().slice(0, 300)}`);
}

/** As clients do: what a busy server or store refuses for the moment is asked again, and counted. Returns how often. */
async function untilDone(ask: () => Promise<unknown>): Promise<number> {
  for (let refused = 0; ; refused++)
    try {
      await ask();
      return refused;
    } catch (error) {
      const code = error instanceof RefusedError ? error.code : 0;
      // A create that was refused late may have been made.
      if (code === 409 && refused > 0) return refused;
      if ((code !== 503 && code !== 429) || refused === MOST_REFUSALS) throw error;
      await sleep(REFUSED_PAUSE_MS);
    }
}

function answered(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('response', () => resolve());
  });
}

const STAMP = Buffer.from('stamp=');

async function openWatch(path: string): Promise<void> {
  const stream = watching!.stream('GET', path);
  stream.on('data', (chunk: Buffer) => {
    const at = now();
    // A stamp that is cut by the end of a chunk is left out: a few of a hundred thousand.
    for (let i = chunk.indexOf(STAMP); i >= 0; i = chunk.indexOf(STAMP, i + 1)) {
      const end = chunk.indexOf(';', i);
      if (end > 0) delays.push(at - Number(chunk.toString('latin1', i + STAMP.length, end)));
    }
  });
  await answered(stream);
  stream.on('error', () => {});
}

process.on('message', ({ id, command, argument }: { id: number; command: keyof Commands; argument: never }) => {
  Promise.resolve()
    .then(() => (COMMANDS[command] as (argument: never) => unknown)(argument))
    .then(
      (result) => process.send!({ id, result }),
      (error: unknown) => process.send!({ id, error: String(error) }),
    );
});
process.on('disconnect', () => process.exit(0));

/** A server may take no more than 100 requests of one connection at a time. */
function leastBusy(): LeanConnection {
  return lean.reduce((least, one) => (one.inFlight < least.inFlight ? one : least));
}
