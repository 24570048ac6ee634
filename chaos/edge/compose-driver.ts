// Does: reaches a cluster under docker-compose: containers through docker, and through a container of its own what only the
// inside of the cluster can do. Never keeps a record of what it breaks, and never touches another project.
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TroubleError } from '../../lib/base/errors.ts';
import { describeFailure } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { UsageError } from '../../cli/core/resources.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import type { Cluster } from '../../launcher/core/cluster.ts';
import { boxesOf } from '../../launcher/core/compose-layout.ts';
import { homeLayout, type Home } from '../../launcher/core/home.ts';
import { openHome } from '../../launcher/up.ts';
import type { Target } from '../contract.ts';
import { containersOf, projectOf, type Container } from '../core/containers.ts';
import {
  breakingCommands,
  handCommand,
  healingCommands,
  type Commands,
  type ContainerFault,
  type Place,
} from '../core/docker-commands.ts';
import type { Ground, OuterFault } from './fault-driver.ts';
import { flippedText } from './flip-bit.ts';
import type { Where } from './guard.ts';
import { HandLink } from './hand-link.ts';
import type { Asked } from './hand-protocol.ts';
import type { Speaker } from './order-keeper.ts';
import { stateOfUnit, targetOf } from './target-of.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HAND = ['node', '/opt/flotilla/chaos/edge/hand.ts'];
const COMMAND_MS = 60_000;
const SERVES_MS = 60_000;
const AGAIN_MS = 200;
/** Each look costs two programs; what chaos itself does is seen at once all the same. */
const FRESH_MS = 1000;

/** '' or undefined: the project of this directory. Says where a cluster could have been when there is none. */
export async function openComposeGround(home: string, wanted: string | undefined): Promise<ComposeGround> {
  const places = openHome(home);
  const directories = [...new Set([realpathSync(process.cwd()), realpathSync(ROOT)])];
  const project = wanted || process.env['COMPOSE_PROJECT_NAME'];
  const containers = await listContainers().catch((error: unknown) => {
    // Who did not speak of compose need not have Docker.
    throw wanted === undefined ? new UsageError(noCluster(places)) : error;
  });
  const found = projectOf(containers, { project, directories });
  if ('why' in found) throw new UsageError(wanted === undefined ? `${noCluster(places)}; ${found.why}` : found.why);
  return new ComposeGround(places, found.project, containers, directories);
}

const noCluster = (home: Home): string =>
  `there is no cluster in ${home.root}: start one with \`flotilla up\` or \`docker-compose up -d\``;

class ComposeGround implements Ground {
  readonly kind = 'compose';
  readonly cluster: string;
  readonly ours: boolean;
  readonly records: Home;
  readonly where: Where;
  readonly clusterId: string;
  readonly #kubeconfig: string;
  #listed: Container[];
  #listedAt = -Infinity;
  #link: Promise<HandLink> | undefined;
  #links = 0;

  constructor(home: Home, project: string, containers: readonly Container[], directories: readonly string[]) {
    this.cluster = project;
    this.#listed = containers.filter((each) => each.project === project);
    this.ours = this.#listed.every(({ directory }) => directories.includes(directory));
    this.records = homeLayout(`${home.root}/compose/${project}`);
    this.where = { home: home.root, compose: project };
    this.clusterId = `compose-${project}`;
    this.#kubeconfig = `${this.records.root}/kubeconfig-${process.pid}`;
  }

