// Shows that an ordered fault holds until its lease ends or it is told to, and what it does to messages on a bus.
import test from 'ava';
import { seededChance } from '../../base/chance.ts';
import type { Clock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { BusError, type Bus } from '../../bus/bus.ts';
import { MemoryNetwork } from '../../bus/memory.ts';
import type { FaultOrder, InnerFaults, MessageRule } from '../../bus/messages.ts';
import { FaultyBus } from './faulty-bus.ts';
import { InnerFaultsDesk } from './inner-faults.ts';

/** Time that passes when told to. */
class HandClock implements Clock {
  #now = 0;
  #timers: Array<{ at: number; fire: () => void }> = [];
  now = (): number => this.#now;
  monotonic = (): number => this.#now;
  timer(delayMs: number, fire: () => void) {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }
  pass(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now).toSorted((a, b) => a.at - b.at);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { fire } of due) fire();
  }
}

const order = (faults: InnerFaults, more: Partial<FaultOrder> = {}): FaultOrder => ({
  version: 1,
  id: 'f1',
  leaseMs: 5000,
  faults,
  ...more,
});

test('an order holds as long as it is renewed, and ends by itself when it is not', (t) => {
  const clock = new HandClock();
  const desk = new InnerFaultsDesk('store-1', clock);
  t.deepEqual(desk.take(order({ clockSkewMs: 60_000 })), { instance: 'store-1', active: 1 });
  clock.pass(4000);
  desk.take(order({ clockSkewMs: 60_000 }));
  clock.pass(4000);
  t.is(desk.now.skewMs, 60_000, 'it was renewed');
  clock.pass(1000);
  t.is(desk.now.skewMs, 0, 'nobody renewed it');
});

test('orders with different ids add up, and each ends alone', (t) => {
  const desk = new InnerFaultsDesk('store-1', new HandClock());
  desk.take(order({ disk: { slowMs: 10 }, messages: [{ subject: '>', action: 'drop' }] }, { id: 'a' }));
  desk.take(order({ disk: { slowMs: 5, full: true }, clockSkewMs: -3 }, { id: 'b' }));
  t.deepEqual(desk.now, {
    rules: [{ subject: '>', action: 'drop' }],
    diskFull: true,
    diskSlowMs: 15,
    skewMs: -3,
  });
  t.deepEqual(desk.take(order({}, { id: 'a', leaseMs: 0 })), { instance: 'store-1', active: 1 });
  t.deepEqual(desk.now, { rules: undefined, diskFull: true, diskSlowMs: 5, skewMs: -3 });
  t.deepEqual(desk.take(order({}, { id: 'unknown', leaseMs: 0 })), { instance: 'store-1', active: 1 });
});

test('only a change is told, not a renewal', (t) => {
  const changes: number[] = [];
  const desk = new InnerFaultsDesk('store-1', new HandClock(), ({ skewMs }) => changes.push(skewMs));
  for (const skew of [1, 1, 2]) desk.take(order({ clockSkewMs: skew }));
  desk.healAll();
  t.deepEqual(changes, [1, 2, 0]);
});

for (const [why, wrong] of [
  ['no object', 7],
  ['no id', { ...order({}), id: '' }],
  ['an endless lease', { ...order({}), leaseMs: 1e9 }],
  ['no faults', { ...order({}), faults: undefined }],
  ['a rule without a subject', order({ messages: [{ action: 'drop' } as MessageRule] })],
  ['a pattern that NATS has not', order({ messages: [{ subject: 'raft.>.x', action: 'drop' }] })],
  ['an unknown action', order({ messages: [{ subject: 'raft.>', action: 'eat' as 'drop' }] })],
  ['more than always', order({ messages: [{ subject: '>', action: 'drop', probability: 2 }] })],
  ['a negative delay', order({ messages: [{ subject: '>', action: 'delay', delayMs: -1 }] })],
  ['a slow disk that is no number', order({ disk: { slowMs: Number.NaN } })],
] as const)
  test(`what is no order is refused and changes nothing: ${why}`, (t) => {
    const desk = new InnerFaultsDesk('store-1', new HandClock());
    const reply = desk.take(wrong);
    t.true('refused' in reply && reply.refused.startsWith('store-1 cannot take the fault order: '));
    t.is(desk.now.rules, undefined);
  });

// ---- on a bus -----------------------------------------------------------------------------------------------------

const SUBJECT = 'c1.raft.store-2.store-1.append';

