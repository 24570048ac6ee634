// Does: runs the actors whose files are given in this process and says by a file when each serves. Never reads options:
// small, because every actor of a cluster begins here.
import { runProcess } from '../lib/actor/run-process.ts';
import { SERVICES } from '../services/index.ts';
import { writeFileAtomic } from './edge/files.ts';

const readyDir = process.env['FLOTILLA_READY_DIR'];
const started = (instance: string): void => {
  if (readyDir !== undefined) writeFileAtomic(`${readyDir}/${instance}.ready`, String(process.pid));
};
// Loaded by `prime-cache.ts` it runs nothing.
if (import.meta.main) await runProcess(process.argv.slice(2), SERVICES, { started });
