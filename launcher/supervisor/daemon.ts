// Does: `flotilla supervise`: the process that outlives the terminal, owns the supervisor and answers on its socket.
// Never runs twice for one home.
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { messageOf } from '../../lib/base/errors.ts';
import { homeLayout, type Home } from '../core/home.ts';
import { takeLock } from '../edge/lock.ts';
import { readUnits } from '../edge/plan-file.ts';
import type { SupervisorAnswer, SupervisorRequest } from './protocol.ts';
import { Supervisor, unknownUnit } from './supervisor.ts';

export async function supervise(root: string): Promise<void> {
  const home = homeLayout(root);
  const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);
  const lock = takeLock(home.supervisorLock);
  if (lock === undefined) return log('another supervisor already keeps this home');
  const places = { pidFile: home.pidFile, logFile: home.logFile, heldFile: home.heldFile, cwd: root };
  const supervisor = new Supervisor(places, log);
  const leave = (): void => {
    supervisor.release();
    rmSync(home.supervisorSocket, { force: true });
    lock.release();
    process.exit(0);
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGHUP', () => {});
  log(`supervisor ${process.pid} begins`);
  supervisor.load(readUnits(home));
  await listen(home, (request, answer) => handle(request, answer, { supervisor, home, leave }));
  // A home that was deleted under us has no cluster any more: nobody could ever stop this process again.
  setInterval(() => {
    if (!existsSync(home.cluster)) leave();
  }, 5000);
}

interface World {
  supervisor: Supervisor;
  home: Home;
  leave: () => void;
}

/** Returns what ends it when the connection ends. */
function handle(
  request: SupervisorRequest,
  answer: (answer: SupervisorAnswer) => void,
  { supervisor, home, leave }: World,
): (() => void) | undefined {
  const now = (): void => answer({ pid: process.pid, units: supervisor.status() });
  const unless = (error: string | undefined): void => (error === undefined ? now() : answer({ error }));
  const known = (found: boolean, unit: string): void => unless(found ? undefined : unknownUnit(unit));
  switch (request.cmd) {
    case 'status':
      now();
      return undefined;
    case 'watch':
      now();
      return supervisor.onChange(now);
    case 'load':
      supervisor.load(readUnits(home));
      supervisor.startAll();
      now();
      return undefined;
    case 'start':
      known(supervisor.start(request.unit), request.unit);
      return undefined;
    case 'stop':
      known(supervisor.stop(request.unit, request.kill ?? false), request.unit);
      return undefined;
    case 'pause':
      unless(supervisor.pause(request.unit));
      return undefined;
    case 'resume':
      unless(supervisor.resume(request.unit));
      return undefined;
    case 'release':
      now();
      setTimeout(leave, 20);
      return undefined;
    default:
      answer({ error: `unknown command ${JSON.stringify((request as { cmd?: unknown }).cmd)}` });
      return undefined;
  }
}

async function listen(
  home: Home,
  serve: (request: SupervisorRequest, answer: (answer: SupervisorAnswer) => void) => (() => void) | undefined,
): Promise<Server> {
  rmSync(home.supervisorSocket, { force: true });
  const server = createServer((socket: Socket) => {
    const ends: Array<() => void> = [];
    const answer = (value: SupervisorAnswer): void => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(value)}\n`);
    };
    socket.on('error', () => {});
    socket.on('close', () => ends.forEach((end) => end()));
    const lines = createInterface({ input: socket });
    // It says its input's error again: a watcher that left while it was told something must not end the supervisor.
    lines.on('error', () => {});
    lines.on('line', (line) => {
      try {
        const end = serve(JSON.parse(line) as SupervisorRequest, answer);
        if (end !== undefined) ends.push(end);
      } catch (error) {
        answer({ error: messageOf(error) });
      }
    });
  });
  const before = process.umask(0o077);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(home.supervisorSocket, resolve);
  });
  process.umask(before);
  return server;
}
