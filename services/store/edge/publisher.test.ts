import test from 'ava';
import { silentLog } from '../../../lib/base/log.ts';
import type { Bus } from '../../../lib/bus/bus.ts';
import type { StoreCommitted } from '../../../lib/bus/messages.ts';
import { packTxns, unpackCommitted, type Packed } from '../../../lib/bus/packed.ts';
import { encodeWrites } from '../core/command.ts';
import type { Applied } from '../core/applied.ts';
import { StateMachine } from '../core/state-machine.ts';
import { Publisher } from './publisher.ts';

/** A bus that passes on what it was given when it is told. */
class SlowBus {
  readonly said: StoreCommitted[] = [];
  #asked: (() => void)[] = [];

  publish(_subject: string, data: unknown): void {
    this.said.push(unpackCommitted(structuredClone(data) as Packed<StoreCommitted>));
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  async passOn(): Promise<void> {
    for (const resolve of this.#asked.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  get asked(): number {
    return this.#asked.length;
  }
}

function setup(valueBytes: number): { bus: SlowBus; publisher: Publisher; commit: (count?: number) => void } {
  const bus = new SlowBus();
  const publisher = new Publisher(bus as unknown as Bus, 'c', 'store-1', silentLog);
  const state = new StateMachine();
  let sequence = 0;
  const next = (): Applied => {
    const operations = [{ type: 'put' as const, key: `/k/${sequence}`, value: new Uint8Array(valueBytes) }];
    const txns = packTxns([{ sequence: ++sequence, compares: [], operations, cause: { span: 's', actor: 'a' } }]);
    const write = { session: 's', acknowledged: sequence - 1, since: 0, txns };
    return state.apply(state.appliedIndex + 1, encodeWrites([write]));
  };
  publisher.lead(1, 0);
  const commit = (count = 1): void => {
    for (let i = 0; i < count; i++) {
      publisher.add(next());
      publisher.flush();
    }
  };
  return { bus, publisher, commit };
}

/** Every revision once, in order, each batch naming the one before it. */
function revisionsOf(said: readonly StoreCommitted[]): number[] {
  return said.flatMap(({ txns }) => txns.map(({ revision }) => revision));
}

test('a commit is said at once while the bus keeps up, and nobody asks whether it does for a few small ones', (t) => {
  const { bus, commit } = setup(100);
  commit(10);
  t.is(bus.said.length, 11);
  t.deepEqual(
    bus.said.map(({ previous }) => previous),
    [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  t.is(bus.asked, 0);
});

test('what is committed while the bus is busy shares batches, and is said in order when it is free again', async (t) => {
  const { bus, commit } = setup(1_000);
  commit(2_000);
  const before = bus.said.length;
  t.true(before < 300, `${before} were said before the bus had passed anything on`);
  t.is(bus.asked, 1);
  for (let i = 0; i < 100 && revisionsOf(bus.said).length < 2_000; i++) await bus.passOn();
  t.deepEqual(
    revisionsOf(bus.said),
    Array.from({ length: 2_000 }, (_, i) => i + 1),
  );
  t.true(bus.said.length < before + 50, `${bus.said.length - before} batches for what had waited`);
  for (const [i, { previous }] of bus.said.entries())
    if (i > 0) t.is(previous, revisionsOf(bus.said.slice(0, i)).length);
});

test('what waits for slow readers is bounded: it is dropped, and the gap can be seen', async (t) => {
  const { bus, commit } = setup(100_000);
  commit(400);
  for (let i = 0; i < 200; i++) await bus.passOn();
  commit();
  const revisions = revisionsOf(bus.said);
  t.true(revisions.length < 250, `${revisions.length} of 401 were kept`);
  t.is(revisions.at(-1), 401);
  const gap = bus.said.findIndex(
    ({ previous }, i) => i > 0 && previous > (revisionsOf(bus.said.slice(0, i)).at(-1) ?? 0),
  );
  t.true(gap > 0);
});

test('who leads no more says nothing more', async (t) => {
  const { bus, publisher, commit } = setup(1_000);
  commit(1_000);
  const before = bus.said.length;
  publisher.follow();
  for (let i = 0; i < 10; i++) await bus.passOn();
  t.is(bus.said.length, before);
  publisher.lead(3, 1_000);
  commit();
  t.deepEqual(
    bus.said.slice(before).map(({ term, previous, txns }) => [term, previous, txns.length]),
    [
      [3, 1_000, 0],
      [3, 1_000, 1],
    ],
  );
});
