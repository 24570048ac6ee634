// Does: brings a cluster up from whatever is there: nothing, half of it, all of it dead or all of it running. Every step
// first looks, then makes what is missing; it removes nothing, so running containers are adopted, not restarted.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemExec } from '../lib/exec/system-exec.ts';
import type { RuntimeName } from '../lib/actor/settings.ts';
import {
  againCluster,
  apiPortOf,
  checkOptions,
  hasContainers,
  OptionError,
  planCluster,
  SLOTS,
  type Cluster,
  type ClusterOptions,
} from './core/cluster.ts';
import { homeLayout, MAX_HOME_BYTES, type Home } from './core/home.ts';
import type { Places } from './core/network-places.ts';
import { requirementsOf } from './core/requirements.ts';
import { MARK } from './core/units.ts';
import { withApiOptions } from './edge/api-options.ts';
import { Claims } from './edge/claims.ts';
import { primeCompileCache } from './edge/compile-cache.ts';
import { findMissing, install, InstallError, searchPath } from './edge/install.ts';
import { takeLock } from './edge/lock.ts';
import { findPlace, freePorts, takerOf } from './edge/machine.ts';
import { checkNameIsFree, placesOf, raiseNetwork } from './edge/node-network.ts';
import { readCluster, writeCluster } from './edge/plan-file.ts';
import { prepare } from './edge/prepare.ts';
import { isAlive, readRecord, spawnDetached } from './edge/processes.ts';
import { reloadNats } from './edge/reload-nats.ts';
import { ensureImages } from './edge/images.ts';
import { joinStores } from './store-members.ts';
import { askSupervisor, converse, supervisorStatus } from './supervisor/client.ts';
import type { UnitStatus } from './supervisor/supervisor.ts';

export interface UpOptions extends ClusterOptions {
  /** Directory of all state; absolute or relative to the working directory. */
  home: string;
  /** Whether missing programs may be installed from apt. */
  install?: boolean;
  logLevel?: string;
  /** false: actors that are started from now on keep and publish no spans. */
  trace?: boolean;
  /** Who leaves the store when the added member has caught up. */
  replaces?: string;
  /** Give up waiting for the actors after this. */
  timeoutMs?: number;
}

export interface UpProgress {
  /** One finished or begun step. */
  say(line: string): void;
  /** Every change of every process. */
  unit(status: UnitStatus): void;
}

export interface RunningCluster {
  cluster: Cluster;
  places: Places;
  home: Home;
  units: UnitStatus[];
}

const UP_TIMEOUT_MS = 180_000;
/** Its first start on a machine with a slow disk takes its time. Looks are counted: a machine that stood still has not waited. */
const SUPERVISOR_LOOKS = 1_200;
const SUPERVISOR_PAUSE_MS = 50;

export async function up(options: UpOptions, progress: UpProgress): Promise<RunningCluster> {
  const home = openHome(options.home);
  const before = readCluster(home);
  const runtime = options.runtime ?? before?.runtime ?? 'ctr';
  checkOptions({ ...options, runtime });
  await installPrograms(runtime, options.install ?? true, progress);
  checkPrivileges(runtime);
  mkdirSync(home.root, { recursive: true, mode: 0o700 });
  const lock = takeLock(home.lock);
  if (lock === undefined)
    throw new OptionError(`another \`flotilla up\` or \`down\` is at work in ${home.root}: wait for it to end`);
  // Until all that was chosen is in use: another cluster that is made at this moment chooses something else.
  const claims = new Claims();
  try {
    const decided = await decideCluster(home, options, runtime, claims, progress);
    const cluster = withApiOptions(decided, options, home, progress.say);
    await checkPorts(home, cluster, claims);
    writeCluster(home, cluster);
    // Beside each other: one waits for the kernel, the other for a processor.
    const primed = primeCompileCache(systemExec, home);
    writeCluster(home, await raiseNetwork(cluster));
    const places = placesOf(cluster);
    if (runtime !== 'hollow') await ensureImages(home, runtime, progress.say);
    const { natsConfigChanged } = await prepare(cluster, places, home, {
      logLevel: options.logLevel ?? 'info',
      trace: options.trace ?? true,
    });
    if (natsConfigChanged) reloadNats(home);
    await primed;
    await ensureSupervisor(home, cluster);
    const timeoutMs = options.timeoutMs ?? UP_TIMEOUT_MS;
    const units = await awaitUnits(home, progress, timeoutMs);
    await joinStores(home, cluster, places, progress.say, timeoutMs, options.replaces);
    return { cluster, places, home, units };
  } finally {
    claims.release();
    lock.release();
  }
}

/** `~/.flotilla` unless told otherwise. */
export function openHome(directory: string): Home {
  const root = resolve(directory.replace(/^~(?=\/|$)/, homedir()));
  if (Buffer.byteLength(root) > MAX_HOME_BYTES)
    throw new OptionError(
      `--home ${root}: at most ${MAX_HOME_BYTES} bytes (paths of unix sockets below it must fit in 107)`,
    );
  return homeLayout(root);
}

