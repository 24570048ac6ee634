// Decides the ids of sandboxes and containers, and the labels by which a runtime remembers whose they are. Never talks
// to a runtime.
import { createHash } from 'node:crypto';
import type { ContainerKind, ContainerSpec, PodIdentity } from '../contract.ts';

/**
 * A hash, because containerd allows 76 characters and a uid with a container's name may be longer; the same run of the
 * same container always has the same id, so that a repeated start finds the first.
 */
export function containerIdOf(podUid: string, name: string, attempt: number): string {
  return hash(`container/${podUid}/${name}/${attempt}`);
}

export function sandboxIdOf(podUid: string, attempt: number): string {
  return hash(`sandbox/${podUid}/${attempt}`);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

export const LABELS = {
  podUid: 'io.kubernetes.pod.uid',
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  container: 'io.kubernetes.container.name',
  attempt: 'io.kubernetes.container.restartCount',
  kind: 'io.flotilla.kind',
  sandbox: 'io.flotilla.sandbox',
  imageId: 'io.flotilla.image-id',
  logPath: 'io.kubernetes.container.logpath',
} as const;

export function labelsOf(spec: ContainerSpec): Record<string, string> {
  return {
    [LABELS.podUid]: spec.pod.uid,
    [LABELS.podName]: spec.pod.name,
    [LABELS.podNamespace]: spec.pod.namespace,
    [LABELS.container]: spec.name,
    [LABELS.attempt]: String(spec.attempt),
    [LABELS.kind]: spec.kind,
    [LABELS.sandbox]: spec.sandboxId,
    [LABELS.imageId]: spec.image.id,
    [LABELS.logPath]: spec.logPath,
  };
}

export interface LabelledContainer {
  pod: PodIdentity;
  sandboxId: string;
  name: string;
  attempt: number;
  kind: ContainerKind;
  imageId: string;
  logPath: string;
}

const KINDS: readonly ContainerKind[] = ['init', 'main', 'ephemeral'];

/** undefined: not one of ours. */
export function fromLabels(labels: Record<string, string>): LabelledContainer | undefined {
  const uid = labels[LABELS.podUid];
  const name = labels[LABELS.container];
  if (uid === undefined || name === undefined) return undefined;
  return {
    pod: { uid, namespace: labels[LABELS.podNamespace] ?? '', name: labels[LABELS.podName] ?? '' },
    sandboxId: labels[LABELS.sandbox] ?? '',
    name,
    attempt: Number(labels[LABELS.attempt] ?? 0),
    kind: KINDS.find((kind) => kind === labels[LABELS.kind]) ?? 'main',
    imageId: labels[LABELS.imageId] ?? '',
    logPath: labels[LABELS.logPath] ?? '',
  };
}
