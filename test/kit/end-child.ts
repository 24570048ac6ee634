// Does: ends a process that a test or a bench started, and waits until it is gone. Never starts one.
import type { ChildProcess } from 'node:child_process';

/** Resolves at once when there is none, or when it has ended already. */
export async function endChild(child: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}
