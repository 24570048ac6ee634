// Does: keeps the machine's routes to Services of further ranges as they are wanted, from within a node's namespace. Never decides one,
// and never takes them away when it stops: traffic flows on.
import type { StatusDetails } from '../../../lib/actor/context.ts';
import { TroubleError } from '../../../lib/base/errors.ts';
import { describeFailure, type Exec } from '../../../lib/exec/exec.ts';
import { routeChanges, type RouteRow, type Way } from '../core/machine-routes.ts';
import type { ServedRanges } from '../core/served-ranges.ts';
import type { Applied, Applier } from './applier.ts';

const IP = '/usr/sbin/ip';

export interface MachineRoutesContext {
  exec: Exec;
  ranges: ServedRanges;
  /** The machine's own namespace, by the name that it has in `/run/netns`. */
  netns: string;
  way: Way;
}

export class MachineRoutes implements Applier {
  readonly #ctx: MachineRoutesContext;

  constructor(ctx: MachineRoutesContext) {
    this.#ctx = ctx;
  }

  async apply(): Promise<Applied> {
    const did = await this.#changes();
    if (did.length > 0) await this.#ip(['-batch', '-'], 'cannot lay the machine’s routes', `${did.join('\n')}\n`);
    return { services: [], did };
  }

  async verify(): Promise<string | undefined> {
    const changes = await this.#changes();
    return changes.length === 0 ? undefined : `the machine's routes are not as wanted: ${changes.join('; ')}`;
  }

  distrust(): void {}

  status(): StatusDetails {
    return {};
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async #changes(): Promise<string[]> {
    const text = await this.#ip(['-4', '-json', 'route', 'show', 'table', 'all'], 'cannot read the machine’s routes');
    const rows = text.trim() === '' ? [] : (JSON.parse(text) as RouteRow[]);
    return routeChanges(this.#ctx.ranges.further(), rows, this.#ctx.way);
  }

  async #ip(args: readonly string[], attempt: string, stdin = ''): Promise<string> {
    const result = await this.#ctx.exec.run([IP, '-n', this.#ctx.netns, ...args], { stdin });
    if (result.exitCode !== 0) throw new TroubleError(`${attempt}: ${describeFailure(result)}`);
    return result.stdout;
  }
}
