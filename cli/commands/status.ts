// Decides what `status` tells of a cluster: every process, with what each actor says of itself. Never changes anything.
import type { ActorStatus } from '../../lib/bus/messages.ts';
import { humanDuration } from '../../lib/api/age.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import { apiPortOf, type Cluster } from '../../launcher/core/cluster.ts';
import { placesOf } from '../../launcher/edge/node-network.ts';
import { isReady } from '../../launcher/edge/readiness.ts';
import { supervisorStatus } from '../../launcher/supervisor/client.ts';
import type { UnitStatus } from '../../launcher/supervisor/supervisor.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { tableLines } from '../core/table-text.ts';
import { clusterOf, joinBus } from '../edge/cluster-bus.ts';
import { ExitError } from '../edge/failure.ts';

interface StatusArguments {
  output?: string | undefined;
}

export const statusCommand = defineCommand<StatusArguments>({
  command: 'status',
  describe: 'every actor: pid, uptime, role, term, commit',
  builder: (yargs) => yargs.option('output', { alias: 'o', type: 'string', choices: ['json', 'wide'] }),
  handler: (args) => run(args),
});

async function run(args: GlobalArguments & StatusArguments): Promise<void> {
  const { cluster, home } = clusterOf(args.home);
  const isCompose = cluster.composeNetwork !== undefined;
  const supervisor = isCompose ? undefined : await supervisorStatus(home);
  const said = await askActors(args.home);
  const units = isCompose ? await composeUnits(cluster, said) : (supervisor?.units ?? []);
  const saidBy = (unit: UnitStatus): ActorStatus | undefined => said.find(({ instance }) => instance === unit.name);
  if (args.output === 'json') {
    const rows = units.map(({ name, ...rest }) => ({
      unit: name,
      ...rest,
      ...(saidBy({ name, ...rest }) ?? {}),
      state: rest.state,
    }));
    console.log(JSON.stringify(rows, null, 2));
  } else {
    const supervised = supervisor === undefined ? 'supervisor not running' : `supervisor pid ${supervisor.pid}`;
    console.log(
      `cluster ${cluster.name} (${cluster.runtime})  API https://127.0.0.1:${apiPortOf(cluster)}  home ${home.root}  ${isCompose ? 'kept by docker-compose' : supervised}`,
    );
    const rows = units.map((unit) => rowOf(unit, saidBy(unit), args.output === 'wide'));
    if (rows.length > 0) for (const line of tableLines([HEADER, ...rows])) console.log(line);
  }
  if (supervisor !== undefined || units.some(({ state }) => state === 'running')) return;
  console.error(`the cluster is down: start it with \`${isCompose ? 'docker-compose up -d' : 'flotilla up'}\``);
  throw new ExitError(1);
}

/** Docker keeps the processes there, and asks nobody in here: who answers on the bus, runs. */
async function composeUnits(cluster: Cluster, said: readonly ActorStatus[]): Promise<UnitStatus[]> {
  const servers = placesOf(cluster).nats.map(async ({ instance, ip, port }): Promise<UnitStatus> => {
    const greets = await isReady({ type: 'nats', host: ip, port }, 0);
    return { name: instance, role: 'nats-server', state: greets ? 'running' : 'silent', restarts: 0, log: '' };
  });
  const actors = actorsOf(cluster).map(({ actor, instance }): UnitStatus => {
    const status = said.find((each) => each.instance === instance);
    const life = status === undefined ? {} : { pid: status.pid, startedAt: status.startedAt };
    return {
      name: instance,
      role: actor,
      state: status === undefined ? 'silent' : 'running',
      ...life,
      restarts: 0,
      log: '',
    };
  });
  return [...(await Promise.all(servers)), ...actors];
}

const HEADER = ['NAME', 'STATE', 'PID', 'UPTIME', 'RESTARTS', 'ROLE', 'TERM', 'COMMIT', 'DETAILS'];

/** The bus may be what is down: the processes are still worth showing. */
async function askActors(home: string): Promise<ActorStatus[]> {
  try {
    const joined = await joinBus(home);
    try {
      return await joined.statuses();
    } finally {
      await joined.bus.close();
    }
  } catch {
    return [];
  }
}

/** Who leads is in the ROLE of the store; every row would repeat it. */
const OWN_COLUMNS = new Set(['role', 'term', 'commit', 'leader']);
const SHOWN_DETAILS = 5;

function rowOf(unit: UnitStatus, said: ActorStatus | undefined, wide: boolean): string[] {
  const details: Record<string, unknown> = said?.details ?? {};
  const others = Object.entries(details)
    .filter(([key]) => !OWN_COLUMNS.has(key))
    .map(([key, value]) => `${key}=${String(value)}`);
  const why = unit.why === undefined ? [] : [unit.why];
  const inner = said !== undefined && said.state !== 'running' ? `/${said.state}` : '';
  return [
    unit.name,
    `${unit.state}${inner}`,
    unit.pid === undefined ? '-' : String(unit.pid),
    unit.startedAt === undefined ? '-' : humanDuration(Date.now() - unit.startedAt),
    String(unit.restarts),
    ...['role', 'term', 'commit'].map((key) => (details[key] === undefined ? '-' : String(details[key]))),
    [...why, ...(wide ? others : others.slice(0, SHOWN_DETAILS))].join(' '),
  ];
}