function world() {
  const network = new MemoryNetwork();
  const clock = new HandClock();
  const desk = new InnerFaultsDesk('store-1', clock);
  const plain = network.connect('store-2');
  const faulty: Bus = new FaultyBus(network.connect('store-1'), {
    desk,
    clock,
    chance: seededChance(1),
    log: silentLog,
  });
  const rule = (more: Partial<MessageRule>): void =>
    void desk.take(order({ messages: [{ subject: 'raft.>', action: 'drop', ...more }] }));
  return { clock, desk, plain, faulty, rule, heal: () => desk.healAll() };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((go) => setImmediate(go));
};

function heardBy(bus: Bus): unknown[] {
  const heard: unknown[] = [];
  bus.subscribe('c1.raft.*.*.*', (message) => heard.push(message.data));
  return heard;
}

test('what is said is lost, doubled or late, and passes when it is healed', async (t) => {
  const { plain, faulty, rule, clock, heal } = world();
  const heard = heardBy(plain);
  rule({ action: 'drop' });
  faulty.publish(SUBJECT, 'lost');
  rule({ action: 'duplicate' });
  faulty.publish(SUBJECT, 'twice');
  rule({ action: 'delay', delayMs: 50 });
  const late = { n: 1 };
  faulty.publish(SUBJECT, late);
  late.n = 2;
  heal();
  faulty.publish(SUBJECT, 'healed');
  await turns();
  t.deepEqual(heard, ['twice', 'twice', 'healed']);
  clock.pass(50);
  await turns();
  t.deepEqual(heard.at(-1), { n: 1 }, 'as it was when it was said');
});

test('what is heard is lost or late; who stopped listening hears nothing late', async (t) => {
  const { plain, faulty, rule, clock } = world();
  const heard: unknown[] = [];
  const subscription = faulty.subscribe('c1.raft.*.*.*', ({ data }) => heard.push(data));
  rule({ direction: 'in' });
  plain.publish(SUBJECT, 'lost');
  await turns();
  rule({ direction: 'in', action: 'delay', delayMs: 50 });
  plain.publish(SUBJECT, 'late');
  await turns();
  t.deepEqual(heard, []);
  clock.pass(50);
  t.deepEqual(heard, ['late']);
  plain.publish(SUBJECT, 'too late');
  await turns();
  subscription.unsubscribe();
  clock.pass(50);
  t.deepEqual(heard, ['late']);
});

const timesOut = async (asking: Promise<unknown>, clock: HandClock): Promise<boolean> => {
  const failed = asking.then(
    () => undefined,
    (error: unknown) => error,
  );
  await turns();
  clock.pass(100);
  const error = await failed;
  return error instanceof BusError && error.kind === 'timeout';
};

test('a lost question and a lost answer are time-outs; one way leaves the other alone', async (t) => {
  const { plain, faulty, rule, clock, heal } = world();
  let asked = 0;
  plain.subscribe('c1.raft.store-2.*.*', (message) => message.respond?.(++asked));
  const ask = (): Promise<unknown> => faulty.request(SUBJECT, {}, { timeoutMs: 100 });
  rule({ direction: 'out', peer: 'store-2' });
  t.true(await timesOut(ask(), clock));
  t.is(asked, 0, 'the question was lost');
  rule({ direction: 'in', peer: 'store-2' });
  t.true(await timesOut(ask(), clock));
  t.is(asked, 1, 'the answer was lost');
  heal();
  t.is(await ask(), 2);
});

test('an answer of its own is lost on the way to that peer only', async (t) => {
  const { plain, faulty, rule, heal } = world();
  let asked = 0;
  faulty.subscribe('c1.raft.store-1.*.*', (message) => message.respond?.(++asked));
  const ask = (from: string, timeoutMs = 60_000): Promise<unknown> =>
    plain.request(`c1.raft.store-1.${from}.append`, {}, { timeoutMs });
  rule({ direction: 'out', peer: 'store-2' });
  await t.throwsAsync(ask('store-2', 60), { message: /no answer in 60 ms/ });
  t.is(asked, 1, 'the question arrived');
  t.is(await ask('store-3'), 2);
  heal();
  t.is(await ask('store-2'), 3);
});

test('that nobody is there to answer is told at once, also under rules', async (t) => {
  const { faulty, rule } = world();
  rule({ action: 'duplicate' });
  const error = await t.throwsAsync(faulty.request('c1.raft.store-9.store-1.append', {}, { timeoutMs: 100 }));
  t.is((error as BusError).kind, 'no-responders');
});
