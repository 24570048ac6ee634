// Does: reaches a cluster of this machine that `flotilla up` made: processes through its supervisor, the network of its
// nodes, files in its home. Never keeps a record of what it breaks.
import { statSync } from 'node:fs';
import { TroubleError } from '../../lib/base/errors.ts';
import type { ActorStatus } from '../../lib/bus/messages.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { clusterOf, joinBus, type ClusterBus } from '../../cli/edge/cluster-bus.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import { apiPortOf, hasContainers, type Cluster } from '../../launcher/core/cluster.ts';
import type { Home } from '../../launcher/core/home.ts';
import { placesOf } from '../../launcher/edge/node-network.ts';
import { planNetwork, type NetworkPlan } from '../../launcher/network/index.ts';
import { cutNode, healNode } from '../../launcher/network/partition.ts';
import { askSupervisor, NoSupervisorError } from '../../launcher/supervisor/client.ts';
import type { Target } from '../contract.ts';
import type { Ground, OuterFault } from './fault-driver.ts';
import { chanceOf, flipBit, flippedText } from './flip-bit.ts';
import type { Where } from './guard.ts';
import type { Speaker } from './order-keeper.ts';
import { nodesOfUnits, stateOfUnit, targetOf } from './target-of.ts';
import { killNode, killUnit, pauseUnit, restartUnit, resumeUnit, startUnit, unitOf } from './unit-turns.ts';

export class LocalGround implements Ground {
  readonly kind = 'local';
  readonly cluster: string;
  readonly ours: boolean;
  readonly records: Home;
  readonly where: Where;
  readonly clusterId: string;
  readonly #home: Home;
  readonly #plan: Cluster;
  #joined: Promise<ClusterBus> | undefined;

  /** Fails when there is no cluster in `home`. */
  constructor(home: string) {
    const { cluster, home: places } = clusterOf(home);
    this.#home = places;
    this.#plan = cluster;
    this.records = places;
    this.where = { home: places.root };
    this.clusterId = cluster.clusterId;
    this.cluster = cluster.name;
    this.ours = statSync(places.cluster).uid === process.getuid?.();
  }

  async plan(): Promise<Cluster> {
    return this.#plan;
  }

  async speaker(): Promise<Speaker> {
    const { cluster, bus } = await this.#join();
    return { cluster: cluster.name, bus };
  }

  async targets(): Promise<Target[]> {
    const { units } = await askSupervisor(this.#home, { cmd: 'status' });
    const said = await this.#statuses();
    const nodes = nodesOfUnits(this.#plan);
    return units.map((unit) =>
      targetOf(
        { ...unit, state: stateOfUnit(unit) },
        nodes.get(unit.name),
        said.find(({ instance }) => instance === unit.name),
      ),
    );
  }

  async check(fault: OuterFault): Promise<{ pid?: number } | undefined> {
    if (fault.type === 'cut-node') this.#network();
    if (!('unit' in fault)) return undefined;
    const { pid, state } = await unitOf(this.#home, fault.unit);
    if (pid === undefined) throw new TroubleError(`${fault.unit} does not run: it is ${state}`);
    return { pid };
  }

  async break(fault: OuterFault): Promise<string> {
    switch (fault.type) {
      case 'kill':
        await killUnit(this.#home, fault.unit);
        return '';
      case 'pause':
        await pauseUnit(this.#home, fault.unit);
        return '';
      case 'restart':
        return `, runs again (pid ${(await restartUnit(this.#home, fault.unit)).pid})`;
      case 'kill-node':
        await killNode(this.#home, this.#plan, fault.node, this.#unitsOn(fault.node));
        return '';
      case 'cut-node':
        await cutNode(this.#network(), fault.node, systemExec);
        return '';
      case 'bit-flip':
        return flippedText(flipBit(this.#home.store(fault.instance), chanceOf(fault.chance)));
    }
  }

  async mend(fault: OuterFault): Promise<void> {
    try {
      await this.#undo(fault);
    } catch (error) {
      // `down` has ended everything that was broken, and `up` starts everything.
      if (!(error instanceof NoSupervisorError)) throw error;
    }
  }

  async api(): Promise<{ servers: string[]; kubeconfig: string }> {
    const servers = this.#plan.apiservers.map((instance) => `https://127.0.0.1:${apiPortOf(this.#plan, instance)}`);
    return { servers, kubeconfig: this.#home.kubeconfig };
  }

  async serviceClient(): Promise<string[]> {
    const netns = placesOf(this.#plan).nodes[0]?.netns;
    return [...(netns === undefined ? [] : ['/usr/bin/nsenter', `--net=/run/netns/${netns}`]), process.execPath];
  }

  async close(): Promise<void> {
    const joined = await this.#joined?.catch(() => undefined);
    await joined?.bus.close();
  }

  async #undo(fault: OuterFault): Promise<void> {
    switch (fault.type) {
      case 'kill':
      case 'restart':
        return startUnit(this.#home, fault.unit);
      case 'pause':
        return resumeUnit(this.#home, fault.unit);
      case 'kill-node':
        for (const unit of this.#unitsOn(fault.node)) await startUnit(this.#home, unit);
        return undefined;
      case 'cut-node':
        return healNode(this.#network(), fault.node, systemExec);
      case 'bit-flip':
        return undefined;
    }
  }

  #unitsOn(node: string): string[] {
    const actors = actorsOf(this.#plan)
      .filter((who) => who.node === node)
      .map(({ instance }) => instance);
    return hasContainers(this.#plan.runtime) ? [`containerd-${node}`, ...actors] : actors;
  }

  #network(): NetworkPlan {
    const { name, slot, nodes, runtime } = this.#plan;
    if (!hasContainers(runtime))
      throw new TroubleError(
        `nodes of runtime ${runtime} have no network of their own to cut: pause or kill the node, or part its actors`,
      );
    return planNetwork({ cluster: name, index: slot, nodes });
  }

  /** Nobody answers while the bus is broken; that is no reason to fail. */
  async #statuses(): Promise<ActorStatus[]> {
    try {
      return await (await this.#join()).statuses();
    } catch {
      return [];
    }
  }

  #join(): Promise<ClusterBus> {
    this.#joined ??= joinBus(this.#home.root).catch((error: unknown) => {
      this.#joined = undefined;
      throw error;
    });
    return this.#joined;
  }
}
