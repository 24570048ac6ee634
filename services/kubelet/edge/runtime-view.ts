// Does: keeps what the runtime says of each pod, from listings every ten seconds and after every gap, and from events in
// between. Never decides anything: it tells which pods have changed.
import { equalJson } from '../../../lib/api/equality.ts';
import type { Clock, Timer } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import type { ContainerState, RuntimeShim, SandboxState } from '../../../runtime-shims/contract.ts';

const RELIST_MS = 10_000;
const RETRY_MS = 1_000;

interface Entry<T> {
  value: T | undefined;
  /** When it was last changed by something newer than a listing. */
  sequence: number;
}

export interface PodRuntime {
  sandboxes: SandboxState[];
  containers: ContainerState[];
}

export class RuntimeView {
  readonly #shim: RuntimeShim;
  readonly #ctx: { clock: Clock; log: Log };
  readonly #onPod: (uid: string) => void;
  readonly #sandboxes = new Map<string, Entry<SandboxState>>();
  readonly #containers = new Map<string, Entry<ContainerState>>();
  readonly #watch: { stop(): void };
  #sequence = 0;
  #timer: Timer | undefined;
  #listing: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #isListed = false;
  /** Why the runtime cannot be asked; undefined: it answers. */
  trouble: string | undefined = 'it has not been asked yet';
  /** Called when the runtime stops or begins to answer. */
  onTrouble: () => void = () => {};

  constructor(shim: RuntimeShim, ctx: { clock: Clock; log: Log }, onPod: (uid: string) => void) {
    this.#shim = shim;
    this.#ctx = ctx;
    this.#onPod = onPod;
    this.#watch = shim.watch((event) => {
      if (event.type === 'changed') this.putContainer(event.container);
      else void this.relist();
    });
  }

  /** Nothing may be concluded from what is not there before the first listing. */
  get isListed(): boolean {
    return this.#isListed;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#watch.stop();
  }

  of(uid: string): PodRuntime {
    const own = <T extends { pod: { uid: string } }>(entries: Map<string, Entry<T>>): T[] =>
      [...entries.values()].flatMap(({ value }) => (value?.pod.uid === uid ? [value] : []));
    return { sandboxes: own(this.#sandboxes), containers: own(this.#containers) };
  }

  container(id: string): ContainerState | undefined {
    return this.#containers.get(id)?.value;
  }

  running(): ContainerState[] {
    return [...this.#containers.values()].flatMap(({ value }) => (value?.state === 'running' ? [value] : []));
  }

  /** Pods that the runtime has something of, by uid. */
  pods(): Map<string, { namespace: string; name: string }> {
    const found = new Map<string, { namespace: string; name: string }>();
    for (const { value } of [...this.#sandboxes.values(), ...this.#containers.values()])
      if (value !== undefined) found.set(value.pod.uid, value.pod);
    return found;
  }

  putSandbox(sandbox: SandboxState): void {
    this.#put(this.#sandboxes, sandbox.id, sandbox, sandbox.pod.uid);
  }

  putContainer(container: ContainerState): void {
    // An exit may be told before the answer to the start: what has ended stays ended.
    if (container.state === 'running' && this.#containers.get(container.id)?.value?.state === 'exited') return;
    this.#put(this.#containers, container.id, container, container.pod.uid);
  }

  dropSandbox(id: string): void {
    this.#drop(this.#sandboxes, id);
  }

  dropContainer(id: string): void {
    this.#drop(this.#containers, id);
  }

  /** One listing at a time; asked for meanwhile, one more follows. */
  relist(): Promise<void> {
    if (this.#listing !== undefined) {
      this.#again = true;
      return this.#listing;
    }
    this.#timer?.cancel();
    this.#listing = this.#list().finally(() => {
      this.#listing = undefined;
      if (this.#stopped) return;
      if (this.#again) {
        this.#again = false;
        void this.relist();
      } else
        this.#timer = this.#ctx.clock.timer(
          this.trouble === undefined ? RELIST_MS : RETRY_MS,
          () => void this.relist(),
        );
    });
    return this.#listing;
  }

  async #list(): Promise<void> {
    const asOf = this.#sequence;
    try {
      const { sandboxes, containers } = await this.#shim.list();
      this.#setTrouble(undefined);
      const changed = new Set([
        ...this.#replace(this.#sandboxes, sandboxes, asOf),
        ...this.#replace(this.#containers, containers, asOf),
      ]);
      const isFirst = !this.#isListed;
      this.#isListed = true;
      for (const uid of isFirst ? ['', ...changed] : changed) this.#onPod(uid);
    } catch (error) {
      this.#setTrouble(messageOf(error));
      this.#ctx.log.warn({ error: this.trouble }, 'the runtime cannot be listed');
    }
  }

  #setTrouble(trouble: string | undefined): void {
    const hasTurned = (this.trouble === undefined) !== (trouble === undefined);
    this.trouble = trouble;
    if (hasTurned) this.onTrouble();
  }

  /** What has changed since the listing was asked for is newer than the listing. */
  #replace<T extends { id: string; pod: { uid: string } }>(
    entries: Map<string, Entry<T>>,
    listed: T[],
    asOf: number,
  ): Set<string> {
    const changed = new Set<string>();
    const seen = new Set(listed.map(({ id }) => id));
    for (const value of listed) {
      const entry = entries.get(value.id);
      if (entry !== undefined && (entry.sequence > asOf || equalJson(entry.value, value))) continue;
      entries.set(value.id, { value, sequence: entry?.sequence ?? 0 });
      changed.add(value.pod.uid);
    }
    for (const [id, entry] of entries) {
      if (seen.has(id) || entry.sequence > asOf) continue;
      entries.delete(id);
      if (entry.value !== undefined) changed.add(entry.value.pod.uid);
    }
    return changed;
  }

  #put<T>(entries: Map<string, Entry<T>>, id: string, value: T, uid: string): void {
    entries.set(id, { value, sequence: ++this.#sequence });
    this.#onPod(uid);
  }

  #drop<T extends { pod: { uid: string } }>(entries: Map<string, Entry<T>>, id: string): void {
    const uid = entries.get(id)?.value?.pod.uid;
    // Remembered as gone until the next listing: an older one that is under way must not bring it back.
    entries.set(id, { value: undefined, sequence: ++this.#sequence });
    if (uid !== undefined) this.#onPod(uid);
  }
}
