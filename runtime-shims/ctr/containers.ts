// Does: keeps what is known of each container on disk and in memory: whose it is, how it ended. Never talks to
// containerd. An ended container is only its record: its task, snapshot and shim process are gone by then.
import { join } from 'node:path';
import type { ContainerState } from '../contract.ts';
import { namesIn, readRecord, removeTree, writeRecord } from '../shared/records.ts';

export interface ContainerRecord {
  state: ContainerState;
  /** `uid:gid`, for exec. */
  user: string;
  workingDir: string;
}

export class ContainerRecords {
  readonly directory: string;
  readonly #known = new Map<string, { record: ContainerRecord; sequence: number }>();
  #sequence = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  async load(): Promise<void> {
    for (const id of await namesIn(this.directory)) {
      const record = await readRecord<ContainerRecord>(this.#file(id));
      if (record !== undefined) this.#known.set(id, { record, sequence: 0 });
    }
  }

  get(id: string): ContainerRecord | undefined {
    return this.#known.get(id)?.record;
  }

  all(): ContainerRecord[] {
    return [...this.#known.values()].map(({ record }) => record);
  }

  /** A number that grows with every change: what was read from containerd before a change must not undo it. */
  get sequence(): number {
    return this.#sequence;
  }

  changedSince(id: string, sequence: number): boolean {
    return (this.#known.get(id)?.sequence ?? 0) > sequence;
  }

  async put(record: ContainerRecord): Promise<void> {
    await writeRecord(this.#file(record.state.id), record);
    this.#known.set(record.state.id, { record, sequence: ++this.#sequence });
  }

  async remove(id: string): Promise<void> {
    this.#known.delete(id);
    await removeTree(join(this.directory, id));
  }

  specFile(id: string): string {
    return join(this.directory, id, 'config.json');
  }

  #file(id: string): string {
    return join(this.directory, id, 'container.json');
  }
}
