// Does: the main process of a node's container: makes the container a place where containers can run, then keeps
// containerd, kubelet and kube-proxy with the launcher's supervisor. Never decides which pods run.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFailure } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { COMPOSE_HOME, composePlaces } from '../core/compose-layout.ts';
import { homeLayout } from '../core/home.ts';
import type { NodePlace } from '../core/network-places.ts';
import { readCluster } from '../edge/plan-file.ts';
import { supervise } from '../supervisor/daemon.ts';

const MOUNT = '/usr/bin/mount';
const IP = '/usr/sbin/ip';
const CGROUPS = '/sys/fs/cgroup';
/** A container that is taken off its network and put back has lost its routes. */
const ROUTES_AGAIN_MS = 3000;

const home = homeLayout(COMPOSE_HOME);

async function must(argv: readonly string[], stdin?: string): Promise<void> {
  const result = await systemExec.run(argv, stdin === undefined ? {} : { stdin });
  if (result.exitCode !== 0) throw new Error(`cannot prepare this node: ${describeFailure(result)}`);
}

/** Docker mounts them read-only without `--privileged`; a plain remount is "busy", one of the bind mount is not. */
async function openKernelInterfaces(): Promise<void> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point === '/proc/sys' || point === CGROUPS || point.startsWith(`${CGROUPS}/`));
  for (const point of mounts) await must([MOUNT, '-o', 'remount,bind,rw', point]);
  for (const [name, value] of [
    ['ip_forward', '1'],
    ['conf/all/rp_filter', '0'],
    ['conf/default/rp_filter', '0'],
  ])
    writeFileSync(`/proc/sys/net/ipv4/${name}`, value!);
}

/** Version 2 has no processes in a group that gives controllers to its children: all move down, as into a unit of their own. */
function makeRoomInCgroup2(): void {
  if (!existsSync(`${CGROUPS}/cgroup.controllers`)) return;
  mkdirSync(`${CGROUPS}/init`, { recursive: true });
  for (const pid of readFileSync(`${CGROUPS}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)) {
    try {
      writeFileSync(`${CGROUPS}/init/cgroup.procs`, pid);
    } catch {
      // Ended meanwhile.
    }
  }
  const controllers = readFileSync(`${CGROUPS}/cgroup.controllers`, 'utf8').trim().split(' ').filter(Boolean);
  writeFileSync(`${CGROUPS}/cgroup.subtree_control`, controllers.map((name) => `+${name}`).join(' '));
}

/** What an earlier life of the container left on the volume about processes: none of them is alive. */
function forgetProcesses(node: string): void {
  for (const name of existsSync(home.run) ? readdirSync(home.run) : [])
    if (/\.(pid|ready|lock)$/.test(name)) rmSync(join(home.run, name), { force: true });
  rmSync(home.containerdState(node), { recursive: true, force: true });
}

/** Each node is the gateway to its pods. */
async function keepRoutes(others: readonly NodePlace[]): Promise<void> {
  const lines = others.map(({ podCidr, ip }) => `route replace ${podCidr} via ${ip}\n`).join('');
  const lay = () => systemExec.run([IP, '-batch', '-'], { stdin: lines });
  await lay();
  setInterval(() => {
    if (!hasRoutes(others)) void lay();
  }, ROUTES_AGAIN_MS);
}

/** The kernel's table has addresses as hexadecimal numbers in the machine's byte order. */
function hasRoutes(others: readonly NodePlace[]): boolean {
  const table = readFileSync('/proc/net/route', 'utf8');
  return others.every(({ podCidr }) => {
    const [address] = podCidr.split('/') as [string];
    const hex = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase());
    return table.includes(`\t${hex.toReversed().join('')}\t`);
  });
}

const name = process.argv[2]!;
const cluster = readCluster(home);
const { nodes } = cluster === undefined ? { nodes: [] } : composePlaces(cluster);
if (!nodes.some((place) => place.name === name))
  throw new Error(`there is no node ${JSON.stringify(name)} in ${home.cluster}: did the service \`setup\` end well?`);
forgetProcesses(name);
await openKernelInterfaces();
makeRoomInCgroup2();
await keepRoutes(nodes.filter((place) => place.name !== name));
await supervise(home.root);
