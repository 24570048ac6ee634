// Decides a pod's resolv.conf, hosts file and host name. Never writes them.
import type { Pod } from '../../../lib/api/generated/types.ts';

export interface DnsSurroundings {
  dnsIp: string;
  domain: string;
  /** The node's own resolv.conf. */
  nodeResolvConf: string;
}

interface Resolver {
  nameservers: string[];
  searches: string[];
  options: string[];
}

const LONGEST_HOSTNAME = 63;
const MOST_NAMESERVERS = 3;
const MOST_SEARCHES = 32;

export function resolvConfOf(pod: Pod, around: DnsSurroundings): string {
  const base = baseResolver(pod, around);
  const asked = pod.spec.dnsConfig;
  const options = mergeOptions(
    base.options,
    (asked?.options ?? []).map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`)),
  );
  const nameservers = unique([...base.nameservers, ...(asked?.nameservers ?? [])]).slice(0, MOST_NAMESERVERS);
  const searches = unique([...base.searches, ...(asked?.searches ?? [])]).slice(0, MOST_SEARCHES);
  const lines = [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...nameservers.map((ip) => `nameserver ${ip}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function baseResolver(pod: Pod, around: DnsSurroundings): Resolver {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const node = parseResolvConf(around.nodeResolvConf);
  if (policy === 'None') return { nameservers: [], searches: [], options: [] };
  if (policy === 'Default' || (policy === 'ClusterFirst' && pod.spec.hostNetwork === true)) return node;
  const { namespace = 'default' } = pod.metadata;
  const own = [`${namespace}.svc.${around.domain}`, `svc.${around.domain}`, around.domain];
  return { nameservers: [around.dnsIp], searches: [...own, ...node.searches], options: ['ndots:5'] };
}

function parseResolvConf(text: string): Resolver {
  const resolver: Resolver = { nameservers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) resolver.nameservers.push(rest[0]);
    // The last search line counts; `.` stands for none.
    if (word === 'search') resolver.searches = rest.filter((domain) => domain !== '.');
    if (word === 'options') resolver.options.push(...rest);
  }
  return resolver;
}

/** An option that is asked for replaces one of the same name. */
function mergeOptions(base: string[], asked: string[]): string[] {
  const nameOf = (option: string): string => option.split(':')[0]!;
  return [...base.filter((option) => !asked.some((other) => nameOf(other) === nameOf(option))), ...asked];
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}

/** The pod's host name: `spec.hostname`, or its name cut to what a host name may be. */
export function hostnameOf(pod: Pod): string {
  const wanted = pod.spec.hostnameOverride ?? pod.spec.hostname ?? '';
  const name = wanted === '' ? pod.metadata.name : wanted;
  return name.slice(0, LONGEST_HOSTNAME).replace(/[-.]+$/, '');
}

export function hostsFileOf(pod: Pod, ip: string, domain: string, nodeHosts: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(
    ({ ip: address, hostnames = [] }) => `${address}\t${hostnames.join('\t')}\n`,
  );
  const extra = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`;
  if (pod.spec.hostNetwork === true) return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${extra}`;
  const hostname = hostnameOf(pod);
  const { subdomain = '' } = pod.spec;
  const { namespace = 'default' } = pod.metadata;
  const names = subdomain === '' ? hostname : `${hostname}.${subdomain}.${namespace}.svc.${domain}\t${hostname}`;
  return `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
${ip}\t${names}
${extra}`;
}
