// Does: introduces the kubelet's decisions to its runtime, its API and its disk, and starts it. Never waits for the API:
// what runs on this node runs on without it.
import { mkdir } from 'node:fs/promises';
import type { ActorContext, RunningActor, StartActor } from '../../lib/actor/context.ts';
import type { KubeletSettings } from '../../lib/actor/settings.ts';
import type { Pod, Service } from '../../lib/api/generated/types.ts';
import { RESOURCES } from '../../lib/api/resource.ts';
import { sleep, type Clock } from '../../lib/base/clock.ts';
import { messageOf } from '../../lib/base/errors.ts';
import { busTransport } from '../../lib/client/bus-transport.ts';
import { ResourceCache } from '../../lib/client/cache.ts';
import { Client } from '../../lib/client/client.ts';
import { EventRecorder } from '../../lib/client/event-recorder.ts';
import { ShimError, type OpenShim, type RuntimeShim, type ShimContext } from '../../runtime-shims/contract.ts';
import { SHIMS } from '../../runtime-shims/index.ts';
import type { ContainerIdScheme } from './core/container-status.ts';
import { nodeLabels, type Machine, type NodeFacts } from './core/node-status.ts';
import { Limit } from './edge/limit.ts';
import { LogTimes } from './edge/log-times.ts';
import { measureMachine } from './edge/machine.ts';
import { NodeAgent } from './edge/node-agent.ts';
import { KubeletPaths } from './edge/paths.ts';
import type { EffectTools } from './edge/pod-effects.ts';
import { PodManager } from './edge/pod-manager.ts';
import { Prober } from './edge/prober.ts';
import { RuntimeView } from './edge/runtime-view.ts';
import { PodSources } from './edge/sources.ts';
import { serveKubeletStreams } from './edge/streams.ts';
import { VolumeWriter } from './edge/volume-writer.ts';

type KubeletContext = ActorContext<KubeletSettings>;

/** Two processors are full at four calls to the runtime. */
const CALLS_AT_ONCE = 4;
const PULLS_AT_ONCE = 3;
const IMPORT_RETRY_MS = 1_000;
const IMAGES_MS = 60_000;

export const start: StartActor<KubeletSettings> = (ctx) => startWith(ctx, SHIMS[ctx.settings.runtime]);

/** For tests: with a shim of their own. */
export async function startWith(ctx: KubeletContext, openShim: OpenShim): Promise<RunningActor> {
  const { settings, clock, log } = ctx;
  const paths = new KubeletPaths(settings.stateDir);
  await mkdir(paths.runtime, { recursive: true, mode: 0o711 });
  await mkdir(paths.pods, { recursive: true, mode: 0o711 });
  const shim = await openShim(shimContextOf(ctx, paths));
  const client = new Client(busTransport(ctx));
  const caches = { cluster: ctx.cluster, bus: ctx.bus, clock, log, client };
  const services = new ResourceCache<Service>(caches, { ref: RESOURCES.services }).start();
  const pods = new ResourceCache<Pod>(caches, { ref: RESOURCES.pods, node: settings.node });
  const machine = await measure(ctx, shim);
  const node = {
    name: settings.node,
    ip: settings.nodeIp,
    cluster: settings.cluster,
    cpuMillis: machine.cpuMillis,
    memoryBytes: machine.memoryBytes,
  };
  const sources = new PodSources({ client, clock, paths, services });
  const view: RuntimeView = new RuntimeView(shim, ctx, (uid) => manager.runtimeChanged(uid));
  const stopping = { isStopped: false };
  const tools: EffectTools = {
    clock,
    log,
    shim,
    view,
    paths,
    sources,
    volumes: new VolumeWriter({ exec: ctx.exec, clock, paths, tokens: sources }),
    prober: new Prober(shim),
    calls: new Limit(CALLS_AT_ONCE),
    pulls: new Limit(PULLS_AT_ONCE),
    archivesImported: importArchives(ctx, shim, stopping),
    node,
  };
  const events = new EventRecorder(
    { client, clock, chance: ctx.chance, log },
    { component: 'kubelet', host: settings.node },
  );
  const facts = factsOf(ctx, shim, view, machine);
  const room = { ...machine, labels: nodeLabels(await facts()) };
  const worker = {
    clock,
    log,
    client,
    tracer: ctx.tracer,
    events,
    tools,
    scheme: schemeOf(settings),
    wokenBy: (namespace: string, name: string) => pods.wokenBy(namespace, name),
  };
  const manager = new PodManager({ clock, log, cache: pods, view, shim, paths, room, worker });
  const agent = new NodeAgent(
    { cluster: ctx.cluster, bus: ctx.bus, clock, log, client, leaseSeconds: settings.leaseSeconds, facts },
    settings.node,
  );
  const logTimes = new LogTimes(clock, () => view.running().map(({ logPath }) => logPath));
  const streams = serveKubeletStreams({
    cluster: ctx.cluster,
    bus: ctx.bus,
    clock,
    node: settings.node,
    shim,
    exec: ctx.exec,
    manager,
    view,
    about: { configuration: configurationOf(settings), memoryBytes: machine.memoryBytes },
  });
  view.onTrouble = () => agent.hurry();
  await view.relist();
  await manager.start();
  agent.start();
  if (shim.logFormat === 'raw') logTimes.start();
  log.info({ node: settings.node, runtime: settings.runtime, adopted: view.running().length }, 'kubelet serves');
  return {
    status: () => ({
      node: settings.node,
      runtime: settings.runtime,
      pods: manager.size,
      podsRunning: manager.running,
      containersRunning: view.running().length,
      registered: agent.isRegistered,
      podsSynced: pods.synced,
      ...(view.trouble === undefined ? {} : { runtimeTrouble: view.trouble }),
    }),
    async stop() {
      stopping.isStopped = true;
      streams.unsubscribe();
      logTimes.stop();
      agent.stop();
      manager.stop();
      services.stop();
      view.stop();
      await shim.close();
    },
  };
}

