// Asks the nerdctl shim the questions of every shim, with a real nerdctl over a containerd of its own. Never fails for
// want of nerdctl: it is no package of Debian, so where it is not on the path, that is said and nothing is asked.
import { join } from 'node:path';
import test from 'ava';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { askShim } from '../conformance/suite.ts';
import type { RuntimeShim } from '../contract.ts';
import { startTestRuntime, type TestRuntime } from '../ctr/test-runtime.ts';
import { PAUSE_IMAGE } from './arguments.ts';
import { openNerdctlShim } from './index.ts';

const found = await systemExec.run(['nerdctl', '--version']).catch(() => undefined);

if (found?.exitCode === 0) {
  let runtime: TestRuntime;
  let shim: RuntimeShim;
  askShim(test, async () => {
    runtime = await startTestRuntime();
    shim = await openNerdctlShim(runtime.ctx);
    const [imageRef] = await shim.importArchive(runtime.imageArchive);
    // No registry: any image that stays will do to hold the namespaces.
    await runtime.ctr('images', 'tag', imageRef!, PAUSE_IMAGE);
    const reopen = async (): Promise<RuntimeShim> => (shim = await openNerdctlShim(runtime.ctx));
    return { shim, reopen, imageRef: imageRef!, isReal: true, logsDir: join(runtime.directory, 'logs') };
  });
  test.after.always(async () => {
    await shim?.close();
    await runtime?.stop();
  });
} else
  test('there is no nerdctl on the path: only its arguments are tested here', (t) => {
    t.pass();
  });
