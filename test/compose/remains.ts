// Does: tells what containers may leave in a kernel: mounts, control groups, forwarding tables, links, routes, network
// namespaces, processes. Never removes any.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './shell.ts';

/** `project`: names of compose begin with it; `network`: first parts of its addresses. */
export async function remainsOf(project: string, network: string, env: Record<string, string>): Promise<string[]> {
  const docker = async (...args: string[]): Promise<string[]> =>
    lines((await run(['docker', ...args, '--filter', `label=com.docker.compose.project=${project}`], { env })).out);
  const label = (kind: string) => (name: string) => `${kind} ${name}`;
  return [
    ...(await docker('ps', '-aq')).map(label('container')),
    ...(await docker('volume', 'ls', '-q')).map(label('volume')),
    ...(await docker('network', 'ls', '-q')).map(label('network')),
    ...groupsLeft().map(label('control group')),
    ...lines(readFileSync('/proc/self/mountinfo', 'utf8'))
      .map((line) => line.split(' ')[4]!)
      .filter((point) => point.includes(`${project}_`) || point.includes('/flotilla/'))
      .map(label('mount')),
    ...lines((await run(['/usr/sbin/nft', 'list', 'tables'])).out).filter((line) => line.includes('kube-proxy')),
    ...lines((await run(['/usr/sbin/ip', '-4', '-o', 'address'])).out).filter((line) => line.includes(` ${network}.`)),
    ...lines((await run(['/usr/sbin/ip', '-4', 'route'])).out).filter((line) => line.includes(`${network}.`)),
  ];
}

/** Groups of containers that are gone: those of pods would lie below. */
function groupsLeft(): string[] {
  const root = '/sys/fs/cgroup';
  return [root, ...readdirSync(root).map((controller) => join(root, controller))]
    .map((base) => join(base, 'docker'))
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(path, name)),
    );
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
