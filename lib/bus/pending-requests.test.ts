import test from 'ava';
import { BusError } from './bus.ts';
import { PendingRequests } from './pending-requests.ts';

const kindOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error as BusError).kind,
  );

test('each answer goes to its request, once', async (t) => {
  const requests = new PendingRequests();
  const tokens: string[] = [];
  const asked = ['a', 'b'].map((subject) => requests.add(subject, 60_000, (token) => void tokens.push(token)));
  requests.answered(tokens[1]!, () => 'to b');
  requests.answered(tokens[1]!, () => 'again');
  requests.answered('zz', () => 'to nobody');
  requests.answered(tokens[0]!, () => 'to a');
  t.deepEqual(await Promise.all(asked), ['to a', 'to b']);
});

test('what cannot be sent, is heard by nobody, is forbidden or is no message ends the request with the reason', async (t) => {
  const requests = new PendingRequests();
  const tokens: string[] = [];
  const ask = (subject: string): Promise<string> =>
    kindOf(requests.add(subject, 60_000, (token) => void tokens.push(token)));
  const unsent = requests.add('x', 60_000, () => {
    throw new BusError('disconnected', 'no');
  });
  t.is(await kindOf(unsent), 'disconnected');
  const [nobody, forbidden, alike, malformed, allowed, atTheEnd] = ['n', 'f', 'f', 'm', 'ok', 'end'].map(ask);
  requests.unheard(tokens[0]!);
  requests.denied('f');
  requests.answered(tokens[3]!, () => {
    throw new Error('not msgpack');
  });
  requests.answered(tokens[4]!, () => 'yes');
  requests.close();
  t.deepEqual(await Promise.all([nobody, forbidden, alike, malformed, allowed, atTheEnd]), [
    'no-responders',
    'denied',
    'denied',
    'disconnected',
    'answered',
    'disconnected',
  ]);
});

test('each request has its own time, whichever is asked first', async (t) => {
  const clock = { at: 0 };
  const requests = new PendingRequests(() => clock.at);
  const order: string[] = [];
  const ask = (name: string, timeoutMs: number): Promise<unknown> =>
    requests.add(name, timeoutMs, () => {}).catch((error: BusError) => order.push(`${name} ${error.kind}`));
  const all = [ask('long', 30), ask('short', 10), ask('middle', 20)];
  // Timers are real, what they compare is not: each finds that the clock stands where its request ends.
  clock.at = 10;
  await all[1];
  clock.at = 20;
  await all[2];
  clock.at = 30;
  await all[0];
  t.deepEqual(order, ['short timeout', 'middle timeout', 'long timeout']);
});
