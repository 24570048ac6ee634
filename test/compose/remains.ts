// Does: tells what containers may leave in a kernel: mounts, control groups, forwarding tables, links, routes, network
// namespaces, processes. Never removes any.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './shell.ts';

export interface Project {
  /** Names of compose begin with it. */
  name: string;
  /** First parts of its addresses. */
  network: string;
  /** Ids of its containers, asked for while they were there. */
  containers: readonly string[];
}

export async function remainsOf(
  { name: project, network, containers }: Project,
  env: Record<string, string>,
): Promise<string[]> {
  const docker = async (...args: string[]): Promise<string[]> =>
    lines((await run(['docker', ...args, '--filter', `label=com.docker.compose.project=${project}`], { env })).out);
  const label = (kind: string) => (name: string) => `${kind} ${name}`;
  return [
    ...(await docker('ps', '-aq')).map(label('container')),
    ...(await docker('volume', 'ls', '-q')).map(label('volume')),
    ...(await docker('network', 'ls', '-q')).map(label('network')),
    ...groupsOf(containers).map(label('control group')),
    ...lines(readFileSync('/proc/self/mountinfo', 'utf8'))
      .map((line) => line.split(' ')[4]!)
      .filter((point) => point.includes(`${project}_`) || point.includes('/flotilla/'))
      .map(label('mount')),
    ...lines((await run(['/usr/sbin/nft', 'list', 'tables'])).out).filter((line) => line.includes('kube-proxy')),
    ...lines((await run(['/usr/sbin/ip', '-4', '-o', 'address'])).out).filter((line) => line.includes(` ${network}.`)),
    ...lines((await run(['/usr/sbin/ip', '-4', 'route'])).out).filter((line) => line.includes(`${network}.`)),
  ];
}

/** Those of pods would lie below their node's. */
function groupsOf(containers: readonly string[]): string[] {
  const root = '/sys/fs/cgroup';
  return [root, ...readdirSync(root).map((controller) => join(root, controller))]
    .flatMap((base) => containers.map((id) => join(base, 'docker', id)))
    .filter((path) => existsSync(path));
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
