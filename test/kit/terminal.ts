// Does: runs a program on a terminal, as a person would, and types. Never reads what is typed as a shell's words: the
// program's words are quoted.
import { spawn } from 'node:child_process';

export interface Terminal {
  /** Everything on the screen so far. */
  said(): string;
  type(text: string): void;
  readonly ended: Promise<number>;
  stop(): void;
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Needs `script`, which every Debian has. */
export function onTerminal(argv: readonly string[], size: { rows: number; columns: number }): Terminal {
  const line = `stty rows ${size.rows} cols ${size.columns}; exec ${argv.map(quoted).join(' ')}`;
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  child.stdin.on('error', () => {});
  return {
    said: () => said,
    type: (text) => void child.stdin.write(text),
    ended: new Promise((resolve) =>
      child.once('close', (code) => resolve(code ?? 128)).once('error', () => resolve(127)),
    ),
    stop: () => void child.kill('SIGKILL'),
  };
}
