// Decides from which blocks Services get their addresses, as elements: the cluster's own, and those of ServiceCIDRs that come
// and go. Never knows which addresses are in use.
import type { ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { blockOf, blockText, overlap, withoutNested, type Block } from './addresses.ts';
import type { Element } from './elements.ts';

export class ServiceRanges {
  readonly #own: string;
  readonly #others: readonly Block[];
  readonly #byName = new Map<string, readonly string[]>();

  /**
   * The cluster's own block stands, whatever the API says of it. A further one that holds pods or nodes (`others`) is a slip:
   * to refuse what goes there would cut them off.
   */
  constructor(own: string, others: readonly string[] = []) {
    this.#own = own;
    this.#others = others.flatMap((cidr) => blockOf(cidr) ?? []);
  }

  /** One that is being deleted counts until it is gone: its addresses may still be in somebody's memory. */
  setRange(before: ServiceCIDR | undefined, after: ServiceCIDR | undefined): void {
    if (before !== undefined) this.#byName.delete(before.metadata.name);
    if (after !== undefined) this.#byName.set(after.metadata.name, after.spec?.cidrs ?? []);
  }

  elements(): Element[] {
    return withoutNested(this.#blocks()).map((block) => ({ map: 'service-cidrs', key: blockText(block), value: '' }));
  }

  #blocks(): Block[] {
    const more = [...this.#byName.values()].flat().flatMap((cidr) => blockOf(cidr) ?? []);
    return [
      ...[this.#own].flatMap((cidr) => blockOf(cidr) ?? []),
      ...more.filter((block) => !this.#others.some((other) => overlap(block, other))),
    ];
  }
}
