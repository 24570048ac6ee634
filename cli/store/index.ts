// Decides which commands there are below `store`: one line each. Never holds one.
import { compactCommand } from './compact.ts';
import { memberAddCommand } from './member-add.ts';
import { memberListCommand } from './member-list.ts';
import { memberRemoveCommand } from './member-remove.ts';
import { memberReplaceCommand } from './member-replace.ts';
import { recoverCommand } from './recover.ts';
import { snapshotRestoreCommand } from './snapshot-restore.ts';
import { snapshotSaveCommand } from './snapshot-save.ts';
import { snapshotStatusCommand } from './snapshot-status.ts';
import { statusCommand } from './status.ts';
import { transferCommand } from './transfer.ts';
import { verifyCommand } from './verify.ts';

export const STORE_COMMANDS = [statusCommand, transferCommand, compactCommand, verifyCommand, recoverCommand];
export const SNAPSHOT_COMMANDS = [snapshotSaveCommand, snapshotStatusCommand, snapshotRestoreCommand];
export const MEMBER_COMMANDS = [memberListCommand, memberAddCommand, memberRemoveCommand, memberReplaceCommand];
