// Does: runs a real API actor on a memory bus and a kubelet on it, with any runtime. Never plays a part of either.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActorContext, RunningActor } from '../../lib/actor/context.ts';
import type { KubeletSettings } from '../../lib/actor/settings.ts';
import { systemChance, systemClock } from '../../lib/actor/system.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import type { Event, Node, Pod, PodSpec } from '../../lib/api/generated/types.ts';
import { silentLog, type Log } from '../../lib/base/log.ts';
import type { Bus } from '../../lib/bus/bus.ts';
import { permissionsOf } from '../../lib/bus/subjects.ts';
import type { Exec } from '../../lib/exec/exec.ts';
import { systemExec } from '../../lib/exec/system-exec.ts';
import type { OpenShim } from '../../runtime-shims/contract.ts';
import { startApi, type TestApi } from './api-server.ts';
import { eventually } from './eventually.ts';
import { startWith } from '../../services/kubelet/main.ts';

export interface TestNode {
  api: TestApi;
  kubelet: RunningActor;
  /** Ends the kubelet as a kill would: nothing is told to anyone. */
  stopKubelet(): Promise<void>;
  startKubelet(): Promise<void>;
  cut(): void;
  join(): void;
  createPod(
    name: string,
    spec: PodSpec,
    more?: { annotations?: Record<string, string>; labels?: Record<string, string> },
  ): Promise<Pod>;
  getPod(name: string): Promise<Pod | undefined>;
  deletePod(name: string, graceSeconds?: number): Promise<void>;
  podWhen(name: string, what: string, holds: (pod: Pod) => boolean, timeoutMs?: number): Promise<Pod>;
  podGone(name: string, timeoutMs?: number): Promise<void>;
  eventsOf(name: string): Promise<Event[]>;
  node(): Promise<Node>;
  request(method: string, path: string, body?: unknown): Promise<any>;
  stop(): Promise<void>;
}

export interface TestNodeOptions {
  openShim: OpenShim;
  settings?: Partial<KubeletSettings>;
  exec?: Exec;
  log?: Log;
  api?: TestApi;
  /** Between the kubelet and its bus. */
  between?: (bus: Bus) => Bus;
}

const NODE = 'node-1';
const testLog: Log = {
  debug() {},
  info: (fields, message) => console.error(message, JSON.stringify(fields)),
  warn: (fields, message) => console.error(message, JSON.stringify(fields)),
  error: (fields, message) => console.error(message, JSON.stringify(fields)),
  child: () => testLog,
};

export async function startTestNode(options: TestNodeOptions): Promise<TestNode> {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-kubelet-'));
  const api = options.api ?? (await startApi());
  const cluster = 'c1';
  const instance = `kubelet-${NODE}`;
  const settings: KubeletSettings = {
    cluster: {
      name: cluster,
      clusterId: 'test',
      domain: 'cluster.local',
      podCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
      dnsIp: '10.96.0.10',
    },
    node: NODE,
    nodeIp: '127.0.0.1',
    nodePodCidr: '10.232.1.0/24',
    runtime: 'hollow',
    stateDir: join(directory, 'state'),
    cgroupRoot: 'flotilla-test',
    cpuMillis: 4000,
    memoryBytes: 4 * 2 ** 30,
    maxPods: 20,
    labels: { rack: 'r1' },
    imageArchives: [],
    leaseSeconds: 4,
    ...options.settings,
  };
  let boots = 0;
  const begin = async (): Promise<RunningActor> => {
    const joined = api.network.connect(instance, permissionsOf(cluster, { actor: 'kubelet', instance, node: NODE }));
    const bus = options.between?.(joined) ?? joined;
    const boot = `b${++boots}`;
    const ctx: ActorContext<KubeletSettings> = {
      cluster,
      actor: 'kubelet',
      instance,
      settings,
      bus,
      clock: systemClock,
      chance: systemChance,
      log: options.log ?? silentLog,
      exec: options.exec ?? systemExec,
      tracer: createTracer({ cluster, actor: 'kubelet', instance, boot, clock: systemClock, bus }),
    };
    const actor = await startWith(ctx, options.openShim);
    return { status: () => actor.status(), stop: async () => (await actor.stop(), await bus.close()) };
  };
  const request = async (method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await api.http(method, path, body === undefined ? {} : { body });
    if (answer.code >= 400 && answer.code !== 404) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.code === 404 ? undefined : answer.body;
  };
  const pods = '/api/v1/namespaces/default/pods';
  // What the controller manager would have made.
  await request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await request('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'kube-root-ca.crt' },
    data: { 'ca.crt': api.caPem },
  });
  const node: TestNode = {
    api,
    kubelet: await begin(),
    stopKubelet: () => node.kubelet.stop(),
    async startKubelet() {
      node.kubelet = await begin();
    },
    cut: () => api.network.cut(instance),
    join: () => api.network.join(instance),
    createPod: (name, spec, more = {}) =>
      request('POST', pods, {
        metadata: { name, ...more },
        spec: { nodeName: NODE, terminationGracePeriodSeconds: 3, ...spec },
      }),
    getPod: (name) => request('GET', `${pods}/${name}`),
    async deletePod(name, graceSeconds) {
      await request(
        'DELETE',
        `${pods}/${name}${graceSeconds === undefined ? '' : `?gracePeriodSeconds=${graceSeconds}`}`,
      );
    },
    podWhen: async (name, what, holds, timeoutMs) => {
      let last: Pod | undefined;
      return eventually(
        () => `pod ${name}: ${what}; its status is ${JSON.stringify(last?.status, undefined, 1)}`,
        async () => {
          last = await node.getPod(name);
          return last !== undefined && holds(last) ? last : undefined;
        },
        timeoutMs,
      );
    },
    podGone: (name, timeoutMs) =>
      eventually(
        () => `pod ${name} is gone`,
        async () => ((await node.getPod(name)) === undefined ? true : undefined),
        timeoutMs,
      ).then(() => {}),
    eventsOf: async (name) =>
      (await request('GET', '/api/v1/namespaces/default/events')).items.filter(
        (event: Event) => event.involvedObject.name === name,
      ),
    node: () => request('GET', `/api/v1/nodes/${NODE}`),
    request,
    async stop() {
      await node.kubelet.stop();
      if (options.api === undefined) await api.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return node;
}

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
export const containerOf = (pod: Pod, name = 'main') =>
  pod.status?.containerStatuses?.find((status) => status.name === name);
