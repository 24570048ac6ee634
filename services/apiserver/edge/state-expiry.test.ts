// Shows how long earlier states stay. Never lists one.
import test from 'ava';
import { ClusterCache } from '../core/cache/cluster-cache.ts';
import { expireStates } from './state-expiry.ts';

test('a state stays for one interval at least, for two at most', (t) => {
  let fire = (): void => {};
  const timer = (delayMs: number, then: () => void): { cancel(): void } => {
    t.is(delayMs, 300_000);
    fire = then;
    return { cancel: () => (fire = () => t.fail('it was stopped')) };
  };
  const cache = new ClusterCache([], 5);
  const expiry = expireStates({ clock: { timer, now: () => 0, monotonic: () => 0 } }, cache);
  fire();
  t.is(cache.oldestState, 0);
  cache.advance(9);
  fire();
  t.is(cache.oldestState, 5);
  fire();
  t.is(cache.oldestState, 9);
  expiry.stop();
});
