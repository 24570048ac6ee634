// Does: is the process of one API actor in tests with real processes. Never runs outside of them.
import { runProcess } from '../../lib/actor/run-process.ts';

await runProcess(process.argv.slice(2), { apiserver: async () => import('../../services/apiserver/main.ts') });
