// Does: finds where the time of a put goes, in each process: members run with node's own sampling profiler, and so does this one,
// which is their API actor. Only samples of the load itself count. Never judges.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Profiler } from 'node:inspector';
import { puts } from './load.ts';
import { OurSide } from './our-side.ts';

export interface ProfileRun {
  bench: 'store-profile';
  at: string;
  commit: string;
  inFlight: number;
  processes: ProcessProfile[];
}

interface ProcessProfile {
  name: string;
  /** Percent of what was not idle, largest first. */
  rooms: [string, number][];
  functions: [string, number][];
}

const INTERVAL_US = 500;
const WARM_SECONDS = 4;
const ROOMS = 8;
const FUNCTIONS = 8;
const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n);

export async function profilePuts(inFlight: number, seconds: number): Promise<ProcessProfile[]> {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-profile-'));
  const former = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${directory} --cpu-prof-interval=${INTERVAL_US}`;
  const side = await OurSide.start();
  if (former === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = former;
  try {
    await puts(side, inFlight, WARM_SECONDS);
    const leader = await side.leader();
    const names = new Map(
      side.members().map((member) => [side.store.pid(member), member === leader ? 'leader' : 'follower']),
    );
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await session.post('Profiler.start');
    const from = nowUs();
    await puts(side, inFlight, seconds);
    const to = nowUs();
    const { profile } = await session.post('Profiler.stop');
    for (const member of side.members()) await side.store.drain(member);
    const files = readdirSync(directory);
    const members = [...names].map(([pid, name]) => {
      const file = files.find((each) => each.split('.')[3] === String(pid))!;
      return summed(name, JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profiler.Profile, from, to);
    });
    const leaderFirst = members.toSorted((a, b) => b.name.localeCompare(a.name)).slice(0, 2);
    return [summed('API actor', profile, from, to), ...leaderFirst];
  } finally {
    await side.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function summed(name: string, profile: Profiler.Profile, from: number, to: number): ProcessProfile {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const [rooms, functions] = [new Map<string, number>(), new Map<string, number>()];
  let at = profile.startTime;
  let total = 0;
  for (const [i, id] of profile.samples!.entries()) {
    const us = profile.timeDeltas![i]!;
    at += us;
    const frame = nodes.get(id)!;
    if (at < from || at > to || frame.functionName === '(idle)') continue;
    total += us;
    const room = roomOf(frame);
    rooms.set(room, (rooms.get(room) ?? 0) + us);
    if (frame.functionName === '(program)') continue;
    const what = `${frame.functionName || '(anonymous)'} (${room})`;
    functions.set(what, (functions.get(what) ?? 0) + us);
  }
  const largest = (sums: Map<string, number>, count: number): [string, number][] =>
    [...sums]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, count)
      .map(([what, us]) => [what, Math.round((us / total) * 1_000) / 10]);
  return { name, rooms: largest(rooms, ROOMS), functions: largest(functions, FUNCTIONS) };
}

function roomOf({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === 'writeBuffer' && url === '') return 'socket writes';
  if (url === '' || url.startsWith('node:')) return 'node';
  const module = /node_modules\/([^/]+)/.exec(url)?.[1];
  if (module !== undefined) return module;
  return /\/((?:services\/\w+|raft|lib|test)\/\w+)/.exec(url)?.[1] ?? url;
}
