// Decides what a kubelet's pages say: health, pods, configuration, usage as a summary and for Prometheus. Never measures
// anything.
import type { Pod } from '../../../lib/api/generated/types.ts';
import { toTime } from '../../../lib/base/clock.ts';
import type { ContainerUsage, NodePage, NodeUsage } from '../../../lib/bus/messages.ts';

export interface RunningContainer {
  pod: { uid: string; namespace: string; name: string };
  name: string;
  image: string;
}

/** What the pages are made of. Times in milliseconds since 1970. */
export interface PageFacts {
  node: string;
  now: number;
  startedAt: number;
  /** Why the runtime cannot be asked; undefined: it answers. */
  runtimeTrouble: string | undefined;
  pods: readonly Pod[];
  running: readonly RunningContainer[];
  configuration: object;
  used: { cpuSeconds: number; residentBytes: number };
  memoryBytes: number;
  /** Only there for the pages that tell it. */
  usage?: NodeUsage;
}

const TEXT = 'text/plain; charset=utf-8';
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';

const USAGE_PAGES = new Set(['/stats/summary', '/metrics/resource', '/metrics/cadvisor']);

/** Measuring takes a while: only for who asks for it. */
export const needsUsage = (path: string): boolean => USAGE_PAGES.has(plain(path));

const PAGES: Readonly<Record<string, (facts: PageFacts) => NodePage>> = {
  '/healthz': health,
  '/healthz/ping': () => text('ok'),
  '/healthz/log': () => text('ok'),
  '/healthz/syncloop': health,
  '/pods': ({ pods }) => json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods }),
  '/runningpods': (facts) => json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: runningPods(facts) }),
  '/configz': ({ configuration }) => json({ kubeletconfig: configuration }),
  '/stats/summary': (facts) => json(summary(facts)),
  '/metrics': (facts) => metrics(ownSeries(facts)),
  '/metrics/resource': (facts) => metrics(resourceSeries(facts)),
  '/metrics/cadvisor': (facts) => metrics(containerSeries(facts)),
};

/** `path` may end in a slash. A page that is not there is one too. */
export function pageOf(path: string, facts: PageFacts): NodePage {
  const page = Object.hasOwn(PAGES, plain(path)) ? PAGES[plain(path)] : undefined;
  return page === undefined ? text('404 page not found\n', 404) : page(facts);
}

const plain = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
const text = (body: string, code = 200): NodePage => ({ code, contentType: TEXT, body });
const json = (body: object): NodePage => ({ code: 200, contentType: 'application/json', body: JSON.stringify(body) });

function health({ runtimeTrouble }: PageFacts): NodePage {
  if (runtimeTrouble === undefined) return text('ok');
  return text(`[+]ping ok\n[+]log ok\n[-]syncloop failed: ${runtimeTrouble}\nhealthz check failed\n`, 500);
}

function runningPods({ running }: PageFacts): object[] {
  const pods = Map.groupBy(running, ({ pod }) => pod.uid);
  return [...pods.values()].map((containers) => {
    const { uid, namespace, name } = containers[0]!.pod;
    const shown = containers.map((one) => ({ name: one.name, image: one.image, resources: {} }));
    return { metadata: { name, namespace, uid, creationTimestamp: null }, spec: { containers: shown }, status: {} };
  });
}

interface PodUsage {
  pod: Pod;
  containers: ContainerUsage[];
}

function usageByPod({ pods, usage }: PageFacts): PodUsage[] {
  const measured = Map.groupBy(usage?.containers ?? [], ({ uid }) => uid);
  return pods.flatMap((pod) => {
    const containers = measured.get(pod.metadata.uid ?? '');
    return containers === undefined ? [] : [{ pod, containers }];
  });
}

const sum = (containers: readonly ContainerUsage[], of: (one: ContainerUsage) => number): number =>
  containers.reduce((all, one) => all + of(one), 0);
const cpuNanos = ({ cpuNanoSeconds = 0 }: ContainerUsage): number => cpuNanoSeconds;

function figures(containers: readonly ContainerUsage[], time: string): { cpu: object; memory: object } {
  return {
    cpu: {
      time,
      usageNanoCores: sum(containers, (one) => one.cpuNanoCores),
      usageCoreNanoSeconds: sum(containers, cpuNanos),
    },
    memory: { time, workingSetBytes: sum(containers, (one) => one.memoryBytes) },
  };
}

