// Decides how often a disk that cannot be read has its chance before what stays unreadable is given up, and lets a member
// that cannot start answer for itself between two attempts. Never tries again by itself: the actor's host does.
import type { ActorContext } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import type { Subscription } from '../../../lib/bus/bus.ts';
import type { Disk } from '../../../raft/storage/disk.ts';
import { isReadError, readAround } from '../../../raft/storage/read-around.ts';
import { faultyDisk } from './faulty-disk.ts';
import { ownedDisk } from './owned-disk.ts';
import { standAside } from './stand-aside.ts';
import { startMember, type RunningMember } from './start-member.ts';

/** A cable, a controller or a network disk may come back within their time, about six seconds: giving up costs more. */
export const PATIENT_STARTS = 5;

interface Attempts {
  readErrors: number;
  aside: Subscription;
}

export class Starts {
  private readonly diskOf: (ctx: ActorContext<StoreSettings>) => Disk;
  private readonly die: (error: Error) => void;
  private readonly failed = new Map<string, Attempts>();

  constructor(diskOf: (ctx: ActorContext<StoreSettings>) => Disk, die: (error: Error) => void) {
    this.diskOf = diskOf;
    this.die = die;
  }

  /** Throws why it cannot be; until the next call, the member then stands aside and says so to whoever asks. */
  async start(ctx: ActorContext<StoreSettings>): Promise<RunningMember> {
    const before = this.failed.get(ctx.instance);
    this.failed.delete(ctx.instance);
    const readErrors = before?.readErrors ?? 0;
    const disk = ownedDisk(this.diskFor(ctx, readErrors >= PATIENT_STARTS));
    try {
      return await startMember(ctx, { disk, die: this.die });
    } catch (error) {
      await disk.closeAll();
      this.failed.set(ctx.instance, {
        readErrors: readErrors + (isReadError(error) ? 1 : 0),
        aside: standAside(ctx, error),
      });
      throw error;
    } finally {
      before?.aside.unsubscribe();
    }
  }

  private diskFor(ctx: ActorContext<StoreSettings>, givesUp: boolean): Disk {
    const { diskFaults, clock, log } = ctx;
    const real = this.diskOf(ctx);
    const disk = diskFaults === undefined ? real : faultyDisk(real, diskFaults, clock);
    if (!givesUp) return disk;
    return readAround(disk, (path, offset, lengthBytes) =>
      log.error({ path, offset, lengthBytes }, 'this part of the disk cannot be read and is given up'),
    );
  }
}
