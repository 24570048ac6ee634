// Does: starts the guardian of this process, once, and lets it go. Never heals anything itself.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Home } from '../../launcher/core/home.ts';
import { MARK } from '../../launcher/core/units.ts';
import type { ProcessRecord } from '../../launcher/edge/processes.ts';

/** How a process opens the cluster that another one has opened. */
export interface Where {
  home: string;
  /** Name of its compose project. */
  compose?: string | undefined;
}

/** What a guardian's process is known by, as every process of that cluster is. */
export interface Guarded {
  /** Where its log goes. */
  records: Home;
  where: Where;
  clusterId: string;
}

export interface Guard {
  /** It has nothing more to do than to look whether anything is left. */
  dismiss(): void;
}

/** Alive until the pipe to it closes, which the kernel does however this process ends. */
export function startGuardian({ records, where, clusterId }: Guarded, owner: ProcessRecord): Guard {
  const logFile = records.logFile('chaos-guardian');
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('guardian.ts', import.meta.url)),
        JSON.stringify(where),
        String(owner.pid),
        owner.startTime,
      ],
      {
        // A session of its own: neither the terminal's end nor Ctrl-C reaches it.
        detached: true,
        stdio: ['pipe', log, log],
        cwd: records.root,
        env: { ...process.env, [MARK]: `${clusterId}/chaos-guardian` },
      },
    );
  } finally {
    closeSync(log);
  }
  child.on('error', () => {});
  child.unref();
  const pipe = child.stdin as Socket;
  pipe.on('error', () => {});
  pipe.unref();
  return { dismiss: () => void pipe.end() };
}
