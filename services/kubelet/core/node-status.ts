// Decides what the Node object says of this machine: capacity, addresses, conditions. Never measures the machine.
import type { Node, NodeCondition, NodeStatus, NodeSystemInfo } from '../../../lib/api/generated/types.ts';
import { equalJson } from '../../../lib/api/equality.ts';
import { toTime } from '../../../lib/base/clock.ts';

export interface Machine {
  cpuMillis: number;
  memoryBytes: number;
  ephemeralBytes: number;
  maxPods: number;
  info: NodeSystemInfo;
}

export interface NodeFacts {
  name: string;
  ip: string;
  podCidr: string;
  labels: Record<string, string>;
  machine: Machine;
  /** undefined: the runtime answers. */
  runtimeTrouble: string | undefined;
  images: Array<{ ref: string; sizeBytes: number }>;
}

/** An unchanged status is written again at this pace only; the Lease says that the node lives. */
const REPORT_MS = 300_000;
const MOST_IMAGES = 50;

export function nodeLabels(facts: NodeFacts): Record<string, string> {
  const { architecture, operatingSystem } = facts.machine.info;
  return {
    'kubernetes.io/hostname': facts.name,
    'kubernetes.io/os': operatingSystem,
    'kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': operatingSystem,
    'beta.kubernetes.io/arch': architecture,
    ...facts.labels,
  };
}

export function newNode(facts: NodeFacts, now: number): Node {
  return {
    metadata: { name: facts.name, labels: nodeLabels(facts) },
    spec: { podCIDR: facts.podCidr, podCIDRs: [facts.podCidr] },
    status: nodeStatusOf(facts, undefined, now),
  };
}

export function nodeStatusOf(facts: NodeFacts, before: NodeStatus | undefined, now: number): NodeStatus {
  const { machine } = facts;
  const resources = {
    cpu: machine.cpuMillis % 1000 === 0 ? String(machine.cpuMillis / 1000) : `${machine.cpuMillis}m`,
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor(machine.ephemeralBytes / 1024)}Ki`,
    pods: String(machine.maxPods),
  };
  return {
    capacity: resources,
    allocatable: resources,
    conditions: conditionsOf(facts, before, now),
    addresses: [
      { type: 'InternalIP', address: facts.ip },
      { type: 'Hostname', address: facts.name },
    ],
    nodeInfo: machine.info,
    images: facts.images
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, MOST_IMAGES)
      .map(({ ref, sizeBytes }) => ({ names: [ref], sizeBytes })),
  };
}

function conditionsOf(facts: NodeFacts, before: NodeStatus | undefined, now: number): NodeCondition[] {
  const { runtimeTrouble } = facts;
  const own: Array<[type: string, status: string, reason: string, message: string]> = [
    ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    runtimeTrouble === undefined
      ? ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status']
      : ['Ready', 'False', 'KubeletNotReady', `container runtime is down: ${runtimeTrouble}`],
  ];
  const conditions = own.map(([type, status, reason, message]) => {
    const last = before?.conditions?.find((condition) => condition.type === type);
    const since = last?.status === status ? last.lastTransitionTime : undefined;
    return { type, status, lastHeartbeatTime: toTime(now), lastTransitionTime: since ?? toTime(now), reason, message };
  });
  const foreign = (before?.conditions ?? []).filter(({ type }) => !own.some(([mine]) => mine === type));
  return [...conditions, ...foreign];
}

/** Must the status be written? Heartbeat times alone are no reason. */
export function mustReport(
  written: NodeStatus | undefined,
  wanted: NodeStatus,
  writtenAtMs: number,
  now: number,
): boolean {
  if (written === undefined || now - writtenAtMs >= REPORT_MS) return true;
  return !equalJson(withoutHeartbeats(written), withoutHeartbeats(wanted));
}

function withoutHeartbeats(status: NodeStatus): unknown {
  const { capacity, allocatable, conditions, addresses, nodeInfo, images } = status;
  const still = (conditions ?? []).map(({ type, status: value, reason, message }) => ({
    type,
    value,
    reason,
    message,
  }));
  return {
    capacity,
    allocatable,
    conditions: still,
    addresses,
    nodeInfo,
    images: (images ?? []).map(({ names }) => names),
  };
}
