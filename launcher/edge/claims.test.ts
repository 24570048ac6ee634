import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { eventually } from '../../test/kit/eventually.ts';
import { Claims } from './claims.ts';
import { findPlace } from './machine.ts';

const word = (name: string): string => `${name} of test ${process.pid}`;

test('one holder at a time; what is released may be had again', async (t) => {
  const [one, other] = [new Claims(), new Claims()];
  t.true(await one.take(word('a')));
  t.true(await one.take(word('a')), 'who has it has it');
  t.false(await other.take(word('a')));
  t.true(await other.take(word('b')));
  one.release();
  await eventually('a is free again', () => other.take(word('a')));
  t.false(await one.take(word('a')));
  other.release();
});

test('what a killed process held is free', async (t) => {
  const script = `const { Claims } = await import(process.argv[1]); await new Claims().take(process.argv[2]); console.log('held'); setInterval(() => {}, 1000);`;
  const url = new URL('claims.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, url, word('killed')], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const claims = new Claims();
  t.false(await claims.take(word('killed')));
  child.kill('SIGKILL');
  await eventually('it is free', () => claims.take(word('killed')));
  claims.release();
});

test('clusters that look for a place at the same moment find different ones', async (t) => {
  const claims = Array.from({ length: 4 }, () => new Claims());
  const found = await Promise.all(
    claims.map((own, i) => findPlace(`place-${i}`, { runtime: 'hollow', apiservers: 2 }, 7, own)),
  );
  const different = (values: unknown[]): boolean => t.is(new Set(values).size, values.length, values.join(' '));
  different(found.flatMap(({ apiPorts, natsPort }) => [...apiPorts, natsPort]));
  different(found.map(({ slot }) => slot));
  const port = found[0]!.apiPorts[0]!;
  await t.throwsAsync(findPlace('late', { runtime: 'hollow', port }, 7, new Claims()), {
    message: `--port ${port}: another \`flotilla up\` is about to use port ${port}; choose another`,
  });
  for (const own of claims) own.release();
});
