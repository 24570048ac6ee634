// Decides what two clients do that believe to be the same one: one session, the same sequences, different transactions. Of
// each sequence one at most may happen, and whoever is answered is told of that one. Never lets other clients see their keys.
import { sleep } from '../../lib/base/clock.ts';
import type { TxnResult } from '../../lib/bus/messages.ts';
import { isRefusal, write, type Asking } from './asking.ts';
import { resultText } from './store-model.ts';

/** Keys of twins begin so. */
export const TWINS = '/t/';

/** What the store may answer to a transaction. */
export type MayAnswer = (session: string, result: TxnResult) => boolean;

export class Twins {
  stopped = false;
  private readonly twins: readonly Asking[];
  private readonly mayAnswer: MayAnswer;
  private readonly session: string;
  /** What the first of them was told of each sequence. */
  private readonly told = new Map<number, string>();

  constructor(twins: readonly Asking[], mayAnswer: MayAnswer) {
    this.twins = twins;
    this.mayAnswer = mayAnswer;
    this.session = `${twins[0]!.bus.instance}/twins`;
  }

  live(): Promise<unknown> {
    return Promise.all(this.twins.map((asking) => this.liveOne(asking)));
  }

  private async liveOne(asking: Asking): Promise<void> {
    const { world, bus } = asking;
    for (let sequence = 1; !this.stopped; sequence++) {
      await sleep(bus.process.clock, world.draw(30, 900));
      const key = `${TWINS}${world.chance.int(3)}`;
      const value = Buffer.from(`${bus.instance} ${sequence}`, 'latin1');
      const cause = { span: `${bus.instance}#${sequence}`, actor: bus.instance };
      const txn = { sequence, compares: [], operations: [{ type: 'put' as const, key, value }], cause };
      const reply = await write(asking, { session: this.session, since: 0, acknowledged: 0, txns: [txn] }, 2_000);
      if (reply !== undefined && !isRefusal(reply)) this.learn(asking, sequence, reply.results[0]!);
    }
  }

  private learn({ world }: Asking, sequence: number, result: TxnResult): void {
    const said = `${this.session}#${sequence} is answered ${JSON.stringify(result)}`;
    if (!this.mayAnswer(this.session, result)) return world.fail(new Error(`${said}, which no committed entry says`));
    if (!result.ok) return;
    const text = resultText(result);
    const before = this.told.get(sequence);
    if (before !== undefined) world.count('twin-told-the-same');
    if (before !== undefined && before !== text) world.fail(new Error(`${said}, its twin was told ${before}`));
    this.told.set(sequence, text);
  }
}