  async plan(): Promise<Cluster> {
    return (await this.#hand()).hello.cluster;
  }

  async speaker(): Promise<Speaker> {
    const { hello, bus } = await this.#hand();
    return { cluster: hello.cluster.name, bus };
  }

  async targets(): Promise<Target[]> {
    const [containers, hand] = await Promise.all([this.#containers(FRESH_MS), this.#hand()]);
    const { cluster } = hand.hello;
    const { units, said } = await hand.ask({ ask: 'look' });
    const roles = new Map(actorsOf(cluster).map(({ instance, actor }) => [instance, actor as string]));
    return containers.flatMap((container) =>
      container.units.map((name) => {
        const role = roles.get(name) ?? (name.startsWith('containerd-') ? 'containerd' : 'nats-server');
        const state = stateIn(container, name, units);
        return targetOf(
          { name, role, state },
          container.node,
          said.find(({ instance }) => instance === name),
        );
      }),
    );
  }

  async check(fault: OuterFault): Promise<{ pid?: number } | undefined> {
    const container = await this.#containerOf(fault);
    if (fault.type === 'bit-flip') return undefined;
    if (container.state === 'stopped') throw new TroubleError(`the container of ${container.service} does not run`);
    const inside = insideOf(fault, container);
    if (inside === undefined) return 'unit' in fault ? pidOf(container) : undefined;
    const unit = (await this.#turn(inside, container, 'show'))!;
    if (unit.pid === undefined) throw new TroubleError(`${inside.unit} does not run: it is ${unit.state}`);
    return undefined;
  }

  async break(fault: OuterFault): Promise<string> {
    if (fault.type === 'bit-flip') {
      const { instance, chance } = fault;
      return flippedText(await (await this.#hand()).ask({ ask: 'flip', instance, chance }));
    }
    const container = await this.#containerOf(fault);
    const inside = insideOf(fault, container);
    if (inside !== undefined) {
      await this.#turn(inside, container, inside.type);
      return inside.type === 'restart' ? ', runs again' : '';
    }
    const before = fault.type === 'restart' ? await this.#startOf(fault.unit) : undefined;
    await this.#run(breakingCommands(fault, container, await this.#placeOf(fault, container)));
    if (fault.type !== 'restart') return '';
    await this.#untilServes(fault.unit, before);
    return ', runs again';
  }

  async mend(fault: OuterFault): Promise<void> {
    if (fault.type === 'bit-flip') return;
    const container = await this.#findContainer(fault);
    // `down` has taken it away, and with it what was broken.
    if (container === undefined) return;
    const inside = insideOf(fault, container);
    if (inside !== undefined) {
      // A node that starts again starts all that is in it.
      if (container.state === 'running')
        await this.#turn(inside, container, inside.type === 'pause' ? 'resume' : 'start');
      return;
    }
    await this.#run(healingCommands(fault, container, await this.#placeOf(fault, container)));
  }

  /** Through the ports that the file publishes on this machine. */
  async api(): Promise<{ servers: string[]; kubeconfig: string }> {
    const servers = (await this.#containers(FRESH_MS))
      .filter(({ units }) => units.some((name) => name.startsWith('apiserver-')))
      .flatMap(({ published }) => published.map((address) => `https://${address}`));
    if (servers.length === 0)
      throw new TroubleError(`no container of an API actor of ${this.cluster} publishes a port on this machine`);
    mkdirSync(this.records.root, { recursive: true, mode: 0o700 });
    writeFileSync(this.#kubeconfig, (await this.#hand()).hello.kubeconfig, { mode: 0o600 });
    return { servers, kubeconfig: this.#kubeconfig };
  }

  async serviceClient(): Promise<string[]> {
    const node = (await this.#containers(FRESH_MS)).find((each) => each.node !== undefined);
    if (node === undefined) throw new TroubleError(`${this.cluster} has no node from which a Service could be asked`);
    return ['docker', 'exec', '--interactive', node.id, 'node'];
  }

  async close(): Promise<void> {
    rmSync(this.#kubeconfig, { force: true });
    const link = await this.#link?.catch(() => undefined);
    await link?.close();
  }

  // ---- containers -------------------------------------------------------------------------------------------------

  async #containers(youngerThanMs: number): Promise<Container[]> {
    if (performance.now() - this.#listedAt > youngerThanMs) {
      const askedAt = performance.now();
      this.#listed = (await listContainers()).filter(({ project }) => project === this.cluster);
      this.#listedAt = askedAt;
    }
    return this.#listed;
  }

  async #findContainer(fault: OuterFault): Promise<Container | undefined> {
    const containers = await this.#containers(0);
    const unit = 'unit' in fault ? fault.unit : 'instance' in fault ? fault.instance : undefined;
    return unit === undefined
      ? containers.find(({ node }) => node === (fault as { node: string }).node)
      : containers.find(({ units }) => units.includes(unit));
  }

  async #containerOf(fault: OuterFault): Promise<Container> {
    const found = await this.#findContainer(fault);
    if (found !== undefined) return found;
    const what = 'unit' in fault ? fault.unit : 'node' in fault ? fault.node : fault.instance;
    const all = (await this.#containers(FRESH_MS)).flatMap(({ units }) => units);
    throw new TroubleError(`no container of ${this.cluster} runs ${what}: there are ${all.join(', ')}`);
  }

  /** Where it belongs, which is not where it is while it is cut off. Only a cable asks: the rest is healed by docker alone. */
  async #placeOf({ type }: ContainerFault, { service }: Container): Promise<Place> {
    if (type !== 'cut-node') return { network: '', address: '' };
    const { cluster } = (await this.#hand()).hello;
    const box = boxesOf(cluster).find((each) => each.service === service);
    if (box === undefined) throw new TroubleError(`the plan of ${this.cluster} has no address for ${service}`);
    return { network: networkOf(this.#listed), address: box.address };
  }

  async #run(commands: Commands): Promise<void> {
    try {
      for (const argv of commands) await docker(argv);
    } finally {
      this.#listedAt = -Infinity;
    }
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  async #turn(fault: InsideFault, { service }: Container, turn: Asked['turn'][0]['turn']): Promise<Asked['turn'][1]> {
    return (await this.#hand()).ask({ ask: 'turn', node: service, unit: fault.unit, turn });
  }

  /** When that actor began to live; undefined: it does not say, or is none. */
  async #startOf(unit: string): Promise<number | undefined> {
    const { said } = await (await this.#hand()).ask({ ask: 'look' });
    return said.find(({ instance }) => instance === unit)?.startedAt;
  }

  /** A server of the bus says nothing of itself: it serves when others can be heard again. */
  async #untilServes(unit: string, before: number | undefined): Promise<void> {
    const hand = await this.#hand();
    const isActor = actorsOf(hand.hello.cluster).some(({ instance }) => instance === unit);
    for (const end = performance.now() + SERVES_MS; performance.now() < end; await pause(AGAIN_MS)) {
      const { said } = await hand.ask({ ask: 'look' });
      const own = said.find(({ instance }) => instance === unit);
      if (isActor ? own !== undefined && own.startedAt !== before : said.length > 0) return;
    }
    throw new TroubleError(`${unit} does not answer ${SERVES_MS / 1000} s after its start: see \`docker logs\``);
  }

  async #hand(): Promise<HandLink> {
    const before = await this.#link?.catch(() => undefined);
    if (before?.isOpen === true) return before;
    this.#link = this.#startHand();
    return this.#link;
  }

  #startHand(): Promise<HandLink> {
    const argv = handCommand({
      name: `${this.cluster}_chaos_${process.pid}_${++this.#links}`,
      network: networkOf(this.#listed),
      containers: this.#listed,
      program: HAND,
    });
    return HandLink.start(systemExec, argv);
  }
}

type InsideFault = Extract<OuterFault, { unit: string }>;

/** A node's programs share its container, where their supervisor turns them. */
function insideOf(fault: ContainerFault, { node }: Container): InsideFault | undefined {
  return 'unit' in fault && node !== undefined ? fault : undefined;
}

function pidOf({ pid }: Container): { pid?: number } {
  return pid === undefined ? {} : { pid };
}

function stateIn(container: Container, unit: string, units: Asked['look'][1]['units']): Target['state'] {
  if (container.node === undefined || container.state !== 'running') return container.state;
  const found = units[container.node]?.find(({ name }) => name === unit);
  return found === undefined ? 'stopped' : stateOfUnit(found);
}

/** One that is cut off is on none: its neighbours know. */
function networkOf(containers: readonly Container[]): string {
  const [network] = containers.flatMap(({ networks }) => networks);
  if (network === undefined) throw new TroubleError('no container of the cluster is on a network: is it up?');
  return network;
}

async function listContainers(): Promise<Container[]> {
  const ids = (await docker(['docker', 'ps', '--all', '--quiet', '--no-trunc', '--filter', 'label=flotilla.instance']))
    .split('\n')
    .filter((id) => id !== '');
  if (ids.length === 0) return [];
  // In one order always: what is drawn by a seed is drawn from it.
  return containersOf(await docker(['docker', 'inspect', ...ids])).toSorted((a, b) =>
    a.service.localeCompare(b.service, 'en', { numeric: true }),
  );
}

async function docker(argv: readonly string[]): Promise<string> {
  const result = await systemExec.run(argv, { timeoutMs: COMMAND_MS });
  if (result.exitCode === null && result.stderr.includes('ENOENT'))
    throw new TroubleError(
      "cannot run `docker`: a cluster under docker-compose is broken by Docker's command line; is it in PATH?",
    );
  if (result.exitCode !== 0) throw new TroubleError(describeFailure(result));
  return result.stdout;
}
