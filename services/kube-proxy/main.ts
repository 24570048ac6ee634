// Does: introduces this node's copies of Services, their ranges and EndpointSlices to the rules that they ask for. Never decides one.
import type { ActorContext, RunningActor } from '../../lib/actor/context.ts';
import type { KubeProxySettings } from '../../lib/actor/settings.ts';
import type { EndpointSlice, Service, ServiceCIDR } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import { busTransport } from '../../lib/client/bus-transport.ts';
import { ResourceCache } from '../../lib/client/cache.ts';
import { Client } from '../../lib/client/client.ts';
import { ListenerState } from './core/listeners.ts';
import { ProxyState } from './core/proxy-state.ts';
import { ServiceIndex } from './core/service-index.ts';
import { ServedRanges } from './core/served-ranges.ts';
import type { NodeFacts } from './core/service-rules.ts';
import type { Applier } from './edge/applier.ts';
import { MachineRoutes } from './edge/machine-routes.ts';
import { NftablesApplier } from './edge/nftables.ts';
import { SyncLoop } from './edge/sync-loop.ts';
import { UserspaceApplier } from './edge/userspace.ts';

/** How long a flushed table may stay flushed. */
const VERIFY_MS = 30_000;
/** How long an address that another process held may stay unserved. */
const REBIND_MS = 2000;

export async function start(ctx: ActorContext<KubeProxySettings>): Promise<RunningActor> {
  const { settings } = ctx;
  if (settings.mode === 'none') return { status: () => ({ mode: 'none' }), stop: () => Promise.resolve() };
  const index = new ServiceIndex();
  const ranges = new ServedRanges(settings.cluster.serviceCidr, [settings.cluster.podCidr, `${settings.nodeIp}/32`]);
  const applier = applierFor(ctx, index, ranges);
  const loop = loopOf(ctx, applier, settings.mode === 'nftables' ? VERIFY_MS : REBIND_MS);
  const routes = machineRoutesOf(ctx, ranges);
  const client = new Client(busTransport(ctx));
  const cacheContext = { cluster: ctx.cluster, bus: ctx.bus, clock: ctx.clock, log: ctx.log, client };
  const services = new ResourceCache<Service>(cacheContext, { ref: RESOURCES.services });
  const slices = new ResourceCache<EndpointSlice>(cacheContext, { ref: RESOURCES.endpointSlices });
  const cidrs = new ResourceCache<ServiceCIDR>(cacheContext, { ref: RESOURCES.serviceCidrs });
  const caches = [services, slices, cidrs];
  services.onChange(({ before, after, revision }) => {
    index.setService(before, after);
    loop.wake(revision);
  });
  slices.onChange(({ before, after, revision }) => {
    index.setSlice(before, after);
    loop.wake(revision);
  });
  cidrs.onChange(({ before, after, revision }) => {
    ranges.setRange(before, after);
    loop.wake(revision);
    routes?.wake(revision);
  });
  for (const cache of caches) cache.start();
  // Without the API there is nothing to put into force; the rules of an earlier life stay as they are.
  let stopped = false;
  void Promise.all(caches.map((cache) => cache.ready)).then(() => {
    if (stopped) return;
    loop.begin();
    routes?.begin();
  });
  return {
    status: () => ({
      mode: settings.mode,
      services: index.services,
      endpoints: index.endpoints,
      ...loop.status(),
      ...applier.status(),
      ...(routes === undefined ? {} : { routesKept: routes.status()['synced'] === true }),
    }),
    async stop() {
      stopped = true;
      for (const cache of caches) cache.stop();
      await Promise.all([loop.stop(), routes?.stop()]);
      await applier.stop();
    },
  };
}

function loopOf({ clock, log, tracer, settings }: ActorContext<KubeProxySettings>, applier: Applier, verifyMs: number) {
  return new SyncLoop({ clock, log, tracer, node: settings.node, applier, verifyMs });
}

function machineRoutesOf(ctx: ActorContext<KubeProxySettings>, ranges: ServedRanges): SyncLoop | undefined {
  const { exec, settings } = ctx;
  if (settings.machine === undefined) return undefined;
  const { netns, device } = settings.machine;
  return loopOf(ctx, new MachineRoutes({ exec, ranges, netns, way: { device, via: settings.nodeIp } }), VERIFY_MS);
}

function applierFor(ctx: ActorContext<KubeProxySettings>, index: ServiceIndex, ranges: ServedRanges): Applier {
  const { settings, exec, log, clock } = ctx;
  if (settings.mode === 'userspace')
    return new UserspaceApplier({
      clock,
      log,
      state: new ListenerState(index, { name: settings.node, ip: settings.nodeIp }),
    });
  const facts: NodeFacts = {
    node: settings.node,
    nodePodCidr: settings.nodePodCidr,
    podCidr: settings.cluster.podCidr,
    nonMasqueradeCidrs: settings.nonMasqueradeCidrs ?? [],
  };
  return new NftablesApplier({ exec, log, state: new ProxyState(index, ranges, facts), facts });
}
