// Decides which pods were disturbed, from what a watch says of them. Never counts a pod that came after `begin`: it had
// nothing to be disturbed in.

/** What of a pod matters here. */
export interface PodSeen {
  uid: string;
  /** `namespace/name` */
  name: string;
  node: string;
  phase: string;
  isReady: boolean;
  isEnding: boolean;
  restarts: number;
}

export class PodsSeen {
  readonly #now = new Map<string, PodSeen>();
  readonly #before = new Set<string>();
  readonly #disturbed = new Map<string, string>();
  /** Pods that the scenario itself takes away. */
  readonly #exempt = new Set<string>();
  #restarted = 0;

  /** From here on a change for the worse is a disturbance. */
  begin(): void {
    for (const pod of this.#now.values()) if (pod.isReady && !pod.isEnding) this.#before.add(pod.uid);
  }

  exempt(name: string): void {
    for (const pod of this.#now.values()) if (pod.name === name) this.#exempt.add(pod.uid);
  }

  /** Returns what is worth a line. */
  note(pod: PodSeen): string | undefined {
    const last = this.#now.get(pod.uid);
    this.#now.set(pod.uid, pod);
    const restarts = pod.restarts - (last?.restarts ?? pod.restarts);
    if (restarts > 0) {
      if (this.#counts(pod)) this.#restarted += restarts;
      return this.#mark(pod, 'had its container restarted');
    }
    if (pod.isEnding && last?.isEnding === false) return this.#mark(pod, 'is being deleted');
    if (last?.isReady === true && !pod.isReady) return this.#mark(pod, 'is not ready');
    if (last?.isReady === false && pod.isReady) return `${pod.name} is ready`;
    return undefined;
  }

  gone(uid: string): string | undefined {
    const pod = this.#now.get(uid);
    if (pod === undefined) return undefined;
    this.#now.delete(uid);
    return this.#mark(pod, 'is gone');
  }

  /** After a list: what is not in it has gone while nobody looked. */
  keepOnly(uids: ReadonlySet<string>): string[] {
    return [...this.#now.keys()].filter((uid) => !uids.has(uid)).flatMap((uid) => this.gone(uid) ?? []);
  }

  /** Names with what happened to them first. */
  get disturbed(): ReadonlyMap<string, string> {
    return this.#disturbed;
  }

  get containersRestarted(): number {
    return this.#restarted;
  }

  list(): PodSeen[] {
    return [...this.#now.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  find(name: string): PodSeen | undefined {
    return (
      this.list().find((pod) => pod.name === name && !pod.isEnding) ?? this.list().find((pod) => pod.name === name)
    );
  }

  #mark(pod: PodSeen, what: string): string {
    if (this.#counts(pod) && !this.#disturbed.has(pod.name)) this.#disturbed.set(pod.name, what);
    return `${pod.name} ${what}`;
  }

  #counts({ uid }: PodSeen): boolean {
    return this.#before.has(uid) && !this.#exempt.has(uid);
  }
}
