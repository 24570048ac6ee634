// Decides what befalls a simulated cluster: every kind of trouble once, with how often it usually comes. A seed draws which
// kinds it has at all (swarm testing). Never decides what is right.
import {
  failDisk,
  failReads,
  flipBit,
  fullDisk,
  loseName,
  misdirect,
  putBack,
  slowDisk,
  spoil,
  staleSector,
  stallDisk,
  truncateFile,
  wipe,
} from './disk-faults.ts';
import { addMember, cutOffLearner, removeMember, replaceMember } from './member-faults.ts';
import { bridge, clog, cutPair, isolate, leaderCutOff, weather } from './network-faults.ts';
import {
  all,
  changeVersion,
  crashes,
  cutInWrite,
  dieAtStart,
  dieWhileBorn,
  freezeClock,
  fuse,
  majority,
  pause,
  pauseOne,
} from './process-faults.ts';
import type { Prober } from './prober.ts';
import { leader, operate, someone, up, type Stage } from './stage.ts';

/** So young that a reader who missed something may find its place gone. */
const lately = (stage: Stage): number =>
  Math.max(0, (leader(stage)?.member?.state.revision ?? 400) - stage.world.chance.int(12));

function probe({ prober, world }: Stage, ask: (prober: Prober) => Promise<void>): void {
  ask(prober).catch((error: unknown) => world.fail(error));
}

/** What can happen, with its usual number of times in ten seconds. False: it could not, just then. */
type Fault = [perTenSeconds: number, (stage: Stage) => boolean | void];

export const FAULTS = {
  // ---- the network ----
  'weather-loss': [2, (s) => weather(s, { loss: s.world.draw(0.01, 0.4) })],
  'weather-doubles': [2, (s) => weather(s, { doubled: s.world.draw(0.02, 0.5) })],
  'weather-slow': [2, (s) => weather(s, { slow: s.world.draw(0.02, 0.5), slowMs: s.world.draw(20, 2_000) })],
  'weather-reorders': [2, (s) => weather(s, { reorders: true, latencyMs: { min: 0.1, max: s.world.draw(2, 60) } })],
  'cut-off-one': [2, (s) => isolate(s, [(someone(s) ?? s.machines[0]!).name], false)],
  'cut-off-one-way': [2, (s) => isolate(s, [(someone(s) ?? s.machines[0]!).name], true)],
  'cut-off-some': [
    1.5,
    (s) =>
      isolate(
        s,
        s.machines.filter(() => s.world.odds(0.4)).map(({ name }) => name),
        false,
      ),
  ],
  'leader-cut-off': [4, (s) => leaderCutOff(s, false)],
  'leader-with-few': [4, (s) => leaderCutOff(s, true)],
  'cut-bridge': [1, bridge],
  'cut-pair': [2, (s) => cutPair(s)],
  'link-clogged': [2, (s) => clog(s)],
  'bus-restart': [1, (s) => s.network.restart(s.world.draw(20, 3_000))],
  'connection-lost': [3, (s) => s.world.pick([...s.machines]).bus?.lose(s.world.draw(20, 3_000))],
  'client-connection-lost': [4, (s) => s.network.of(s.world.pick(s.clients))?.lose(s.world.draw(20, 2_000))],
  'advisory-wrong': [1.5, (s) => weather(s, { falseAbsence: s.world.draw(0.1, 1) })],
  'advisory-overdue': [1.5, (s) => weather(s, { lateAbsence: s.world.draw(0.2, 1) })],
  'slow-consumer-limit': [1, (s) => void (s.network.pendingLimit = 2 + s.world.chance.int(20))],
  // ---- processes ----
  killed: [2, (s) => crashes(s, true)],
  'power-cut': [2, (s) => crashes(s, false)],
  'all-killed': [0.5, (s) => all(s, true)],
  'all-power-cut': [0.7, (s) => all(s, false)],
  'majority-power-cut': [0.7, (s) => majority(s)],
  'fuse-bus': [1.5, (s) => fuse(s, 'bus')],
  'fuse-disk': [1.5, (s) => fuse(s, 'disk')],
  'fuse-disk-done': [1.5, (s) => fuse(s, 'disk-done')],
  'fuse-timer': [0.7, (s) => fuse(s, 'timer')],
  'power-cut-in-write': [1.5, cutInWrite],
  'killed-at-start': [1, (s) => dieAtStart(s)],
  'cluster-half-born': [12, dieWhileBorn],
  'version-changed': [1.5, changeVersion],
  terminated: [1.5, (s) => void someone(s)?.terminate()],
  paused: [2.5, (s) => pause(s, [20, 5_000])],
  'all-paused': [0.3, (s) => up(s).forEach((machine) => pauseOne(s, machine, [50, 3_000]))],
  stutters: [3, (s) => up(s).forEach((machine) => pauseOne(s, machine, [1, 120]))],
  'clock-frozen': [1, freezeClock],
  'clock-jump': [2, (s) => void (s.world.pick(s.machines).time.wallOffsetMs += (s.world.chance.float() - 0.5) * 7.2e6)],
  'clock-drift': [1, (s) => void (s.world.pick(s.machines).time.rate = s.world.draw(0.5, 2))],
  // ---- disks ----
  'disk-slow': [2, (s) => slowDisk(s)],
  'disk-stalled': [1, (s) => stallDisk(s)],
  'disk-full': [1, (s) => fullDisk(s)],
  'disk-fails-writes': [0.7, (s) => failDisk(s, 'write')],
  'disk-fails-fsync': [0.7, (s) => failDisk(s, 'datasync')],
  'disk-fails-names': [
    0.7,
    (s) => failDisk(s, s.world.pick(['open', 'rename', 'remove', 'list', 'sync-dir'] as const)),
  ],
  'disk-fails-reads': [0.8, failReads],
  'bit-flip-log': [1.2, (s) => flipBit(s, /segment$/)],
  'bit-flip-snapshot': [1.5, (s) => flipBit(s, /snapshot/)],
  'name-lost': [1, (s) => loseName(s)],
  'write-elsewhere': [1.2, (s) => misdirect(s)],
  'sector-stale': [2, staleSector],
  'file-truncated': [1.5, truncateFile],
  wiped: [0.9, (s) => wipe(s)],
  'old-directory-put-back': [1.5, (s) => putBack(s)],
  'state-wrong-in-memory': [1.2, (s) => spoil(s, false)],
  'entry-applied-wrongly': [1.2, (s) => spoil(s, true)],
  // ---- the protocol ----
  transfer: [
    2,
    (s) => operate(s, { operation: 'transfer', to: s.world.odds(0.5) ? '' : s.world.pick(s.machines).name }),
  ],
  'member-added': [2, addMember],
  'member-replaced': [1.5, replaceMember],
  'member-removed': [2, removeMember],
  'learner-cut-off': [1.5, cutOffLearner],
  compact: [4, (s) => operate(s, { operation: 'compact', revision: lately(s) })],
  // ---- what is asked of members meanwhile ----
  'watch-from-zero': [2, (s) => probe(s, (prober) => prober.watchFrom('zero'))],
  'watch-from-compacted': [3, (s) => probe(s, (prober) => prober.watchFrom('compacted'))],
  'watch-from-future': [2, (s) => probe(s, (prober) => prober.watchFrom('future'))],
  'message-too-large': [0.5, (s) => probe(s, (prober) => prober.sendTooMuch())],
  'snapshot-saved': [1.5, (s) => probe(s, (prober) => prober.save())],
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
