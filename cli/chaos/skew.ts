// Decides what `chaos skew` does: one actor's clock goes wrong by a fixed time. Never touches the machine's clock.
import { defineCommand } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { UsageError } from '../core/resources.ts';
import { inflict } from './inflict.ts';
import { faultOptions, type FaultArguments } from './options.ts';
import { onEachActor } from './targets.ts';

export const skewCommand = defineCommand<FaultArguments & { by: string }>({
  command: 'skew <target>',
  describe: "an actor's clock is wrong: skew controller-manager --by 5m; --by=-1h",
  builder: (yargs) =>
    faultOptions(yargs).option('by', { type: 'string', default: '5m', describe: 'ahead, or with - behind' }),
  handler: (args) => {
    const skewMs = signedDuration(args.by);
    return inflict(
      args,
      onEachActor(args.target, ({ name }) => ({ type: 'clock', instance: name, skewMs })),
    );
  },
});

function signedDuration(text: string): number {
  const behind = text.startsWith('-');
  const ms = parseDuration(behind || text.startsWith('+') ? text.slice(1) : text);
  if (ms === 0) throw new UsageError(`--by ${text}: a clock that is right is no fault`);
  return behind ? -ms : ms;
}
