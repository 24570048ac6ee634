// Does: starts a real nats-server on a free loopback port for one test, with or without a configuration, and on the same
// port again. Never outlives its test: `stop` kills it.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { natsEnvironment } from '../../launcher/core/runtimes.ts';
import { silentLog } from '../../lib/base/log.ts';
import { connectNats } from '../../lib/bus/nats.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import { endChild } from './end-child.ts';
import { freePorts } from './free-ports.ts';

export interface TestNats {
  readonly url: string;
  readonly pid: number;
  /** One end for an instance, without credentials. */
  connect(instance: string): Promise<Bus>;
  /** SIGKILL, then a new server on the same port. */
  restart(): Promise<void>;
  /** Another configuration, without an end to any connection. */
  reload(config: string): void;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const PORT_TRIES = 3;
const BINARY =
  ['/usr/sbin/nats-server', '/usr/local/bin/nats-server', '/usr/bin/nats-server'].find((path) => existsSync(path)) ??
  'nats-server';

/** `config`: text of a configuration file without address and port. */
export async function startNats(config = ''): Promise<TestNats> {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-nats-'));
  const file = join(dir, 'nats.conf');
  const configure = (text: string): void => writeFileSync(file, `${text}\nmax_payload: 4MB\n`);
  configure(config);
  let { child, port } = await launchSomewhere(dir, file);
  const ends: Bus[] = [];
  const kill = (): Promise<void> => endChild(child);
  return {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return child.pid!;
    },
    async connect(instance) {
      const bus = await connectNats(instance, { servers: [`nats://127.0.0.1:${port}`], seedFile: '' }, silentLog);
      ends.push(bus);
      return bus;
    },
    async restart() {
      await kill();
      ({ child, port } = await launch(dir, file, port));
    },
    reload(text) {
      configure(text);
      child.kill('SIGHUP');
    },
    kill,
    async stop() {
      await Promise.all(ends.map((bus) => bus.close().catch(() => {})));
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What was free a moment ago may be taken now. */
async function launchSomewhere(dir: string, file: string): Promise<{ child: ChildProcess; port: number }> {
  for (let left = PORT_TRIES; ; left--) {
    const [port] = (await freePorts(1)) as [number];
    try {
      return await launch(dir, file, port);
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}

async function launch(dir: string, file: string, port: number): Promise<{ child: ChildProcess; port: number }> {
  for (const name of readdirSync(dir)) if (name.endsWith('.ports')) rmSync(join(dir, name));
  const child = spawn(BINARY, ['-c', file, '-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', dir], {
    stdio: 'ignore',
    env: { ...process.env, ...natsEnvironment(availableParallelism()) },
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const ready = async (): Promise<number> => {
    for (let i = 0; i < 6000; i++) {
      const ports = readdirSync(dir).find((name) => name.endsWith('.ports'));
      const text = ports === undefined ? '' : readFileSync(join(dir, ports), 'utf8');
      if (text.endsWith('}')) return Number(new URL((JSON.parse(text) as { nats: string[] }).nats[0]!).port);
      if (child.exitCode !== null) throw new Error(`nats-server exited ${child.exitCode}`);
      await sleep(10);
    }
    throw new Error('nats-server wrote no ports file in 60 s');
  };
  return { child, port: await Promise.race([ready(), failed]) };
}
