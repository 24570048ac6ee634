// Decides where everything of the kubelet lies on disk. Never touches it.
import { join } from 'node:path';
import type { Pod } from '../../../lib/api/generated/types.ts';

export class KubeletPaths {
  readonly #stateDir: string;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** The runtime shim's own files. */
  get runtime(): string {
    return join(this.#stateDir, 'runtime');
  }

  get pods(): string {
    return join(this.#stateDir, 'pods');
  }

  pod(uid: string): string {
    return join(this.pods, uid);
  }

  /** What the kubelet knows of a pod, for when the API is gone. */
  podRecord(uid: string): string {
    return join(this.pod(uid), 'pod.json');
  }

  sourcesRecord(uid: string): string {
    return join(this.pod(uid), 'sources.json');
  }

  volumes(uid: string): string {
    return join(this.pod(uid), 'volumes');
  }

  volume(uid: string, name: string): string {
    return join(this.volumes(uid), name);
  }

  /** hosts, resolv.conf, hostname. */
  podFile(uid: string, name: string): string {
    return join(this.pod(uid), name);
  }

  terminationLog(uid: string, container: string, attempt: number): string {
    return join(this.pod(uid), 'containers', container, `${attempt}.termination`);
  }

  podLogs({ metadata }: Pod): string {
    return join(this.#stateDir, 'logs', `${metadata.namespace ?? ''}_${metadata.name}_${metadata.uid ?? ''}`);
  }

  log(pod: Pod, container: string, attempt: number): string {
    return join(this.podLogs(pod), container, `${attempt}.log`);
  }
}
