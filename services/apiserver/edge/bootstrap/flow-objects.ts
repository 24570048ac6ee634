// Does: keeps the FlowSchemas and priority levels as core/flow-control/upkeep.ts decides, and says at once of a schema whether it
// leads anywhere. Never makes one that is missing (bootstrap.ts does).
import type { KubeObject } from '../../../../lib/api/object.ts';
import { toTime } from '../../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../../lib/base/errors.ts';
import { FLOW_CONSUMER, FLOW_PRODUCER, FLOW_SCHEMAS, PRIORITY_LEVELS } from '../../core/flow-control/bootstrap.ts';
import { danglingUpkeep, flowUpkeep, type Upkeep } from '../../core/flow-control/upkeep.ts';
import type { ApiParts } from '../parts.ts';
import { apply, mergePatch, remove } from './internal-calls.ts';

const VERSION = 'flowcontrol.apiserver.k8s.io/v1';

export class FlowObjects {
  readonly #parts: () => ApiParts;
  #running = false;
  #again = false;

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  async keep(): Promise<void> {
    await this.#do(flowUpkeep);
  }

  wake(stream: string): void {
    if (stream !== FLOW_SCHEMAS && stream !== PRIORITY_LEVELS) return;
    this.#again = true;
    if (!this.#running) void this.#tell();
  }

  /** What cannot be written now is written with the next round of all. */
  async #tell(): Promise<void> {
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      await this.#do(danglingUpkeep).catch((error: unknown) =>
        this.#parts().ctx.log.debug({ error: messageOf(error) }, 'where FlowSchemas lead could not be written'),
      );
    }
    this.#running = false;
  }

  async #do(decide: typeof flowUpkeep): Promise<void> {
    const parts = this.#parts();
    const objectsOf = (stream: string): KubeObject[] => [...parts.cache.list(stream)].map((item) => item.object);
    const due = decide(objectsOf(FLOW_SCHEMAS), objectsOf(PRIORITY_LEVELS), toTime(parts.ctx.clock.now()));
    await Promise.all(due.map((each) => carryOut(parts, each)));
  }
}

async function carryOut(parts: ApiParts, due: Upkeep): Promise<void> {
  const path = `/apis/${VERSION}/${due.resource}/${due.name}`;
  try {
    if (due.type === 'remove') await remove(parts, path, due.resourceVersion);
    else if (due.type === 'patch') await mergePatch(parts, path, due.patch, FLOW_PRODUCER);
    else {
      const object = { apiVersion: VERSION, kind: 'FlowSchema', metadata: { name: due.name }, status: due.status };
      await apply(parts, `${path}/status`, object, FLOW_CONSUMER);
    }
  } catch (error) {
    // Deleted, or changed by another, a moment ago: that is seen the next time.
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
}