/** In the words of Kubernetes' KubeletConfiguration: what of it there is here. */
function configurationOf(settings: KubeletSettings): object {
  const { cluster, containerdAddress, cgroupRoot, nodePodCidr, maxPods, leaseSeconds } = settings;
  return {
    enableServer: false,
    clusterDomain: cluster.domain,
    clusterDNS: [cluster.dnsIp],
    maxPods,
    podCIDR: nodePodCidr,
    cgroupRoot,
    nodeLeaseDurationSeconds: leaseSeconds,
    ...(containerdAddress === undefined ? {} : { containerRuntimeEndpoint: `unix://${containerdAddress}` }),
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
  };
}

function shimContextOf(ctx: KubeletContext, paths: KubeletPaths): ShimContext {
  const { node, nodeIp, nodePodCidr, cgroupRoot, containerdAddress, containerdNamespace, pauseImage } = ctx.settings;
  const settings = {
    node,
    nodeIp,
    podCidr: nodePodCidr,
    stateDir: paths.runtime,
    cgroupRoot,
    ...(containerdAddress === undefined ? {} : { containerdAddress }),
    ...(containerdNamespace === undefined ? {} : { containerdNamespace }),
    ...(pauseImage === undefined ? {} : { pauseImage }),
  };
  return { exec: ctx.exec, clock: ctx.clock, chance: ctx.chance, log: ctx.log, settings };
}

/** A runtime that does not answer yet may do so later: its version is then told at the next start. */
async function measure({ settings }: KubeletContext, shim: RuntimeShim): Promise<Machine> {
  const runtime = await shim.version().catch(() => ({ name: shim.name, version: 'unknown' }));
  const { cpuMillis, memoryBytes, maxPods, stateDir } = settings;
  return measureMachine({
    runtime,
    maxPods,
    stateDir,
    ...(cpuMillis === undefined ? {} : { cpuMillis }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
}

function factsOf(
  { settings, clock }: KubeletContext,
  shim: RuntimeShim,
  view: RuntimeView,
  machine: Machine,
): () => Promise<NodeFacts> {
  const images = remembered(clock, IMAGES_MS, () => shim.listImages().catch(() => []));
  return async () => ({
    name: settings.node,
    ip: settings.nodeIp,
    podCidr: settings.nodePodCidr,
    labels: settings.labels,
    machine,
    runtimeTrouble: view.trouble,
    images: await images(),
  });
}

function schemeOf({ runtime }: KubeletSettings): ContainerIdScheme {
  return runtime === 'process' || runtime === 'hollow' ? runtime : 'containerd';
}

/** Pods wait for this before they pull: what an archive holds needs no registry. Only a runtime that is gone is waited for. */
async function importArchives(
  { settings, clock, log }: KubeletContext,
  shim: RuntimeShim,
  stopping: { isStopped: boolean },
): Promise<void> {
  for (const file of settings.imageArchives) {
    for (let isDone = false; !isDone && !stopping.isStopped;) {
      try {
        log.info({ file, images: await shim.importArchive(file) }, 'imported images');
        isDone = true;
      } catch (error) {
        isDone = !(error instanceof ShimError && error.kind === 'Unavailable');
        log.warn({ file, error: messageOf(error), isGivenUp: isDone }, 'an image archive could not be imported');
        if (!isDone) await sleep(clock, IMPORT_RETRY_MS);
      }
    }
  }
}

/** Images change seldom, and each look starts a program. */
function remembered<T>(clock: Clock, forMs: number, ask: () => Promise<T>): () => Promise<T> {
  let known: { value: T; atMs: number } | undefined;
  return async () => {
    const now = clock.monotonic();
    if (known === undefined || now - known.atMs > forMs) known = { value: await ask(), atMs: now };
    return known.value;
  };
}
