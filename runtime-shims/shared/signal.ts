// Does: sends a signal to a process, or a group of them, that may have ended meanwhile. Never asks whose process it is.

/** Throws what the kernel says, but not that there is no such process. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
