// Decides from which blocks Services get their addresses, as elements: the cluster's own, and those of ServiceCIDRs that come
// and go. Never knows which addresses are in use.
import type { ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { ServiceRanges } from '../../../lib/api/service-ranges.ts';
import { blockOf, overlap, type Block } from '../../../lib/base/ipv4.ts';
import { blockText, withoutNested } from './addresses.ts';
import type { Element } from './elements.ts';

export class ServedRanges {
  readonly #own: string;
  readonly #others: readonly Block[];
  readonly #more = new ServiceRanges();

  /**
   * The cluster's own block stands, whatever the API says of it. A further one that holds pods or nodes (`others`) is a slip:
   * to refuse what goes there would cut them off.
   */
  constructor(own: string, others: readonly string[] = []) {
    this.#own = own;
    this.#others = others.flatMap((cidr) => blockOf(cidr) ?? []);
  }

  setRange(before: ServiceCIDR | undefined, after: ServiceCIDR | undefined): void {
    this.#more.set(before, after);
  }

  elements(): Element[] {
    return withoutNested(this.#blocks()).map((block) => ({ map: 'service-cidrs', key: blockText(block), value: '' }));
  }

  /** What is outside of the cluster's own block. */
  further(): Block[] {
    const own = blockOf(this.#own);
    return withoutNested(this.#blocks()).filter((block) => own === undefined || !overlap(block, own));
  }

  #blocks(): Block[] {
    const more = this.#more.cidrs.flatMap((cidr) => blockOf(cidr) ?? []);
    return [
      ...[this.#own].flatMap((cidr) => blockOf(cidr) ?? []),
      ...more.filter((block) => !this.#others.some((other) => overlap(block, other))),
    ];
  }
}
