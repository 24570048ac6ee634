// Does: is the process of one store member in tests with real processes. Never runs outside of them.
import { runProcess } from '../../lib/actor/run-process.ts';

const store = async (): Promise<typeof import('../../services/store/main.ts')> =>
  import('../../services/store/main.ts');
if (import.meta.main) await runProcess(process.argv.slice(2), { store });
