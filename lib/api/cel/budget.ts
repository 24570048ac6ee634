// Decides how much several expressions may cost together, the variables that they share included. Never decides what follows when
// they cost more.
import { CelError, compileCel } from './cel.ts';
import { MOST_COST, newMeter } from './meter.ts';

/** Of a policy, with one object as its parameters. */
export const MOST_OF_POLICY = 10 * MOST_COST;
/** Of the conditions of one webhook or policy. */
export const MOST_OF_CONDITIONS = 2.5 * MOST_COST;

/** Nothing that is asked later has an answer. */
export class OutOfBudget extends CelError {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

export class Budget {
  #left: number;

  constructor(most: number) {
    this.#left = most;
  }

  /** Throws CelError: OutOfBudget, or that of the expression alone. */
  evaluate(expression: string, variables: Record<string, unknown>): unknown {
    const meter = newMeter();
    try {
      const value = compileCel(expression).run(variables, meter);
      this.#pay(MOST_COST - meter.left);
      return value;
    } catch (error) {
      if (!(error instanceof OutOfBudget)) this.#pay(MOST_COST - meter.left);
      throw error;
    }
  }

  /** What was spent within an expression counts as well, whether or not it could do without the answer. */
  #pay(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new OutOfBudget();
  }
}
