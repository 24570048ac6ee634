// Does: introduces copies of Services, their ranges and EndpointSlices to the server that answers for their names. Never decides an
// answer.
import type { ActorContext, RunningActor } from '../../lib/actor/context.ts';
import type { DnsSettings } from '../../lib/actor/settings.ts';
import type { EndpointSlice, Service, ServiceCIDR } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import type { Log } from '../../lib/base/log.ts';
import { messageOf } from '../../lib/base/errors.ts';
import { busTransport } from '../../lib/client/bus-transport.ts';
import { ResourceCache } from '../../lib/client/cache.ts';
import { Client } from '../../lib/client/client.ts';
import { DnsIndex } from './core/dns-index.ts';
import { KUBE_DNS, kubeDnsObjects } from './core/kube-dns-objects.ts';
import { respond, type World } from './core/respond.ts';
import { carryOut, startDnsServer } from './edge/dns-server.ts';
import { Forwarder, serverOf, type Server } from './edge/forwarder.ts';
import { Publisher } from './edge/publisher.ts';

export async function start(ctx: ActorContext<DnsSettings>): Promise<RunningActor> {
  const { settings, log, clock, tracer } = ctx;
  const { cluster } = settings;
  const upstream = usable(settings.upstream, log);
  const index = new DnsIndex();
  const world: World = {
    index,
    zone: { domain: cluster.domain, dnsIp: cluster.dnsIp, blocks: [cluster.podCidr, cluster.serviceCidr] },
    ready: false,
    hasUpstream: upstream.length > 0,
  };
  const forwarder = new Forwarder(upstream, ctx.chance);
  let queries = 0;
  let forwarded = 0;
  const ask = (packet: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array | undefined> => {
    forwarded++;
    return forwarder.ask(packet, over);
  };
  const answer = async (packet: Uint8Array, over: 'udp' | 'tcp'): Promise<Uint8Array | undefined> => {
    try {
      return await carryOut(respond({ packet, over, turn: queries++ }, world), over, ask);
    } catch (error) {
      // One packet must not cost all the others their answers.
      log.error({ error: messageOf(error) }, 'a query could not be answered');
      return undefined;
    }
  };
  const server = await startDnsServer({ listen: settings.listen, port: settings.port, answer });
  const client = new Client(busTransport(ctx));
  const publisher = new Publisher({ client, clock, log, tracer, objects: kubeDnsObjects(settings) });
  const cacheContext = { cluster: ctx.cluster, bus: ctx.bus, clock, log, client };
  const services = new ResourceCache<Service>(cacheContext, { ref: RESOURCES.services });
  const slices = new ResourceCache<EndpointSlice>(cacheContext, { ref: RESOURCES.endpointSlices });
  const cidrs = new ResourceCache<ServiceCIDR>(cacheContext, { ref: RESOURCES.serviceCidrs });
  const caches = [services, slices, cidrs];
  services.onChange(({ before, after }) => {
    index.setService(before, after);
    if (isKubeDns(after ?? before)) publisher.wake();
  });
  slices.onChange(({ before, after }) => {
    index.setSlice(before, after);
    if (isKubeDns(after ?? before)) publisher.wake();
  });
  cidrs.onChange(({ before, after }) => index.setRange(before, after));
  for (const cache of caches) cache.start();
  void Promise.all(caches.map((cache) => cache.ready)).then(() => {
    world.ready = true;
  });
  publisher.wake();
  return {
    status: () => ({
      listen: `${settings.listen}:${server.port}`,
      ready: world.ready,
      published: publisher.published,
      services: index.services,
      queries,
      forwarded,
    }),
    async stop() {
      for (const cache of caches) cache.stop();
      await publisher.stop();
      await server.stop();
    },
  };
}

function isKubeDns(object: Service | EndpointSlice | undefined): boolean {
  return object?.metadata.namespace === KUBE_DNS.namespace && object.metadata.name === KUBE_DNS.name;
}

/** A bad line of the machine's resolv.conf must not cost the cluster its own names. */
function usable(upstream: readonly string[], log: Log): Server[] {
  return upstream.flatMap((text) => {
    try {
      return [serverOf(text)];
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'an upstream server is left out');
      return [];
    }
  });
}