async function decideCluster(
  home: Home,
  options: UpOptions,
  runtime: RuntimeName,
  claims: Claims,
  progress: UpProgress,
): Promise<Cluster> {
  const before = readCluster(home);
  if (before !== undefined) {
    const more = Math.max(0, (options.apiservers ?? 0) - before.apiservers.length);
    const morePorts = await freePorts(apiPortOf(before, before.apiservers.at(-1)) + 1, more, claims);
    return againCluster(before, options, morePorts);
  }
  const own = home.root === resolve(homedir(), '.flotilla');
  const digest = createHash('sha256').update(home.root).digest();
  const name = options.name ?? (own ? 'flotilla' : `fl-${digest.toString('hex').slice(0, 5)}`);
  await checkNameIsFree(name, runtime);
  const preferredSlot = own ? 0 : 1 + (digest[0]! % (SLOTS - 1));
  const found = await findPlace(name, { ...options, runtime }, preferredSlot, claims);
  const cluster = planCluster({ ...options, runtime, name }, found);
  progress.say(
    `new cluster ${name}: ${cluster.nodes.length} nodes (${runtime}), ${cluster.stores.length} stores, API on https://127.0.0.1:${apiPortOf(cluster)}`,
  );
  return cluster;
}

function checkPrivileges(runtime: RuntimeName): void {
  if (!hasContainers(runtime) || process.getuid?.() === 0) return;
  throw new InstallError(
    `--runtime ${runtime} needs root (network namespaces, containerd): run it with sudo, or use --runtime process, which needs neither`,
  );
}

/** Says each step; returns at once where nothing is missing. */
export async function installPrograms(
  runtime: RuntimeName,
  allowed: boolean,
  progress: Pick<UpProgress, 'say'>,
): Promise<void> {
  const path = searchPath();
  const requirements = requirementsOf(runtime);
  const missing = findMissing(requirements, path);
  await install(requirements, { exec: systemExec, isRoot: process.getuid?.() === 0, path, say: progress.say }, allowed);
  if (missing.length > 0) progress.say(`installed ${missing.map((row) => row.package).join(', ')}`);
}

/** Another program on our port would answer instead of our API or bus, and nobody would understand why. */
async function checkPorts(home: Home, cluster: Cluster, claims: Claims): Promise<void> {
  const apis = cluster.apiservers.map((instance) => ({ instance, port: apiPortOf(cluster, instance) }));
  // With containers the bus has an address of its own.
  const bus = hasContainers(cluster.runtime) ? [] : [{ instance: cluster.nats[0]!, port: cluster.ports.nats }];
  for (const { instance, port } of [...apis, ...bus]) {
    const record = readRecord(home.pidFile(instance));
    if (record !== undefined && isAlive(record)) continue;
    const other = await takerOf(port, claims);
    if (other !== undefined)
      throw new OptionError(
        `port ${port} of ${instance}: ${other}; end that, or make another cluster with --home and --port`,
      );
  }
}

async function ensureSupervisor(home: Home, cluster: Cluster): Promise<void> {
  if ((await supervisorStatus(home)) !== undefined) {
    await askSupervisor(home, { cmd: 'load' });
    return;
  }
  await spawnDetached([process.execPath, fileURLToPath(new URL('run-supervisor.ts', import.meta.url)), home.root], {
    env: { [MARK]: `${cluster.clusterId}/supervisor`, NODE_COMPILE_CACHE: home.compileCache },
    logFile: home.logFile('supervisor'),
    cwd: home.root,
  });
  for (let left = SUPERVISOR_LOOKS; left > 0; left--) {
    if ((await supervisorStatus(home)) !== undefined) {
      await askSupervisor(home, { cmd: 'load' });
      return;
    }
    await new Promise((go) => setTimeout(go, SUPERVISOR_PAUSE_MS));
  }
  throw new Error(
    `the supervisor did not answer in ${(SUPERVISOR_LOOKS * SUPERVISOR_PAUSE_MS) / 1000} s: see ${home.logFile('supervisor')}`,
  );
}

/** Resolves when every unit runs; fails with who does not and where its log is. */
async function awaitUnits(home: Home, progress: UpProgress, timeoutMs: number): Promise<UnitStatus[]> {
  const known = new Map<string, string>();
  let last: UnitStatus[] = [];
  const end = new AbortController();
  const deadline = setTimeout(() => end.abort(), timeoutMs);
  try {
    for await (const { units } of converse(home, { cmd: 'watch' }, end.signal)) {
      last = units;
      for (const unit of units) {
        if (known.get(unit.name) === unit.state) continue;
        known.set(unit.name, unit.state);
        progress.unit(unit);
      }
      if (units.length > 0 && units.every((unit) => unit.state === 'running')) return units;
    }
  } finally {
    clearTimeout(deadline);
  }
  throw new Error(whoIsMissing(last, timeoutMs));
}

function whoIsMissing(units: readonly UnitStatus[], timeoutMs: number): string {
  const rows = units
    .filter((unit) => unit.state !== 'running')
    .map((unit) => `${unit.name} is ${unit.state}${unit.why === undefined ? '' : ` (${unit.why})`}: see ${unit.log}`);
  return `not everything runs after ${timeoutMs / 1000} s: ${rows.join('; ')}`;
}
