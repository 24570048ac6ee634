// Does: runs the supervisor of the home that is given. Never reads options: small, because it lives as long as a cluster.
import { supervise } from './supervisor/daemon.ts';

// Loaded by `prime-cache.ts` it supervises nothing.
if (import.meta.main) await supervise(process.argv[2]!);
