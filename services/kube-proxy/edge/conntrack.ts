// Does: makes the kernel forget UDP flows to endpoints that are gone, where the program `conntrack` is installed. Never
// decides which.
import type { Log } from '../../../lib/base/log.ts';
import { describeFailure, type Exec } from '../../../lib/exec/exec.ts';
import type { StaleFlow } from '../core/conntrack.ts';

const CONNTRACK = '/usr/sbin/conntrack';

export class FlowCleaner {
  readonly #exec: Exec;
  readonly #log: Log;
  #missing = false;

  constructor(exec: Exec, log: Log) {
    this.#exec = exec;
    this.#log = log;
  }

  /** One short process a flow: endpoints of UDP services (DNS) change seldom. */
  async forget(flows: readonly StaleFlow[]): Promise<void> {
    for (const flow of flows) {
      if (this.#missing) return;
      const result = await this.#exec.run([CONNTRACK, '-D', '-p', 'udp', ...filterOf(flow)]);
      if (result.exitCode === null && result.signal === null && !result.timedOut) {
        this.#missing = true;
        this.#log.warn(
          {},
          'conntrack is not installed: UDP clients of a removed endpoint keep asking it for up to 2 minutes',
        );
      } else if (result.exitCode !== 0 && !result.stderr.includes('0 flow entries'))
        this.#log.warn({ flow, error: describeFailure(result) }, 'cannot forget a UDP flow');
    }
  }
}

function filterOf({ ip, port, endpoint }: StaleFlow): string[] {
  return [...(ip === undefined ? [] : ['--orig-dst', ip]), '--orig-port-dst', String(port), '--reply-src', endpoint];
}
