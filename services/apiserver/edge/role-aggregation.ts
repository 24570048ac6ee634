// Does: writes into each aggregating ClusterRole the rules that its selectors gather, so that who reads it sees what it grants.
// Never decides access: that follows the selectors at once (core/auth/rbac.ts).
import { equalJson } from '../../../lib/api/equality.ts';
import type { Timer } from '../../../lib/base/clock.ts';
import { isReason, messageOf } from '../../../lib/base/errors.ts';
import { effectiveRules, RBAC_GROUP } from '../core/auth/rbac.ts';
import { mergePatch } from './bootstrap/internal-calls.ts';
import type { ApiParts } from './parts.ts';

export const CLUSTER_ROLES = `${RBAC_GROUP}/clusterroles`;
/** Roles come in heaps: at a start, with an operator's manifest. */
const SOON_MS = 20;
const AGAIN_MS = 2_000;

export class RoleAggregation {
  readonly #parts: () => ApiParts;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: () => ApiParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#soon(SOON_MS);
  }

  wake(stream: string): void {
    if (stream === CLUSTER_ROLES) this.#soon(SOON_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #soon(delayMs: number): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = this.#parts().ctx.clock.timer(delayMs, () => {
      this.#timer = undefined;
      void this.#pass();
    });
  }

  async #pass(): Promise<void> {
    const parts = this.#parts();
    const roles = [...parts.cache.list(CLUSTER_ROLES)].map((item) => item.object);
    try {
      for (const role of roles) {
        if (role['aggregationRule']?.clusterRoleSelectors === undefined) continue;
        const rules = effectiveRules(role, roles);
        if (equalJson(rules, role['rules'] ?? [])) continue;
        const { name, resourceVersion } = role.metadata;
        await mergePatch(parts, `/apis/${RBAC_GROUP}/v1/clusterroles/${name}`, {
          metadata: { resourceVersion },
          rules,
        });
      }
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      // Another API actor, or this one a moment ago, wrote it: look again.
      if (isReason(error, 'Conflict')) return this.#soon(SOON_MS);
      parts.ctx.log.warn({ error: messageOf(error) }, 'the rules of an aggregated role could not be written');
      this.#soon(AGAIN_MS);
    }
  }
}
