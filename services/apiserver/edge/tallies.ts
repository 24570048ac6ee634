// Does: counts and measures as plain numbers, and tells them to Prometheus when it asks. prom-client finds a bucket by the name of
// its bound, and looks at all labels again, for each observation: that costs more than most stages of a request. Never decides
// what is counted.
import { Counter, type Registry } from 'prom-client';

export interface TallyOptions {
  name: string;
  help: string;
  labelNames: readonly string[];
  registry: Registry;
}

type Labels = Record<string, string>;

/** What is counted under one set of labels; whoever counts keeps it. */
export class Tally {
  count = 0;

  inc(): void {
    this.count++;
  }
}

/** A counter's children. */
export class Tallies {
  readonly #labelNames: readonly string[];
  readonly #children = new Map<string, { labels: Labels; tally: Tally }>();

  constructor({ name, help, labelNames, registry }: TallyOptions) {
    this.#labelNames = labelNames;
    const children = this.#children;
    const counter = new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        forget();
        for (const { labels, tally } of children.values()) this.inc(labels, tally.count);
      },
    });
    const forget = counter.reset.bind(counter);
    // Whoever counts keeps its tally.
    counter.reset = () => {
      for (const { tally } of children.values()) tally.count = 0;
      forget();
    };
  }

  /** Values in the order of the names. */
  of(...values: string[]): Tally {
    return childOf(this.#children, this.#labelNames, values, (labels) => ({ labels, tally: new Tally() })).tally;
  }
}

/** Of what was observed under one set of labels: how often each bound was the least that is not less, all, and their sum. */
export class Spread {
  readonly #bounds: readonly number[];
  readonly within: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.within = bounds.map(() => 0);
  }

  reset(): void {
    this.within.fill(0);
    this.count = 0;
    this.sum = 0;
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++;
    if (at < this.#bounds.length) this.within[at]!++;
  }
}

/** A histogram's children, in the shape in which a registry reads a metric. */
export class Spreads {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #labelNames: readonly string[];
  readonly #bounds: readonly number[];
  readonly #children = new Map<string, { labels: Labels; spread: Spread }>();

  constructor({ name, help, labelNames, registry, bounds }: TallyOptions & { bounds: readonly number[] }) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    this.#bounds = bounds;
    registry.registerMetric(this as never);
  }

  /** Values in the order of the names. */
  of(...values: string[]): Spread {
    const make = (labels: Labels): { labels: Labels; spread: Spread } => ({ labels, spread: new Spread(this.#bounds) });
    return childOf(this.#children, this.#labelNames, values, make).spread;
  }

  /** Whoever measures keeps its spread. */
  reset(): void {
    for (const { spread } of this.#children.values()) spread.reset();
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: [...this.#children.values()].flatMap((child) => this.#told(child)) };
  }

  #told({ labels, spread }: { labels: Labels; spread: Spread }): object[] {
    const { name } = this;
    let upTo = 0;
    const buckets = this.#bounds.map((le, i) => {
      upTo += spread.within[i]!;
      return { labels: { le, ...labels }, value: upTo, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels: { le: '+Inf', ...labels }, value: spread.count, metricName: `${name}_bucket` },
      { labels, value: spread.sum, metricName: `${name}_sum` },
      { labels, value: spread.count, metricName: `${name}_count` },
    ];
  }
}

function childOf<T>(
  children: Map<string, T>,
  names: readonly string[],
  values: readonly string[],
  make: (labels: Labels) => T,
): T {
  const key = JSON.stringify(values);
  let child = children.get(key);
  if (child === undefined)
    children.set(key, (child = make(Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])))));
  return child;
}
