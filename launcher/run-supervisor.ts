// Does: runs the supervisor of the home that is given. Never reads options: small, because it lives as long as a cluster.
import { supervise } from './supervisor/daemon.ts';

await supervise(process.argv[2]!);
