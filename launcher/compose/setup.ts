// Does: the one-shot service `setup`: plans the cluster, makes its certificates, credentials, configurations and actors'
// files, and deals to each container's volume what that container may see. Never touches what a container itself wrote.
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkOptions, DEFAULT_API_PORT, OptionError, type Cluster } from '../core/cluster.ts';
import {
  againComposeCluster,
  boxesOf,
  COMPOSE_CACHE,
  COMPOSE_HOME,
  COMPOSE_WEB_IMAGE,
  composePlaces,
  DEFAULT_NETWORK,
  filesOf,
  planComposeCluster,
  type Box,
} from '../core/compose-layout.ts';
import { composeApiOptions, inVariables } from '../core/compose-options.ts';
import { homeLayout } from '../core/home.ts';
import type { Unit } from '../core/unit.ts';
import { withApiOptions } from '../edge/api-options.ts';
import { readIfThere, writeIfChanged } from '../edge/files.ts';
import { readCluster, writeCluster, writeUnits } from '../edge/plan-file.ts';
import { prepare } from '../edge/prepare.ts';

/** Where this service has the volumes of all others. */
const HOMES = '/homes';
/** Where Compose mounts the owner's files; empty: there is none. */
const GIVEN = '/given';
/** Docker's own resolver, in every container of a network: it asks the machine's. */
const DOCKER_DNS = '127.0.0.11';

interface Wishes {
  name: string;
  network: string;
  apiPort: number;
  nats: number | undefined;
  stores: number | undefined;
}

const home = homeLayout(COMPOSE_HOME);

/** Settings come as environment, what a profile adds as options. */
function readWishes(): Wishes {
  const { values } = parseArgs({ options: { nats: { type: 'string' }, stores: { type: 'string' } } });
  const { FLOTILLA_NAME: name = 'flotilla', FLOTILLA_NETWORK: network = DEFAULT_NETWORK } = process.env;
  const apiPort = Number(process.env['FLOTILLA_API_PORT'] ?? DEFAULT_API_PORT);
  const count = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const wishes = { name, network, apiPort, nats: count(values.nats), stores: count(values.stores) };
  checkOptions({ name, stores: wishes.stores, port: apiPort });
  if (!/^\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(network))
    throw new OptionError(`FLOTILLA_NETWORK=${network}: the first three parts of a /24 network, as ${DEFAULT_NETWORK}`);
  return wishes;
}

function decideCluster(wishes: Wishes): Cluster {
  const before = readCluster(home);
  if (before === undefined) return planComposeCluster({ ...wishes, clusterId: randomUUID() });
  if (before.name !== wishes.name)
    throw new OptionError(
      `FLOTILLA_NAME=${wishes.name}: this cluster is called ${before.name}; remove it with \`docker-compose down -v\` to make another`,
    );
  const { network, apiPort } = wishes;
  const ports = { ...before.ports, api: apiPort, furtherApis: before.apiservers.slice(1).map(() => apiPort) };
  return againComposeCluster({ ...before, composeNetwork: network, ports }, wishes);
}

/** What the environment says now holds: what it no longer says is no longer wanted. */
function withAsked({ oidc: _before, ...cluster }: Cluster): Cluster {
  const options = composeApiOptions(
    {
      env: process.env,
      hasAuditPolicy: isGiven('FLOTILLA_AUDIT_POLICY', 'audit-policy.yaml', home.auditPolicy),
      hasOidcCa: isGiven('FLOTILLA_OIDC_CA_FILE', 'oidc-ca.crt', home.oidcCa),
    },
    home,
  );
  try {
    checkOptions(options);
    return withApiOptions(cluster, options, home, () => {});
  } catch (error) {
    throw error instanceof OptionError ? new OptionError(inVariables(error.message)) : error;
  }
}

function isGiven(variable: string, name: string, file: string): boolean {
  const given = `${GIVEN}/${name}`;
  // Docker makes a directory of what is not there.
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new OptionError(`${variable}: there is no such file on the machine where docker-compose was started`);
  const text = readIfThere(given) ?? '';
  if (text === '') return false;
  writeIfChanged(file, text);
  return true;
}

function deal(box: Box, units: readonly Unit[]): number {
  const root = `${HOMES}/${box.service}`;
  const inBox = (path: string): string => `${root}${path.slice(home.root.length)}`;
  const changed = filesOf(box, home, cluster).filter((path) => writeIfChanged(inBox(path), readFileSync(path, 'utf8')));
  if (box.node !== undefined)
    writeUnits(
      homeLayout(root),
      units.filter(({ name }) => box.units.includes(name)),
    );
  return changed.length;
}

const cluster = withAsked(decideCluster(readWishes()));
writeCluster(home, cluster);
const { units } = await prepare(cluster, composePlaces(cluster), home, {
  logLevel: process.env['FLOTILLA_LOG_LEVEL'] ?? 'info',
  trace: true,
  imageArchives: [COMPOSE_WEB_IMAGE],
  upstreamDns: [DOCKER_DNS],
  compileCache: COMPOSE_CACHE,
});
const written = boxesOf(cluster).map((box) => deal(box, units));
console.log(
  `cluster ${cluster.name}: ${written.length} containers, ${written.reduce((sum, count) => sum + count, 0)} files new or changed`,
);
