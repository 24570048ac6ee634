// Does: keeps the kernel's table equal to the wanted one: the whole at the start and after any doubt, else only what
// changed. Never removes the table: rules outlive the proxy, so that traffic flows on while it is away.
import type { StatusDetails } from '../../../lib/actor/context.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { Exec } from '../../../lib/exec/exec.ts';
import type { StaleFlow } from '../core/conntrack.ts';
import { foreignChange, readListing } from '../core/listing.ts';
import { MASQUERADE_TABLE, podMasqueradeProgram } from '../core/pod-masquerade.ts';
import type { ProxyState } from '../core/proxy-state.ts';
import type { NodeFacts } from '../core/service-rules.ts';
import { TABLE } from '../core/table.ts';
import type { Applied, Applier } from './applier.ts';
import { FlowCleaner } from './conntrack.ts';
import { applyProgram, listTable } from './nft.ts';

export interface NftablesContext {
  exec: Exec;
  log: Log;
  state: ProxyState;
  facts: NodeFacts;
}

export class NftablesApplier implements Applier {
  readonly #ctx: NftablesContext;
  readonly #flows: FlowCleaner;
  /** Of programs that the kernel has not taken yet. */
  #stale: StaleFlow[] = [];
  #whole = true;
  #wholeLoads = 0;

  constructor(ctx: NftablesContext) {
    this.#ctx = ctx;
    this.#flows = new FlowCleaner(ctx.exec, ctx.log);
  }

  async apply(): Promise<Applied> {
    const { state, exec, facts } = this.#ctx;
    const whole = this.#whole;
    // Until the kernel has said yes, what it holds is unknown.
    this.#whole = true;
    const next = whole ? state.full() : state.next();
    this.#stale.push(...next.staleFlows);
    if (next.program !== '')
      await applyProgram(exec, whole ? next.program + podMasqueradeProgram(facts) : next.program);
    this.#whole = false;
    if (whole) this.#wholeLoads++;
    await this.#flows.forget(this.#stale.splice(0));
    return { services: next.services, did: describe(next.changed, whole, state.size, next.program) };
  }

  async verify(): Promise<string | undefined> {
    const { state, exec, facts } = this.#ctx;
    const masquerade = await listTable(exec, MASQUERADE_TABLE);
    if (masquerade?.includes('masquerade fully-random') !== true)
      return `table ${MASQUERADE_TABLE} is not ours any more`;
    const text = await listTable(exec, TABLE);
    if (text === undefined) return `table ${TABLE} is gone`;
    return foreignChange(readListing(text, facts), state.hash, state.chains(), facts);
  }

  distrust(): void {
    this.#whole = true;
  }

  status(): StatusDetails {
    return { rules: this.#ctx.state.size, wholeLoads: this.#wholeLoads };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

function describe(changed: number, whole: boolean, size: number, program: string): string[] {
  if (whole) return [`loaded the whole table: ${size} elements`];
  return program === '' ? [] : [`changed ${changed} of ${size} elements`];
}
