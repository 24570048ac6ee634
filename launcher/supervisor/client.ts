// Does: speaks to the supervisor of a home. Never starts or stops a unit itself.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Home } from '../core/home.ts';
import type { SupervisorAnswer, SupervisorRequest } from './protocol.ts';
import type { UnitStatus } from './supervisor.ts';

export class NoSupervisorError extends Error {
  constructor(home: Home) {
    super(`no cluster is running in ${home.root}: start one with \`flotilla up\``);
    this.name = 'NoSupervisorError';
  }
}

/** One question, one answer. */
export async function askSupervisor(
  home: Home,
  request: SupervisorRequest,
): Promise<{ pid: number; units: UnitStatus[] }> {
  for await (const answer of converse(home, request)) return answer;
  throw new Error('the supervisor ended before it answered');
}

/** Answers until the supervisor, the caller or the signal ends it. */
export async function* converse(
  home: Home,
  request: SupervisorRequest,
  end?: AbortSignal,
): AsyncGenerator<{ pid: number; units: UnitStatus[] }> {
  const socket = connect(home.supervisorSocket);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', () => reject(new NoSupervisorError(home)));
    });
    socket.on('error', () => {});
    const lines = createInterface({ input: socket });
    // A socket that is destroyed never says that it has ended: who reads its lines would wait for ever.
    socket.once('close', () => lines.close());
    end?.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of lines) {
      const answer = JSON.parse(line) as SupervisorAnswer;
      if ('error' in answer) throw new Error(answer.error);
      yield answer;
    }
  } finally {
    socket.destroy();
  }
}

/** undefined: nobody answers. */
export async function supervisorStatus(home: Home): Promise<{ pid: number; units: UnitStatus[] } | undefined> {
  try {
    return await askSupervisor(home, { cmd: 'status' });
  } catch {
    return undefined;
  }
}
