// Does: joins the bus of a home's cluster as a person: the owner, or who may only look. Never publishes a command.
import { setTimeout as pause } from 'node:timers/promises';
import { TroubleError } from '../../lib/base/errors.ts';
import { silentLog } from '../../lib/base/log.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import type { ActorStatus, Span } from '../../lib/bus/messages.ts';
import { connectNats } from '../../lib/bus/nats.ts';
import { patternOf, subjectOf, type SubjectParameters } from '../../lib/bus/subjects.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import type { Cluster } from '../../launcher/core/cluster.ts';
import type { Home } from '../../launcher/core/home.ts';
import { isReady } from '../../launcher/edge/readiness.ts';
import { natsServers } from '../../launcher/core/network-places.ts';
import { placesOf } from '../../launcher/edge/node-network.ts';
import { readCluster } from '../../launcher/edge/plan-file.ts';
import { openHome } from '../../launcher/up.ts';
import { UsageError } from '../core/resources.ts';
import { wholeRing } from './rings.ts';

const CONNECT_MS = 3000;
const ANSWER_MS = 1000;

export interface ClusterBus {
  cluster: Cluster;
  home: Home;
  bus: Bus;
  /** Actors that answered. */
  statuses(): Promise<ActorStatus[]>;
  /** What every actor still remembers, oldest first; `missing` is told who did not answer. */
  recentSpans(sinceMs: number, missing?: (instance: string) => void): Promise<Span[]>;
  /** From now on for so long, the API actors tell of requests that only look, too. */
  wishReads(forMs: number): Promise<void>;
  /** Live; only what the given parameters of the subject say, any where they are left out. */
  followSpans(handler: (span: Span) => void, only?: Partial<SubjectParameters<'trace'>>): void;
}

export function clusterOf(directory: string): { cluster: Cluster; home: Home } {
  const home = openHome(directory);
  const cluster = readCluster(home);
  if (cluster === undefined)
    throw new UsageError(`there is no cluster in ${home.root}: start one with \`flotilla up\``);
  return { cluster, home };
}

export async function joinBus(directory: string): Promise<ClusterBus> {
  const { cluster, home } = clusterOf(directory);
  const bus = await connectInTime(home, natsServers(placesOf(cluster)));
  const instances = actorsOf(cluster).map(({ instance }) => instance);
  const ask = (name: 'actorStatus' | 'actorTrace', instance: string, query: object): Promise<unknown> =>
    bus.request(subjectOf(cluster.name, name, { instance, from: 'operator' }), query, { timeoutMs: ANSWER_MS });
  const fulfilled = <T>(answers: ReadonlyArray<PromiseSettledResult<T>>): T[] =>
    answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  return {
    cluster,
    home,
    bus,
    statuses: async () =>
      fulfilled(await Promise.allSettled(instances.map((one) => ask('actorStatus', one, {})))) as ActorStatus[],
    async recentSpans(sinceMs, missing = () => {}) {
      const rings = await Promise.allSettled(
        instances.map((one) => wholeRing((query) => ask('actorTrace', one, query), sinceMs)),
      );
      for (const [i, ring] of rings.entries()) if (ring.status === 'rejected') missing(instances[i]!);
      return fulfilled(rings)
        .flat()
        .sort((a, b) => a.startedAt - b.startedAt);
    },
    async wishReads(readsForMs) {
      const servers = actorsOf(cluster).filter(({ actor }) => actor === 'apiserver');
      await Promise.allSettled(servers.map(({ instance }) => ask('actorTrace', instance, { limit: 1, readsForMs })));
    },
    followSpans: (handler, only = {}) =>
      void bus.subscribe(patternOf(cluster.name, 'trace', only), (message) => handler(message.data as Span)),
  };
}

/** The actors' connection waits for ever; a person does not. */
async function connectInTime(home: Home, servers: readonly string[]): Promise<Bus> {
  const refuse = (): TroubleError =>
    new TroubleError(`the bus at ${servers.join(', ')} does not answer: is the cluster up? (\`flotilla status\`)`);
  // Asked first, because an attempt to connect cannot be called off.
  const answers = await Promise.all(servers.map(async (server) => ((await greets(server)) ? [server] : [])));
  const alive = answers.flat();
  if (alive.length === 0) throw refuse();
  const settings = { servers: alive, seedFile: home.seedFile('operator'), caFile: home.caFile };
  const connecting = connectNats('operator', settings, silentLog);
  connecting.catch(() => {});
  const end = new AbortController();
  try {
    return await Promise.race([
      connecting,
      pause(CONNECT_MS, undefined, { signal: end.signal }).then(() => Promise.reject(refuse())),
    ]);
  } finally {
    end.abort();
  }
}

function greets(server: string): Promise<boolean> {
  const [host, port] = server.split(':') as [string, string];
  return isReady({ type: 'nats', host, port: Number(port) }, 0);
}
