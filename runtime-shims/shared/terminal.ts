// Does: runs a program on a terminal of its own, by `script`, which every Debian has and which passes the exit code on.
// Never lets a user's word be read by the shell that `script` starts.
import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exec } from '../../lib/exec/exec.ts';

const FIRST_SIZE = 'stty rows 24 cols 80';

export interface TerminalOptions {
  /** A file for what the program itself has to say, which else would stand among the terminal's output. */
  errorsTo?: string;
  /** The program passes on another terminal's output: line ends have their carriage return already. */
  isRelay?: boolean;
}

export function withTerminal(argv: readonly string[], { errorsTo, isRelay }: TerminalOptions = {}): string[] {
  const errors = errorsTo === undefined ? '' : ` 2>${quoted(errorsTo)}`;
  const line = `${FIRST_SIZE}${isRelay === true ? ' -onlcr' : ''}; exec ${argv.map(quoted).join(' ')}${errors}`;
  return ['script', '--quiet', '--flush', '--return', '--command', line, '/dev/null'];
}

const LOOK_MS = 10;
const LOOKS = 500;

/** Sizes of one terminal: the last one asked for is the one it gets, also when it was asked for too early. */
export class TerminalSize {
  readonly #exec: Exec;
  readonly #scriptPid: () => Promise<number | undefined> | number | undefined;
  #wanted: { width: number; height: number } | undefined;
  #isBusy = false;

  constructor(exec: Exec, scriptPid: () => Promise<number | undefined> | number | undefined) {
    this.#exec = exec;
    this.#scriptPid = scriptPid;
  }

  set(width: number, height: number): void {
    this.#wanted = { width, height };
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#apply()
      .catch(() => {})
      .then(() => (this.#isBusy = false));
  }

  async #apply(): Promise<void> {
    const pid = await this.#scriptPid();
    const terminal = pid === undefined ? undefined : await terminalOf(pid);
    if (terminal === undefined) return;
    while (this.#wanted !== undefined) {
      const { width, height } = this.#wanted;
      this.#wanted = undefined;
      await this.#exec.run(['stty', '-F', terminal, 'rows', String(height), 'cols', String(width)]);
    }
  }
}

/** The terminal belongs to the one child of `script`; before that has set the first size, another would be lost. */
async function terminalOf(scriptPid: number): Promise<string | undefined> {
  for (let i = 0; i < LOOKS; i++) {
    const children = await readFile(`/proc/${scriptPid}/task/${scriptPid}/children`, 'utf8').catch(() => undefined);
    if (children === undefined) return undefined;
    const pid = children.trim().split(' ')[0];
    const words = pid === '' ? '' : await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (words !== '' && !words.includes(FIRST_SIZE)) return readlink(`/proc/${pid}/fd/0`).catch(() => undefined);
    await pause(LOOK_MS);
  }
  return undefined;
}

/** One word of a shell: everything in it that came from a user stands between single quotes. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
