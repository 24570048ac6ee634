// Introduces the store's core to its edge. Never decides anything.
import type { ActorContext, StartActor } from '../../lib/actor/context.ts';
import type { StoreSettings } from '../../lib/actor/settings.ts';
import type { Disk } from '../../raft/storage/disk.ts';
import { nodeDisk } from '../../raft/storage/node-disk.ts';
import { faultyDisk } from './edge/faulty-disk.ts';
import { ownedDisk } from './edge/owned-disk.ts';
import { startMember } from './edge/start-member.ts';

export const start: StartActor<StoreSettings> = async (ctx) => {
  const disk = ownedDisk(diskOf(ctx));
  try {
    return await startMember(ctx, { disk, die });
  } catch (error) {
    await disk.closeAll();
    throw error;
  }
};

/** Out of every promise: the process ends (lib/actor/run-process.ts), and is started again from its disk. */
function die(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

function diskOf({ settings, diskFaults, clock }: ActorContext<StoreSettings>): Disk {
  const disk = nodeDisk({ fsync: settings.fsync ?? true });
  return diskFaults === undefined ? disk : faultyDisk(disk, diskFaults, clock);
}
