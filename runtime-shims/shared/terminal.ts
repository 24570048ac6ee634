// Does: runs a program on a terminal of its own, by `script`, which every Debian has and which passes the exit code on.
// Never lets a user's word be read by the shell that `script` starts.
import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exec } from '../../lib/exec/exec.ts';
import { signalIfThere } from './signal.ts';

/** By its first words a shell is known that has not become the program yet: no program's own words are these. */
const FIRST_SIZE = ': first-size-of-this-terminal; stty rows 24 cols 80';

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
const LOOKS = 6_000;
/** After a size was set: when a relay is told again, in case that it did not listen yet. */
const REMIND_MS = [50, 200, 800, 3_000, 10_000, 30_000];

type ScriptPid = () => Promise<number | undefined> | number | undefined;

interface Held {
  /** `/dev/pts/3` */
  terminal: string;
  /** Of who runs on it. */
  pid: number;
}

/** Sizes of one terminal: the last one asked for is the one it gets, also when it was asked for too early. */
export class TerminalSize {
  readonly #exec: Exec;
  readonly #scriptPid: ScriptPid;
  readonly #isRelay: boolean;
  #wanted: { width: number; height: number } | undefined;
  #isBusy = false;
  #sets = 0;

  constructor(exec: Exec, scriptPid: ScriptPid, { isRelay }: Pick<TerminalOptions, 'isRelay'> = {}) {
    this.#exec = exec;
    this.#scriptPid = scriptPid;
    this.#isRelay = isRelay === true;
  }

  set(width: number, height: number): void {
    this.#wanted = { width, height };
    this.#sets++;
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#apply();
  }

  /** Between the last look at what is wanted and the end nothing is awaited: a size that came then would be lost. */
  async #apply(): Promise<void> {
    try {
      const held = await holderOf(this.#scriptPid);
      while (held !== undefined && this.#wanted !== undefined) {
        const { width, height } = this.#wanted;
        this.#wanted = undefined;
        await this.#exec.run(['stty', '-F', held.terminal, 'rows', String(height), 'cols', String(width)]);
        if (this.#isRelay) remind(held, this.#sets, () => this.#sets).catch(() => {});
      }
    } catch {
      // The program has ended, and its terminal with it.
    }
    this.#isBusy = false;
  }
}

/**
 * A relay reads the size once, and only then listens for changes: one in between would be lost on its way to the terminal within.
 * A signal that tells nothing new is passed over.
 */
async function remind(held: Held, set: number, latest: () => number): Promise<void> {
  for (const pauseMs of REMIND_MS) {
    await pause(pauseMs, undefined, { ref: false });
    // The number may be another process's by now.
    const isThere = (await readlink(`/proc/${held.pid}/fd/0`).catch(() => '')) === held.terminal;
    if (!isThere || latest() !== set) return;
    signalIfThere(held.pid, 'SIGWINCH');
  }
}

/** The terminal belongs to the one child of `script`; before that has set the first size, another would be lost. */
async function holderOf(scriptPid: ScriptPid): Promise<Held | undefined> {
  for (let i = 0; i < LOOKS; i++) {
    // It may be asked for before it is known.
    const script = await scriptPid();
    if (script !== undefined) {
      const children = await readFile(`/proc/${script}/task/${script}/children`, 'utf8').catch(() => undefined);
      if (children === undefined) return undefined;
      const pid = Number(children.trim().split(' ')[0]);
      const words = pid === 0 ? '' : await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (words !== '' && !words.includes(FIRST_SIZE)) return { terminal: await readlink(`/proc/${pid}/fd/0`), pid };
    }
    await pause(LOOK_MS, undefined, { ref: false });
  }
  return undefined;
}

/** One word of a shell: everything in it that came from a user stands between single quotes. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
