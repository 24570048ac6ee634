// Does: prints progress with the time since the beginning: on a terminal with a little colour, elsewhere as plain lines.
// Never decides what is worth a line.
import { styleText } from 'node:util';
import type { UpProgress } from '../../launcher/up.ts';
import type { UnitStatus } from '../../launcher/supervisor/supervisor.ts';

export interface Progress extends UpProgress {
  readonly startedAt: number;
}

export function createProgress(): Progress {
  const startedAt = Date.now();
  const colours = process.stdout.isTTY;
  const say = (line: string): void => {
    const elapsed = `${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`;
    console.log(`${colours ? styleText('dim', elapsed) : elapsed}  ${line}`);
  };
  return {
    startedAt,
    say,
    unit(status: UnitStatus) {
      const { name, state, pid, why } = status;
      if (state === 'running') say(`${name} runs (pid ${pid})`);
      else if (state === 'failed')
        say(`${name} failed${why === undefined ? '' : `: ${why}`}; it is started again (log: ${status.log})`);
    },
  };
}