function summary(facts: PageFacts): object {
  const time = toTime(facts.usage?.at ?? facts.now);
  const all = facts.usage?.containers ?? [];
  const { cpu, memory } = figures(all, time);
  const availableBytes = Math.max(0, facts.memoryBytes - sum(all, (one) => one.memoryBytes));
  return {
    node: { nodeName: facts.node, startTime: toTime(facts.startedAt), cpu, memory: { ...memory, availableBytes } },
    pods: usageByPod(facts).map(({ pod, containers }) => ({
      podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
      startTime: pod.status?.startTime ?? null,
      containers: containers.map((one) => ({
        name: one.name,
        startTime: startOf(pod, one.name) ?? null,
        ...figures([one], time),
      })),
      ...figures(containers, time),
    })),
  };
}

const startOf = (pod: Pod, name: string): string | undefined =>
  pod.status?.containerStatuses?.find((one) => one.name === name)?.state?.running?.startedAt;

interface Series {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  /** Labels and value. */
  samples: Array<[labels: Record<string, string>, value: number]>;
}

function metrics(series: readonly Series[]): NodePage {
  const lines = series.flatMap(({ name, help, type, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`),
  ]);
  return { code: 200, contentType: METRICS, body: `${lines.join('\n')}\n` };
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function ownSeries({ node, pods, running, used, startedAt }: PageFacts): Series[] {
  const gauge = (name: string, help: string, value: number, labels = {}): Series => ({
    name,
    help,
    type: 'gauge',
    samples: [[labels, value]],
  });
  const phases = pods.filter(({ status }) => status?.phase === 'Running').length;
  return [
    gauge('kubelet_node_name', 'The node; the value is always 1.', 1, { node }),
    gauge('kubelet_running_pods', 'Pods whose phase is Running.', phases),
    gauge('kubelet_running_containers', 'Containers by state.', running.length, { container_state: 'running' }),
    { ...gauge('process_cpu_seconds_total', 'Processor time of the kubelet.', used.cpuSeconds), type: 'counter' },
    gauge('process_resident_memory_bytes', 'Resident memory of the kubelet.', used.residentBytes),
    gauge('process_start_time_seconds', 'When the kubelet began, in seconds since 1970.', startedAt / 1000),
  ];
}

type Sample = Series['samples'][number];

function perContainer(facts: PageFacts, value: (one: ContainerUsage) => number): Sample[] {
  return usageByPod(facts).flatMap(({ pod, containers }) =>
    containers.map((one): Sample => {
      const { name = '', namespace = '' } = pod.metadata;
      return [{ container: one.name, namespace, pod: name }, value(one)];
    }),
  );
}

function perPod(facts: PageFacts, value: (one: ContainerUsage) => number): Sample[] {
  return usageByPod(facts).map(({ pod, containers }): Sample => {
    const { name = '', namespace = '' } = pod.metadata;
    return [{ namespace, pod: name }, sum(containers, value)];
  });
}

const seconds = (one: ContainerUsage): number => cpuNanos(one) / 1e9;
const memory = (one: ContainerUsage): number => one.memoryBytes;

function containerSeries(facts: PageFacts): Series[] {
  return [
    {
      name: 'container_cpu_usage_seconds_total',
      help: 'Processor time of the container.',
      type: 'counter',
      samples: perContainer(facts, seconds),
    },
    {
      name: 'container_memory_working_set_bytes',
      help: 'Working set of the container.',
      type: 'gauge',
      samples: perContainer(facts, memory),
    },
  ];
}

function resourceSeries(facts: PageFacts): Series[] {
  const all = facts.usage?.containers ?? [];
  const failed = facts.usage === undefined ? 1 : 0;
  return [
    ...containerSeries(facts),
    {
      name: 'node_cpu_usage_seconds_total',
      help: 'Processor time of the containers of the node.',
      type: 'counter',
      samples: [[{}, sum(all, seconds)]],
    },
    {
      name: 'node_memory_working_set_bytes',
      help: 'Working set of the containers of the node.',
      type: 'gauge',
      samples: [[{}, sum(all, memory)]],
    },
    {
      name: 'pod_cpu_usage_seconds_total',
      help: 'Processor time of the containers of the pod.',
      type: 'counter',
      samples: perPod(facts, seconds),
    },
    {
      name: 'pod_memory_working_set_bytes',
      help: 'Working set of the containers of the pod.',
      type: 'gauge',
      samples: perPod(facts, memory),
    },
    {
      name: 'resource_scrape_error',
      help: '1: the usage could not be measured.',
      type: 'gauge',
      samples: [[{}, failed]],
    },
  ];
}
