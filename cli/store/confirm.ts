// Does: has a person type what they are about to risk. Never takes silence, or a script without --yes, for a yes.
import { createInterface } from 'node:readline/promises';
import { UsageError } from '../core/resources.ts';

export async function confirm(warning: readonly string[], word: string, yes: boolean): Promise<void> {
  for (const line of warning) console.error(line);
  if (yes) return;
  if (!process.stdin.isTTY) throw new UsageError('nothing was changed: say --yes if that is what you want');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await terminal.question(`Type ${word} to go on: `);
    if (typed.trim() !== word) throw new UsageError('nothing was changed');
  } finally {
    terminal.close();
  }
}
