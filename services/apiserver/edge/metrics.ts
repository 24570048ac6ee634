// Does: counts requests, watches and the store's answers for Prometheus. Never decides anything by them.
import { Gauge, Registry } from 'prom-client';
import { Spreads, Tallies, type Spread, type Tally } from './tallies.ts';

interface Children {
  requests: Tally;
  durations: Spread;
}

/** What clients may make us remember: methods and codes are few, kinds are those that are served. */
const MOST_CHILDREN = 5_000;

export class Metrics {
  readonly registry = new Registry();
  readonly requests: Tallies;
  readonly durations: Spreads;
  readonly watches: Gauge;
  readonly revision: Gauge;
  readonly objects: Gauge<'resource'>;
  /** Looking a child up by its labels costs more than counting. */
  readonly #children = new Map<string, Children>();

  constructor(read: { watches(): number; revision(): number; objects(): Iterable<[string, number]> }) {
    const registers = [this.registry];
    this.requests = new Tallies({
      name: 'apiserver_request_total',
      help: 'Requests answered, by verb, resource and HTTP code.',
      labelNames: ['verb', 'group', 'resource', 'code'],
      registry: this.registry,
    });
    this.durations = new Spreads({
      name: 'apiserver_request_duration_seconds',
      help: 'Time from the request to its answer; watches and streams are left out.',
      labelNames: ['verb', 'resource'],
      bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registry: this.registry,
    });
    this.watches = new Gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Open watches.',
      registers,
      collect() {
        this.set(read.watches());
      },
    });
    this.revision = new Gauge({
      name: 'apiserver_cache_revision',
      help: 'Store revision that the cache has reached.',
      registers,
      collect() {
        this.set(read.revision());
      },
    });
    this.objects = new Gauge({
      name: 'apiserver_storage_objects',
      help: 'Objects in the cache, by resource.',
      labelNames: ['resource'],
      registers,
      collect() {
        for (const [resource, count] of read.objects()) this.set({ resource }, count);
      },
    });
  }
  /** `group` and `resource` are those of a kind that is served, or empty. */
  answered(verb: string, group: string, resource: string, code: number, seconds: number): void {
    const key = `${verb} ${code} ${resource}.${group}`;
    let known = this.#children.get(key);
    if (known === undefined) {
      known = {
        requests: this.requests.of(verb, group, resource, String(code)),
        durations: this.durations.of(verb, resource),
      };
      if (this.#children.size >= MOST_CHILDREN) this.#children.clear();
      this.#children.set(key, known);
    }
    known.requests.inc();
    known.durations.observe(seconds);
  }
}
