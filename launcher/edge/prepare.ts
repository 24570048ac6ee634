// Does: writes every file that a cluster's processes read: certificates, credentials, configurations, settings. Never
// replaces what is still good, so that it may run again at any time.
import { fileURLToPath } from 'node:url';
import { existsSync, mkdirSync } from 'node:fs';
import { actorsOf, dnsListen, PEOPLE, planActorFiles } from '../core/actor-files.ts';
import { apiPortOf, hasContainers, kubernetesServiceIp, type Cluster } from '../core/cluster.ts';
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

export async function prepare(
  cluster: Cluster,
  places: Places,
  home: Home,
  { logLevel, trace }: { logLevel: string; trace: boolean },
): Promise<Prepared> {
  for (const directory of [home.logs, home.run, home.compileCache])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  await prepareCertificates(cluster, places, home);
  ensureTokens(home);
  writeKubeconfig(home, cluster.name, `https://127.0.0.1:${apiPortOf(cluster)}`);
  const natsConfigChanged = writeIfChanged(
    home.natsConfig,
    natsConfigText({
      cluster: cluster.name,
      host: places.hostIp,
      port: cluster.ports.nats,
      certFile: home.certFile('nats'),
      keyFile: home.keyFile('nats'),
      caFile: home.caFile,
      users: ensureNkeys(home, [...actorsOf(cluster), ...PEOPLE]),
    }),
  );
  if (hasContainers(cluster.runtime)) prepareContainerd(cluster, home);
  const imageArchives = existsSync(home.webImage) ? [home.webImage] : [];
  const extras = { upstreamDns: upstreamDns(), imageArchives, logLevel, trace };
  for (const file of planActorFiles(cluster, places, home, extras))
    writeIfChanged(home.actorFile(file.instance), `${JSON.stringify(file, null, 2)}\n`);
  const units = planUnits(cluster, places, home, programs());
  writeUnits(home, units);
  return { units, natsConfigChanged };
}

async function prepareCertificates(cluster: Cluster, places: Places, home: Home): Promise<void> {
  const files = (name: string) => ({ cert: home.certFile(name), key: home.keyFile(name) });
  const authority = await openAuthority(`flotilla-${cluster.name}-ca`, files('ca'));
  await authority.issue(
    {
      commonName: 'kube-apiserver',
      usage: 'server',
      dnsNames: ['localhost', ...kubernetesNames(cluster.facts.domain)],
      ips: [...new Set(['127.0.0.1', places.hostIp, kubernetesServiceIp(cluster.facts)])],
    },
    files('apiserver'),
  );
  await authority.issue(
    { commonName: 'nats', usage: 'server', dnsNames: ['localhost'], ips: [...new Set(['127.0.0.1', places.hostIp])] },
    files('nats'),
  );
  await authority.issue(
    { commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' },
    files('admin'),
  );
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
  };
}

/** Where the DNS Service's endpoints are. */
export function dnsEndpoint(cluster: Cluster, places: Places): { ip: string; port: number } {
  return { ip: dnsListen(cluster, places), port: cluster.ports.dns };
}
