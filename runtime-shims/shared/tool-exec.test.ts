// Shows what a further process says and how it ended, apart from the words of the tool that ran it: with sh in the tool's place.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { execInContainer } from '../ctr/exec.ts';
import { execByNerdctl } from '../nerdctl/exec.ts';
import type { ExecSession } from '../contract.ts';

const REQUEST = { stdin: false, tty: false };
const nerdctl = (script: string, request: object = {}): ExecSession =>
  execByNerdctl(systemExec, { base: ['sh', '-c', script, 'sh'], id: 'c1', errorsFile: '' }, [], {
    ...REQUEST,
    ...request,
  });

async function told(session: ExecSession): Promise<{ out: string; errors: string; end: unknown }> {
  const [out, errors, end] = await Promise.all([
    text(session.stdout as NodeJS.ReadableStream),
    text(session.stderr as NodeJS.ReadableStream),
    session.ended,
  ]);
  return { out, errors, end };
}

test('what the process says is passed on, and the last line unless it is the tool’s', async (t) => {
  t.deepEqual(await told(nerdctl('echo out; echo err >&2; exit 3')), {
    out: 'out\n',
    errors: 'err\n',
    end: { exitCode: 3 },
  });
  const own = `printf '%s\\n' 'time="x" level=fatal msg="exec failed with exit code 7"' >&2; exit 1`;
  t.deepEqual(await told(nerdctl(`echo err >&2; ${own}`)), { out: '', errors: 'err\n', end: { exitCode: 7 } });
});

test('a tool that is ended says so, and leaves no process behind', async (t) => {
  const session = nerdctl('echo begun; exec sleep 60');
  await once(session.stdout as NodeJS.ReadableStream, 'data');
  session.kill();
  t.deepEqual(await session.ended, { exitCode: 137, error: 'the command was ended by SIGTERM' });
  const asked = await throughCtr('exec sleep 60', { timeoutMs: 50 });
  t.deepEqual(
    asked.commands.map(([, what]) => what),
    ['kill', 'rm'],
  );
  t.is((asked.end as { exitCode: number }).exitCode, 137);
});

test('what ctr cannot start is told as containerd tells it', async (t) => {
  const { end, errors } = await throughCtr(
    'echo "ctr: exec: \\"x\\": executable file not found in \\$PATH" >&2; exit 1',
  );
  t.deepEqual(end, {
    exitCode: 127,
    error: 'failed to exec in container: failed to start exec "e1": exec: "x": executable file not found in $PATH',
  });
  t.is(errors, '');
});

async function throughCtr(script: string, request: object = {}) {
  const commands: string[][] = [];
  const ctr = {
    argv: () => ['sh', '-c', script],
    ask: (argv: string[]) => Promise.resolve(void commands.push(argv)),
  };
  const target = { id: 'c1', execId: 'e1', user: '0:0', workingDir: '/', errorsFile: '' };
  const session = execInContainer(systemExec, ctr as never, target, [], { ...REQUEST, ...request });
  return { ...(await told(session)), commands };
}
