// Shows that the last size asked for is the one that a terminal gets, whenever it was asked for: before there is a program, while a
// relay does not listen yet, in the moment in which another has been set. Needs `script` and `stty`.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Exec } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { TerminalSize, withTerminal } from './terminal.ts';

/** Runs a script of the shell on a terminal, in a directory of its own. */
function onTerminal(t: ExecutionContext, text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'terminal-'));
  const child = systemExec.spawn(withTerminal(['sh', '-c', `cd ${directory}; ${text}`]));
  t.teardown(async () => {
    // It ends by itself: what is killed here may leave a shell behind that still writes.
    for (const name of ['listen', 'end']) writeFileSync(join(directory, name), '');
    await child.ended;
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    child,
    said: (name: string): string => {
      const file = join(directory, name);
      return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
    },
    tell: (name: string): void => writeFileSync(join(directory, name), ''),
  };
}

const SAYS_SIZE = 'until [ -e end ]; do stty size >new; mv new now; sleep 0.05; done';

test('a size that is asked for before the program is known is set', async (t) => {
  const { child, said } = onTerminal(t, SAYS_SIZE);
  let asked = 0;
  // As of a container whose supervisor has not written its number down yet.
  const size = new TerminalSize(systemExec, async () => (++asked < 5 ? undefined : child.pid));
  size.set(101, 33);
  await eventually('it has the size', () => said('now') === '33 101');
  t.true(asked >= 5);
});

test('a relay that reads the size and listens for changes a while later is told of one in between', async (t) => {
  const { child, said, tell } = onTerminal(
    t,
    `until [ -e listen ]; do stty size >new; mv new now; sleep 0.05; done
     trap 'stty size >new; mv new passed-on' WINCH; until [ -e end ]; do sleep 0.05; done`,
  );
  const size = new TerminalSize(systemExec, () => child.pid, { isRelay: true });
  size.set(90, 20);
  await eventually('it has read the first', () => said('now') === '20 90');
  size.set(101, 33);
  await eventually('the terminal has the second', () => said('now') === '33 101');
  tell('listen');
  await eventually('it is passed on', () => said('passed-on') === '33 101');
  t.is(said('passed-on'), '33 101');
});

test('a size that is asked for in the moment in which another has been set is set', async (t) => {
  const { child, said } = onTerminal(t, SAYS_SIZE);
  for (let steps = 0; steps < 12; steps++) {
    let isFirst = true;
    const exec: Exec = {
      spawn: systemExec.spawn,
      run: async (argv, options) => {
        const result = await systemExec.run(argv, options);
        if (isFirst) void after(steps, () => size.set(100, 30 + steps));
        isFirst = false;
        return result;
      },
    };
    const size: TerminalSize = new TerminalSize(exec, () => child.pid);
    size.set(80, 25);
    await eventually(`${steps} steps later`, () => said('now') === `${30 + steps} 100`);
  }
  t.pass();
});

/** Whoever else is at work in this process comes between two steps of a promise. */
async function after(steps: number, act: () => void): Promise<void> {
  for (let i = 0; i < steps; i++) await Promise.resolve();
  act();
}
