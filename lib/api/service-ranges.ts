// Decides which ranges for Services there are besides the cluster's own, as ServiceCIDRs come and go. Never gives an address out, and
// never judges a range.
import type { ServiceCIDR } from './generated/types.ts';

export class ServiceRanges {
  readonly #byName = new Map<string, readonly string[]>();

  /** One that is being deleted counts until it is gone: its addresses may still be in somebody's memory. */
  set(before: ServiceCIDR | undefined, after: ServiceCIDR | undefined): void {
    if (before !== undefined) this.#byName.delete(before.metadata.name);
    if (after !== undefined) this.#byName.set(after.metadata.name, after.spec?.cidrs ?? []);
  }

  /** `10.112.0.0/16`, of either family. */
  get cidrs(): string[] {
    return [...this.#byName.values()].flat();
  }
}
