// Shows what a kubelet's pages say of a node with one pod, and of one whose runtime is silent.
import test from 'ava';
import { needsUsage, pageOf, type PageFacts } from './pages.ts';

const facts: PageFacts = {
  node: 'n1',
  now: 2_000,
  startedAt: 1_000,
  runtimeTrouble: undefined,
  pods: [
    {
      metadata: { name: 'web', namespace: 'default', uid: 'u1' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running', startTime: '1970-01-01T00:00:01Z' },
    },
  ],
  running: [{ pod: { uid: 'u1', namespace: 'default', name: 'web' }, name: 'c', image: 'i' }],
  configuration: { maxPods: 110 },
  used: { cpuSeconds: 1.5, residentBytes: 100 },
  memoryBytes: 1_000,
  usage: {
    at: 2_000,
    windowMs: 1_000,
    containers: [{ uid: 'u1', name: 'c', cpuNanoCores: 5, cpuNanoSeconds: 2e9, memoryBytes: 300 }],
  },
};
const bodyOf = (path: string): any => JSON.parse(pageOf(path, facts).body);

test('health follows the runtime', (t) => {
  t.deepEqual(pageOf('/healthz', facts), { code: 200, contentType: 'text/plain; charset=utf-8', body: 'ok' });
  const silent = pageOf('/healthz/', { ...facts, runtimeTrouble: 'no socket' });
  t.is(silent.code, 500);
  t.regex(silent.body, /\[-\]syncloop failed: no socket/);
});

test('pods, what runs, and the configuration are told as a kubelet tells them', (t) => {
  t.is(bodyOf('/pods').items[0].metadata.name, 'web');
  t.deepEqual(bodyOf('/runningpods/').items[0].spec.containers, [{ name: 'c', image: 'i', resources: {} }]);
  t.deepEqual(bodyOf('/configz'), { kubeletconfig: { maxPods: 110 } });
});

test('usage is summed for pods and the node', (t) => {
  const { node, pods } = bodyOf('/stats/summary');
  t.is(node.nodeName, 'n1');
  t.is(node.memory.availableBytes, 700);
  t.deepEqual(pods[0].podRef, { name: 'web', namespace: 'default', uid: 'u1' });
  t.is(pods[0].containers[0].cpu.usageNanoCores, 5);
  t.true(needsUsage('/stats/summary') && !needsUsage('/pods'));
});

test('figures for Prometheus name container, pod and namespace', (t) => {
  const told = pageOf('/metrics/resource', facts).body;
  t.regex(told, /^container_cpu_usage_seconds_total\{container="c",namespace="default",pod="web"\} 2$/m);
  t.regex(told, /^node_memory_working_set_bytes 300$/m);
  t.regex(pageOf('/metrics', facts).body, /^kubelet_running_pods 1$/m);
});

test('a page that is not there says so', (t) => {
  for (const path of ['/', '/none', '/constructor']) t.is(pageOf(path, facts).code, 404);
});
