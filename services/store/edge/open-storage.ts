// Does: opens a member's storage and makes its state from it. A snapshot that does not hold what was written is taken out of
// the way, and the member begins without a state, in doubt, to be given one. Never serves half of one.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import { DamagedError, type Disk } from '../../../raft/storage/disk.ts';
import type { LogOptions } from '../../../raft/storage/segmented-log.ts';
import { RaftStorage, type OpenedStorage, type StorageIdentity } from '../../../raft/storage/storage.ts';
import type { StoreLimits } from '../core/limits.ts';
import { WrongStateError } from '../core/snapshot.ts';
import { StateMachine } from '../core/state-machine.ts';
import { loadState, type NextTurn } from './applier.ts';

export interface OpenedMember {
  opened: OpenedStorage;
  state: StateMachine;
}

export interface OpenOptions {
  disk: Disk;
  limits?: Partial<StoreLimits> | undefined;
  log?: Partial<LogOptions> | undefined;
  nextTurn?: NextTurn | undefined;
}

export function storageIdentity({ settings, instance }: ActorContext<StoreSettings>): StorageIdentity {
  return { clusterId: settings.clusterId, member: instance, firstVoters: settings.members };
}

export async function openStorage(ctx: ActorContext<StoreSettings>, options: OpenOptions): Promise<OpenedMember> {
  const member = await openOrBeginAnew(ctx, options);
  const { damage, tornTail } = member.opened;
  for (const each of damage) ctx.log.error({ damage: each }, 'damaged files were taken out of the way');
  if (tornTail !== undefined) ctx.log.warn({ torn: tornTail }, 'an unfinished write was cut off the log');
  return member;
}

async function openOrBeginAnew(ctx: ActorContext<StoreSettings>, options: OpenOptions): Promise<OpenedMember> {
  const first = await open(ctx, options);
  if (!(first instanceof DamagedError)) return first;
  await condemn(ctx, options.disk, first);
  const second = await open(ctx, options);
  if (second instanceof DamagedError) throw second;
  second.opened.damage.unshift(first.message);
  return second;
}

/** The next start begins without log and snapshot; they are kept aside. Throws when nobody could give them back. */
export async function condemn(ctx: ActorContext<StoreSettings>, disk: Disk, error: DamagedError): Promise<void> {
  ctx.log.error({ error: error.message }, 'the state cannot be used and is taken out of the way');
  await RaftStorage.condemn(disk, ctx.settings.dataDir, storageIdentity(ctx), error);
}

async function open(
  ctx: ActorContext<StoreSettings>,
  { disk, limits = {}, log, nextTurn }: OpenOptions,
): Promise<OpenedMember | DamagedError> {
  const opened = await RaftStorage.open(disk, ctx.settings.dataDir, storageIdentity(ctx), log, () =>
    ctx.clock.monotonic(),
  );
  const { storage, restored } = opened;
  if (restored.snapshot.index === 0) return { opened, state: new StateMachine(limits) };
  try {
    return { opened, state: await loadState(storage.snapshots.readAll(restored.snapshot), limits, nextTurn) };
  } catch (error) {
    await storage.close();
    if (error instanceof DamagedError) return error;
    if (error instanceof WrongStateError) return new DamagedError(ctx.settings.dataDir, error.message);
    throw error;
  }
}
