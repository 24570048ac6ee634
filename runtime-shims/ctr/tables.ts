// Decides what ctr's printed tables and event lines mean. Never runs ctr.

export type TaskStatus = 'RUNNING' | 'STOPPED' | 'CREATED' | 'PAUSED' | 'PAUSING' | 'UNKNOWN';

/** `ctr t ls`: by container id. */
export function parseTasks(text: string): Map<string, { pid: number; status: TaskStatus }> {
  const tasks = new Map<string, { pid: number; status: TaskStatus }>();
  for (const line of text.split('\n').slice(1)) {
    const [id, pid, status] = line.trim().split(/\s+/);
    if (id !== undefined && id !== '' && status !== undefined)
      tasks.set(id, { pid: Number(pid), status: status as TaskStatus });
  }
  return tasks;
}

/** `ctr i ls`: sizes are printed for people (`2.0 MiB`). */
export function parseImages(text: string): Array<{ ref: string; digest: string; sizeBytes: number }> {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [ref, , digest, size, unit] = line.trim().split(/\s+/);
      if (ref === undefined || digest === undefined || ref === '') return [];
      return [{ ref, digest, sizeBytes: Math.round(Number(size) * unitBytes(unit)) }];
    });
}

function unitBytes(unit: string | undefined): number {
  const power = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit ?? 'B');
  return 1024 ** Math.max(power, 0);
}

export interface TaskEvent {
  topic: 'exit' | 'oom';
  containerId: string;
  /** Of an exec: its own id, else the container's. */
  processId: string;
  exitCode: number;
  exitedAtMs: number | undefined;
}

const EVENT_LINE = /^(\S+ \S+ \S+ \S+) (\S+) \/tasks\/(exit|oom) (\{.*\})$/;

/** One line of `ctr events`; exit_status is left out when it is 0. */
export function parseEvent(line: string): TaskEvent | undefined {
  const match = EVENT_LINE.exec(line);
  if (match === null) return undefined;
  try {
    const event = JSON.parse(match[4]!) as {
      container_id?: string;
      id?: string;
      exit_status?: number;
      exited_at?: string;
    };
    if (event.container_id === undefined) return undefined;
    const exitedAtMs = event.exited_at === undefined ? undefined : Date.parse(event.exited_at);
    return {
      topic: match[3] as TaskEvent['topic'],
      containerId: event.container_id,
      processId: event.id ?? event.container_id,
      exitCode: event.exit_status ?? 0,
      exitedAtMs,
    };
  } catch {
    return undefined;
  }
}

/** What `ctr t rm` says of a task that ended with another code than 0: the only way to learn a code that no event told. */
export function parseRemovedExitCode(stderr: string): number {
  const match = /exit with non-zero exit code (\d+)/.exec(stderr);
  return match === null ? 0 : Number(match[1]);
}
