// Decides which programs a cluster needs of the machine and which Debian package brings each. Never looks or installs.
import type { RuntimeName } from '../../lib/actor/settings.ts';
import { hasContainers } from './cluster.ts';

export interface Requirement {
  /** File name to look for. */
  program: string;
  package: string;
  /** Looked for here besides PATH. */
  places?: string[];
  /** What for, as the owner reads it. */
  purpose: string;
}

const BUS: Requirement = { program: 'nats-server', package: 'nats-server', purpose: 'the bus between the actors' };

const CNI_PLACES = ['/usr/lib/cni', '/opt/cni/bin'];

const CONTAINERS: readonly Requirement[] = [
  { program: 'containerd', package: 'containerd', purpose: 'the container runtime of each node' },
  { program: 'ctr', package: 'containerd', purpose: 'the way to the container runtime' },
  { program: 'runc', package: 'runc', purpose: 'starts the containers' },
  { program: 'ptp', package: 'containernetworking-plugins', places: CNI_PLACES, purpose: "the pods' network" },
  { program: 'host-local', package: 'containernetworking-plugins', places: CNI_PLACES, purpose: "the pods' addresses" },
  { program: 'nft', package: 'nftables', places: ['/usr/sbin'], purpose: "the Services' forwarding rules" },
  { program: 'conntrack', package: 'conntrack', purpose: 'lets UDP clients follow when an endpoint is gone' },
  { program: 'ip', package: 'iproute2', purpose: "the nodes' network namespaces" },
  { program: 'nsenter', package: 'util-linux', purpose: "runs a node's processes in its namespace" },
  { program: 'busybox', package: 'busybox-static', purpose: "the demo's image" },
];

export function requirementsOf(runtime: RuntimeName): readonly Requirement[] {
  return hasContainers(runtime) ? [BUS, ...CONTAINERS] : [BUS];
}

export interface Missing {
  package: string;
  programs: string[];
  purpose: string;
}

/** One row a package, in the order in which they are installed. */
export function byPackage(missing: readonly Requirement[]): Missing[] {
  const rows = new Map<string, Missing>();
  for (const { package: name, program, purpose } of missing) {
    const row = rows.get(name);
    if (row === undefined) rows.set(name, { package: name, programs: [program], purpose });
    else row.programs.push(program);
  }
  return [...rows.values()];
}

/** The one line that says what is missing, why it was not installed, and the command that mends it. */
export function missingText(missing: readonly Missing[], reason: string, isRoot: boolean): string {
  const names = missing.map((row) => row.package).join(' ');
  const command = `${isRoot ? '' : 'sudo '}apt-get install -y --no-install-recommends ${names}`;
  return `missing: ${names} (${reason}); run \`${command}\``;
}
