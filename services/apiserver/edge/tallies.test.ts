// Shows that what is told to Prometheus is what prom-client's own counter and histogram would tell. Never opens a port.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { Counter, Histogram, Registry } from 'prom-client';
import { Spreads, Tallies } from './tallies.ts';

const BOUNDS = [0, 0.005, 0.02, 1, 30];
const help = 'How long it "took".';
const labelNames = ['verb', 'code'];

test('a registry tells of them as of its own', async (t) => {
  const observation = fc.record({
    value: fc.oneof(fc.constantFrom(...BOUNDS, 31), fc.double({ min: 0, max: 40, noNaN: true })),
    labels: fc.constantFrom(['GET', '200'], ['GET', '404'], ['', 'a "quoted"\nvalue']),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(observation), async (observations) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const tallies = new Tallies({ name: 'requests_total', help, labelNames, registry: ours });
      const spreads = new Spreads({ name: 'seconds', help, labelNames, registry: ours, bounds: BOUNDS });
      const counter = new Counter({ name: 'requests_total', help, labelNames, registers: [theirs] });
      const histogram = new Histogram({ name: 'seconds', help, labelNames, registers: [theirs], buckets: BOUNDS });
      for (const { value, labels } of observations) {
        tallies.of(...labels).inc();
        counter.labels(...labels).inc();
        spreads.of(...labels).observe(value);
        histogram.labels(...labels).observe(value);
      }
      t.is(await ours.metrics(), await theirs.metrics());
      t.is(await ours.metrics(), await theirs.metrics(), 'asked again');
    }),
    { numRuns: 100 },
  );
});

test('who counts goes on counting after all was reset', async (t) => {
  const registry = new Registry();
  const tally = new Tallies({ name: 'requests_total', help, labelNames, registry }).of('GET', '200');
  const spread = new Spreads({ name: 'seconds', help, labelNames, registry, bounds: BOUNDS }).of('GET', '200');
  tally.inc();
  spread.observe(1);
  await registry.metrics();
  registry.resetMetrics();
  tally.inc();
  spread.observe(2);
  const told = await registry.metrics();
  t.regex(told, /^requests_total\{verb="GET",code="200"\} 1$/m);
  t.regex(told, /^seconds_sum\{verb="GET",code="200"\} 2$/m);
  t.regex(told, /^seconds_bucket\{le="1",verb="GET",code="200"\} 0$/m);
});
