// Does: gathers what this server tells Prometheus, under kube-apiserver's names where it means the same. Never decides anything by it.
import { Gauge, Registry } from 'prom-client';
import { unavailableServices } from '../core/aggregation.ts';
import type { ClusterCache } from '../core/cache/cluster-cache.ts';
import type { ResourceCache } from '../core/cache/resource-cache.ts';
import { usedRanges } from '../core/service-ranges.ts';
import { resourceLabel } from '../core/request-labels.ts';
import { tellProcess } from './process-metrics.ts';
import { RequestMetrics } from './request-metrics.ts';
import { BUILD } from './version.ts';
import { Spreads, Tallies, type Spread, type Tally } from './tallies.ts';

/** What is told of the events of one kind; whoever watches keeps it. */
export interface WatchTold {
  count: Tally;
  bytes: Spread;
}

export class Metrics {
  readonly registry = new Registry();
  /** Of /metrics/slis. */
  readonly sliRegistry = new Registry();
  readonly requests: RequestMetrics;
  readonly #watchEvents: Tallies;
  readonly #watchBytes: Spreads;
  readonly #health: Gauge;
  readonly #healthChecks: Tallies;

  constructor(cache: ClusterCache, serviceCidr: string) {
    const { registry } = this;
    this.requests = new RequestMetrics(registry);
    this.#watchEvents = new Tallies({
      name: 'apiserver_watch_events_total',
      help: 'Events sent to watchers.',
      labelNames: ['group', 'version', 'kind'],
      registry,
    });
    this.#watchBytes = new Spreads({
      name: 'apiserver_watch_events_sizes',
      help: 'Bytes of the events sent to watchers.',
      labelNames: ['group', 'version', 'kind'],
      bounds: Array.from({ length: 8 }, (_, i) => 1024 * 2 ** i),
      registry,
    });
    this.#health = new Gauge({
      name: 'kubernetes_healthcheck',
      help: 'How a health check went the last time.',
      labelNames: ['name', 'type'],
      registers: [this.sliRegistry],
    });
    this.#healthChecks = new Tallies({
      name: 'kubernetes_healthchecks_total',
      help: 'How health checks went.',
      labelNames: ['name', 'type', 'status'],
      registry: this.sliRegistry,
    });
    gauges(registry, cache, serviceCidr);
    tellProcess(registry);
  }

  watchOf({ group, version, kind }: { group: string; version: string; kind: string }): WatchTold {
    return { count: this.#watchEvents.of(group, version, kind), bytes: this.#watchBytes.of(group, version, kind) };
  }

  checked(name: string, type: string, isWell: boolean): void {
    this.#health.set({ name, type }, isWell ? 1 : 0);
    this.#healthChecks.of(name, type, isWell ? 'success' : 'error').inc();
  }
}

type Labels = Readonly<Record<string, string>>;

/** Asked when somebody looks, from the state itself. */
function gauges(registry: Registry, cache: ClusterCache, serviceCidr: string): void {
  const gauge = (name: string, help: string, labelNames: string[], read: () => Iterable<[Labels, number]>): void =>
    void new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  const ofResources = (read: (resource: ResourceCache) => number) => (): Array<[Labels, number]> =>
    [...cache.streams].map((resource) => [{ resource: resourceLabel(resource.stream) }, read(resource)]);
  const ofRanges = (told: 'given' | 'free') => (): Array<[Labels, number]> =>
    usedRanges(cache, serviceCidr).map((range) => [{ cidr: range.cidr }, range[told]]);
  const allocator = 'kube_apiserver_clusterip_allocator_';
  gauge('apiserver_cache_revision', 'Store revision that the cache has reached.', [], () => [[{}, cache.revision]]);
  gauge(
    'apiserver_storage_objects',
    'Objects that are stored, by resource.',
    ['resource'],
    ofResources(({ objects }) => objects.size),
  );
  gauge(
    'apiserver_watch_cache_resource_version',
    'Revision of the last change of a resource.',
    ['resource'],
    ofResources(({ lastRevision }) => lastRevision),
  );
  gauge(`${allocator}allocated_ips`, 'Addresses of Services that are given.', ['cidr'], ofRanges('given'));
  gauge(`${allocator}available_ips`, 'Addresses of Services that are not given.', ['cidr'], ofRanges('free'));
  gauge('aggregator_unavailable_apiservice', 'APIServices whose server cannot be reached.', ['name'], () =>
    unavailableServices(cache).map(([name, isUnavailable]) => [{ name }, isUnavailable ? 1 : 0]),
  );
  gauge('kubernetes_build_info', 'What this is a build of.', Object.keys(BUILD), () => [[BUILD, 1]]);
}
