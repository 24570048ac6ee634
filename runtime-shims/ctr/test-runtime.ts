// Does: for tests, starts a containerd in a directory of its own and holds a network namespace for one node; takes both
// away again. Never used outside tests.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { silentLog } from '../../lib/base/log.ts';
import type { Exec, ExecResult } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import type { ShimContext } from '../contract.ts';

export interface TestRuntime {
  directory: string;
  ctx: ShimContext;
  imageArchive: string;
  imageRef: string;
  netns: string;
  ctr(...args: string[]): Promise<ExecResult>;
  pidOf(id: string): number;
  killContainerd(): Promise<void>;
  startContainerd(): Promise<void>;
  loseRecords(): void;
  stop(): Promise<void>;
}

/** In production the whole kubelet runs in its node's network namespace; here each program that it starts does. */
function execInside(netns: string): Exec {
  const inside = (argv: readonly string[]): string[] => ['nsenter', `--net=/run/netns/${netns}`, ...argv];
  return {
    run: async (argv, options) => ({ ...(await systemExec.run(inside(argv), options)), argv }),
    spawn: (argv, options) => systemExec.spawn(inside(argv), options),
  };
}

/** `isShared`: in this machine's own network, so that this process reaches the pods. */
export async function startTestRuntime(options: { isShared?: boolean; podCidr?: string } = {}): Promise<TestRuntime> {
  const directory = mkdtempSync('/tmp/flotilla-ctr-');
  const name = directory.split('-').at(-1)!;
  const netns = `ctr-test-${name}`;
  const socket = join(directory, 'containerd.sock');
  const { buildImage } = await import('../conformance/test-image.ts');
  const imageArchive = join(directory, 'web.tar');
  const imageRef = await buildImage(imageArchive);
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  let containerd: ChildProcess;
  writeFileSync(join(directory, 'containerd.toml'), containerdConfiguration(directory));
  const startContainerd = async (): Promise<void> => {
    containerd = spawn('containerd', ['--config', join(directory, 'containerd.toml')], { stdio: 'ignore' });
    for (let i = 0; i < 1200; i++) {
      if ((await ctr('version')).exitCode === 0) return;
      await sleep(50);
    }
    throw new Error('containerd did not answer in 60 s');
  };
  const namespace = `test-${name}`;
  const ctr = (...args: string[]): Promise<ExecResult> =>
    systemExec.run(['ctr', '--address', socket, '--namespace', namespace, '--connect-timeout', '1s', ...args]);
  const killContainerd = async (): Promise<void> => {
    const over = new Promise((resolve) => containerd.once('exit', resolve));
    containerd.kill('SIGKILL');
    await over;
  };
  await startContainerd();
  const stateDir = join(directory, 'state');
  mkdirSync(stateDir);
  const settings = {
    node: 'node-1',
    nodeIp: '10.249.0.1',
    podCidr: options.podCidr ?? '10.249.7.0/24',
    stateDir,
    cgroupRoot: `flotilla-test-${name}`,
    containerdAddress: socket,
    containerdNamespace: namespace,
  };
  return {
    directory,
    ctx: {
      exec: options.isShared === true ? systemExec : execInside(netns),
      clock: systemClock,
      chance: systemChance,
      log: silentLog,
      settings,
    },
    imageArchive,
    imageRef,
    netns,
    ctr,
    pidOf: (id) => {
      const text = execFileSync('ctr', ['--address', socket, '--namespace', namespace, 'tasks', 'ls']).toString();
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(id))!
          .split(/\s+/)[1],
      );
    },
    killContainerd,
    startContainerd,
    loseRecords: () => rmSync(join(stateDir, 'containers'), { recursive: true }),
    stop: async () => {
      const ids = (await ctr('containers', 'ls', '--quiet')).stdout.split('\n').filter(Boolean);
      for (const id of ids) {
        await ctr('tasks', 'rm', '--force', id);
        await ctr('containers', 'rm', id);
      }
      await killContainerd();
      unmountBelow(directory);
      execFileSync('ip', ['netns', 'del', netns]);
      removeCgroups(settings.cgroupRoot);
      rmSync(`/run/containerd/runc/${settings.containerdNamespace}`, { recursive: true, force: true });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function containerdConfiguration(directory: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${directory}/containerd.sock"
[ttrpc]
address = "${directory}/containerd.sock.ttrpc"
`;
}

function unmountBelow(directory: string): void {
  const mounts = execFileSync('findmnt', ['-rno', 'TARGET']).toString().split('\n');
  for (const path of mounts.filter((target) => target.startsWith(`${directory}/`)).toReversed())
    execFileSync('umount', ['-l', path]);
}

function removeCgroups(cgroupRoot: string): void {
  for (const controller of readdirSync('/sys/fs/cgroup')) {
    for (const path of [`${cgroupRoot}/kubepods`, cgroupRoot])
      try {
        rmdirSync(join('/sys/fs/cgroup', controller, path));
      } catch {
        // Not there, or of another version of the interface.
      }
  }
}
