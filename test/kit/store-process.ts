// Does: is the process of one store member in tests with real processes. Never runs outside of them.
import { runProcess } from '../../lib/actor/run-process.ts';

await runProcess(process.argv.slice(2), { store: async () => import('../../services/store/main.ts') });
