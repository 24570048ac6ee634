// Does: runs a program on a terminal of its own, by `script`, which every Debian has and which passes the exit code on.
// Never lets a user's word be read by the shell that `script` starts.
import { readFile, readlink } from 'node:fs/promises';
import type { Exec, ExecChild } from '../../lib/exec/exec.ts';

/** `errorsTo`: a file for what the program itself has to say, which else would stand among the terminal's output. */
export function withTerminal(argv: readonly string[], errorsTo?: string): string[] {
  const errors = errorsTo === undefined ? '' : ` 2>${quoted(errorsTo)}`;
  const line = `stty rows 24 cols 80; exec ${argv.map(quoted).join(' ')}${errors}`;
  return ['script', '--quiet', '--flush', '--return', '--command', line, '/dev/null'];
}

/** The terminal belongs to the one child of `script`. */
export async function resizeTerminal(exec: Exec, child: ExecChild, width: number, height: number): Promise<void> {
  if (child.pid === undefined) return;
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
  const pid = children.trim().split(' ')[0];
  if (pid === undefined || pid === '') return;
  const terminal = await readlink(`/proc/${pid}/fd/0`).catch(() => undefined);
  if (terminal !== undefined) await exec.run(['stty', '-F', terminal, 'rows', String(height), 'cols', String(width)]);
}

/** One word of a shell: everything in it that came from a user stands between single quotes. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
