// Decides the next nft program from the services and ranges that changed, and remembers the result. Never applies it.
import { staleFlows, type StaleFlow } from './conntrack.ts';
import { RuleSet } from './rule-set.ts';
import type { ServiceIndex } from './service-index.ts';
import type { ServedRanges } from './served-ranges.ts';
import { serviceRules, type NodeFacts } from './service-rules.ts';
import { changeProgram, fullProgram } from './transaction.ts';

export interface NextProgram {
  /** Empty: there is nothing to do. */
  program: string;
  /** Keys of the services that were computed again. */
  services: string[];
  /** Elements that differ. */
  changed: number;
  staleFlows: StaleFlow[];
}

/** Whose elements the ranges are; services have a `/` in theirs. */
const RANGES = 'service-cidrs';

export class ProxyState {
  readonly index: ServiceIndex;
  readonly ranges: ServedRanges;
  readonly #facts: NodeFacts;
  readonly #rules = new RuleSet();

  constructor(index: ServiceIndex, ranges: ServedRanges, facts: NodeFacts) {
    this.index = index;
    this.ranges = ranges;
    this.#facts = facts;
  }

  /** Elements in force, chains included. */
  get size(): number {
    return this.#rules.size;
  }

  get hash(): readonly [number, number] {
    return this.#rules.hash;
  }

  /** Everything, as at the start or when the kernel's table is not known. */
  full(): NextProgram {
    const services = this.#recompute();
    const changes = this.#rules.takeChanges();
    const program = fullProgram(this.#rules.elements(), this.#rules.hash, this.#facts);
    return { program, services, changed: changes.length, staleFlows: staleFlows(changes) };
  }

  /** Only what changed since the last program. */
  next(): NextProgram {
    const before = this.#rules.hash;
    const services = this.#recompute();
    const changes = this.#rules.takeChanges();
    const program = changes.length === 0 ? '' : changeProgram(changes, before, this.#rules.hash, this.#facts);
    return { program, services, changed: changes.length, staleFlows: staleFlows(changes) };
  }

  chains(): string[] {
    return [...this.#rules.elements()].filter(({ map }) => map === 'chains').map(({ key }) => key);
  }

  #recompute(): string[] {
    const dirty = this.index.takeDirty();
    for (const { key, service, slices } of dirty)
      this.#rules.replace(key, service === undefined ? [] : serviceRules(service, slices, this.#facts));
    this.#rules.replace(RANGES, this.ranges.elements());
    return dirty.map(({ key }) => key);
  }
}
