// Introduces the store's core to its edge. Never decides anything.
import type { StartActor } from '../../lib/actor/context.ts';
import type { StoreSettings } from '../../lib/actor/settings.ts';
import { nodeDisk } from '../../raft/storage/node-disk.ts';
import { startMember } from './edge/start-member.ts';

export const start: StartActor<StoreSettings> = (ctx) =>
  startMember(ctx, {
    disk: nodeDisk({ fsync: ctx.settings.fsync ?? true }),
    die: (error) => {
      // Out of every promise: the process ends (lib/actor/run-process.ts), and is started again from its disk.
      setImmediate(() => {
        throw error;
      });
    },
  });
