// Decides which processes a cluster consists of: argv, environment, order, how each shows that it is ready. Never
// starts one.
import type { Cluster } from './cluster.ts';
import { hasContainers } from './cluster.ts';
import type { Home } from './home.ts';
import { actorsOf } from './actor-files.ts';
import { natsEnvironment, nodeEnvironment, nodeFlags } from './runtimes.ts';
import type { Places } from './network-places.ts';
import type { Unit } from './unit.ts';

export interface Programs {
  /** process.execPath: the same Node for every child. */
  node: string;
  /** launcher/run-actors.ts */
  runActors: string;
  natsServer: string;
  containerd: string;
  nsenter: string;
  /** Directory of compiled files that all actors share. */
  compileCache: string;
  /** Of the machine that they run on. */
  cores: number;
}

/** Marks every process of a cluster, so that `down` finds those that lost their parent. */
export const MARK = 'FLOTILLA_UNIT';

/** In the order in which they start. */
export function planUnits(cluster: Cluster, places: Places, home: Home, programs: Programs): Unit[] {
  const env = (unit: string): Record<string, string> => ({ [MARK]: `${cluster.clusterId}/${unit}` });
  const inNode = (node: string | undefined, argv: string[]): string[] => {
    const netns = places.nodes.find((place) => place.name === node)?.netns;
    return netns === undefined ? argv : [programs.nsenter, `--net=/run/netns/${netns}`, ...argv];
  };
  const nats = places.nats.map(({ instance, ip, port }): Unit => ({
    name: instance,
    role: 'nats-server',
    argv: [programs.natsServer, '-c', home.natsConfig(instance)],
    env: { ...env(instance), ...natsEnvironment(programs.cores) },
    after: [],
    ready: { type: 'nats', host: ip, port },
    graceSeconds: 5,
  }));
  const containerds = hasContainers(cluster.runtime)
    ? cluster.nodes.map((node): Unit => {
        const name = `containerd-${node}`;
        return {
          name,
          role: 'containerd',
          argv: inNode(node, [programs.containerd, '-c', home.containerdConfig(node)]),
          env: env(name),
          after: [],
          ready: { type: 'socket', path: home.containerdSocket(node) },
          graceSeconds: 10,
        };
      })
    : [];
  const actors = actorsOf(cluster).map(({ actor, instance, node }): Unit => ({
    name: instance,
    role: actor,
    argv: inNode(node, [programs.node, ...nodeFlags(actor), programs.runActors, home.actorFile(instance)]),
    env: {
      ...env(instance),
      NODE_COMPILE_CACHE: programs.compileCache,
      FLOTILLA_READY_DIR: home.run,
      ...nodeEnvironment(actor),
    },
    after: [...cluster.nats, ...(actor === 'kubelet' && hasContainers(cluster.runtime) ? [`containerd-${node}`] : [])],
    ready: { type: 'file', path: home.readyFile(instance) },
    graceSeconds: 10,
  }));
  return [...nats, ...containerds, ...actors];
}
