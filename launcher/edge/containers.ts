// Does: removes every container and task of one containerd namespace while its containerd answers. Never touches images:
// the next start needs them again.
import type { Exec } from '../../lib/exec/exec.ts';

export async function removeContainers(exec: Exec, ctr: string, socket: string, namespace: string): Promise<void> {
  const run = (...args: string[]) =>
    exec.run([ctr, '--connect-timeout', '1s', '--timeout', '20s', '-a', socket, '-n', namespace, ...args]);
  const list = async (...args: string[]): Promise<string[]> => {
    const { exitCode, stdout } = await run(...args);
    return exitCode === 0 ? stdout.split('\n').filter(Boolean) : [];
  };
  const tasks = await list('tasks', 'ls', '-q');
  if (tasks.length > 0) await run('tasks', 'rm', '-f', ...tasks);
  const containers = await list('containers', 'ls', '-q');
  if (containers.length > 0) await run('containers', 'rm', ...containers);
}
