// Does: asks the supervisor to start or stop a unit and waits until it is so. Never signals a process itself.
import { askSupervisor, converse } from '../../launcher/supervisor/client.ts';
import type { SupervisorRequest } from '../../launcher/supervisor/protocol.ts';
import { openHome } from '../../launcher/up.ts';
import { UsageError } from '../core/resources.ts';

const WAIT_MS = 30_000;

export async function turnUnit(
  directory: string,
  request: SupervisorRequest & { unit: string },
  state: 'running' | 'stopped' | 'paused',
): Promise<void> {
  const home = openHome(directory);
  await askSupervisor(home, request);
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), WAIT_MS);
  try {
    for await (const { units } of converse(home, { cmd: 'watch' }, end.signal))
      if (units.find(({ name }) => name === request.unit)?.state === state) return;
  } finally {
    clearTimeout(timer);
  }
  throw new UsageError(`${request.unit} is not ${state} after ${WAIT_MS / 1000} s: see ${home.logFile(request.unit)}`);
}
