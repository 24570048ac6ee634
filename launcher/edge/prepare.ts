// Does: writes every file that a cluster's processes read: certificates, credentials, configurations, settings. Never
// replaces what is still good, so that it may run again at any time.
import { fileURLToPath } from 'node:url';
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { actorsOf, PEOPLE, planActorFiles } from '../core/actor-files.ts';
import { apiPortOf, hasContainers, kubernetesServiceIp, type Cluster } from '../core/cluster.ts';
import { composePlaces, largestCluster, NATS_HEALTH_PORT } from '../core/compose-layout.ts';
import { containerdConfigText } from '../core/containerd-config.ts';
import type { Home } from '../core/home.ts';
import { natsConfigText } from '../core/nats-config.ts';
import type { Places } from '../core/network-places.ts';
import type { Unit } from '../core/unit.ts';
import { planUnits } from '../core/units.ts';
import { ensurePrivateKey, openAuthority } from './certificates.ts';
import { ensureNkeys, ensureTokens, writeKubeconfig } from './credentials.ts';
import { writeIfChanged } from './files.ts';
import { findProgram, searchPath } from './install.ts';
import { upstreamDns } from './machine.ts';
import { writeUnits } from './plan-file.ts';

export interface Prepared {
  units: Unit[];
  /** nats-server must read its users again. */
  natsConfigChanged: boolean;
}

export interface PrepareOptions {
  logLevel: string;
  /** Whether actors tell each step that they take. */
  trace: boolean;
  /** Absent: the demo's image, where `up` has built it. */
  imageArchives?: string[];
  /** Where names of the world are asked; absent: where this machine asks. */
  upstreamDns?: string[];
  /** Absent: the home's. */
  compileCache?: string;
}

export async function prepare(
  cluster: Cluster,
  places: Places,
  home: Home,
  options: PrepareOptions,
): Promise<Prepared> {
  for (const directory of [home.logs, home.run, home.compileCache])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  await prepareCertificates(cluster, places, home);
  ensureTokens(home);
  writeKubeconfig(home, cluster.name, `https://127.0.0.1:${apiPortOf(cluster)}`);
  const natsConfigChanged = prepareNats(cluster, places, home);
  if (hasContainers(cluster.runtime)) prepareContainerd(cluster, home);
  const extras = {
    upstreamDns: options.upstreamDns ?? upstreamDns(),
    imageArchives: options.imageArchives ?? [home.webImage, home.pauseImage].filter((file) => existsSync(file)),
    logLevel: options.logLevel,
    trace: options.trace,
  };
  for (const file of planActorFiles(cluster, places, home, extras))
    writeIfChanged(home.actorFile(file.instance), `${JSON.stringify(file, null, 2)}\n`);
  const units = planUnits(cluster, places, home, {
    ...programs(),
    compileCache: options.compileCache ?? home.compileCache,
  });
  writeUnits(home, units);
  return { units, natsConfigChanged };
}

/** In containers the bus knows all that may come later from the beginning: nobody can tell it to read again there. */
function prepareNats(cluster: Cluster, places: Places, home: Home): boolean {
  const isCompose = cluster.composeNetwork !== undefined;
  const largest = isCompose ? largestCluster(cluster) : cluster;
  const users = ensureNkeys(home, [...actorsOf(largest), ...PEOPLE]);
  const changed = places.nats.map(({ instance, listen, port }) =>
    writeIfChanged(
      home.natsConfig(instance),
      natsConfigText({
        cluster: cluster.name,
        instance,
        host: listen[0]!,
        port,
        certFile: home.certFile(instance),
        keyFile: home.keyFile(instance),
        caFile: home.caFile,
        users,
        ...(isCompose ? { peers: composePlaces(largest).nats.map(({ ip }) => ip), healthPort: NATS_HEALTH_PORT } : {}),
      }),
    ),
  );
  return changed.includes(true);
}

async function prepareCertificates(cluster: Cluster, places: Places, home: Home): Promise<void> {
  const files = (name: string) => ({ cert: home.certFile(name), key: home.keyFile(name) });
  const authority = await openAuthority(`flotilla-${cluster.name}-ca`, files('ca'));
  const addresses = places.apiservers.map(({ ip }) => ip);
  await authority.issue(
    {
      commonName: 'kube-apiserver',
      usage: 'server',
      dnsNames: ['localhost', ...kubernetesNames(cluster.facts.domain)],
      ips: [...new Set(['127.0.0.1', ...addresses, kubernetesServiceIp(cluster.facts)])],
    },
    files('apiserver'),
  );
  for (const { instance, ip } of places.nats)
    await authority.issue(
      {
        commonName: instance,
        usage: cluster.composeNetwork === undefined ? 'server' : 'peer',
        dnsNames: ['localhost'],
        ips: [...new Set(['127.0.0.1', ip])],
      },
      files(instance),
    );
  await authority.issue(
    { commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' },
    files('admin'),
  );
  // A CA of its own: nobody who has a client certificate may speak for others to an extension API server.
  const frontProxy = await openAuthority(`flotilla-${cluster.name}-front-proxy-ca`, files('front-proxy-ca'));
  await frontProxy.issue({ commonName: 'front-proxy-client', usage: 'client' }, files('front-proxy-client'));
  await ensurePrivateKey(home.serviceAccountKey);
}

function kubernetesNames(domain: string): string[] {
  return ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`];
}

function prepareContainerd(cluster: Cluster, home: Home): void {
  for (const node of cluster.nodes) {
    mkdirSync(home.kubelet(node), { recursive: true, mode: 0o700 });
    writeIfChanged(
      home.containerdConfig(node),
      containerdConfigText({
        root: home.containerdRoot(node),
        state: home.containerdState(node),
        socket: home.containerdSocket(node),
      }),
    );
  }
}

function programs() {
  const path = searchPath();
  const find = (program: string): string => findProgram(program, path) ?? program;
  return {
    node: process.execPath,
    runActors: fileURLToPath(new URL('../run-actors.ts', import.meta.url)),
    natsServer: find('nats-server'),
    containerd: find('containerd'),
    nsenter: find('nsenter'),
    cores: availableParallelism(),
  };
}
