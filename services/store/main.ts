// Introduces the store's core to its edge. Never decides anything.
import type { StartActor } from '../../lib/actor/context.ts';
import type { StoreSettings } from '../../lib/actor/settings.ts';
import { nodeDisk } from '../../raft/storage/node-disk.ts';
import { Starts } from './edge/starts.ts';

const starts = new Starts(({ settings }) => nodeDisk({ fsync: settings.fsync ?? true }), die);

export const start: StartActor<StoreSettings> = (ctx) => starts.start(ctx);

/** Out of every promise: the process ends (lib/actor/run-process.ts), and is started again from its disk. */
function die(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
