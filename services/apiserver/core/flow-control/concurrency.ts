// Decides how many seats each priority level has: its share of the server's, and what levels that need theirs less lend to
// those that need more. Never looks at single requests.
import type { PriorityLevelConfiguration } from '../../../../lib/api/generated/types.ts';

export interface SeatBounds {
  nominal: number;
  /** What it never lends. */
  least: number;
  /** With all that it may borrow. */
  most: number;
}

export function isExempt(level: PriorityLevelConfiguration): boolean {
  return level.spec?.type === 'Exempt';
}

/** By name. Rounded up, so that the sum may be a little more than `total`. */
export function seatBounds(levels: readonly PriorityLevelConfiguration[], total: number): Map<string, SeatBounds> {
  const sum = levels.reduce((shares, level) => shares + sharesOf(level), 0);
  return new Map(
    levels.map((level) => {
      const nominal = sum === 0 ? 0 : Math.ceil((total * sharesOf(level)) / sum);
      const part = isExempt(level) ? level.spec?.exempt : level.spec?.limited;
      const lendable = Math.round((nominal * (part?.lendablePercent ?? 0)) / 100);
      const borrowing = level.spec?.limited?.borrowingLimitPercent;
      const borrowed = borrowing === undefined ? total : Math.round((nominal * borrowing) / 100);
      return [level.metadata!.name!, { nominal, least: nominal - lendable, most: nominal + borrowed }];
    }),
  );
}

function sharesOf(level: PriorityLevelConfiguration): number {
  return (isExempt(level) ? level.spec?.exempt : level.spec?.limited)?.nominalConcurrencyShares ?? 0;
}

export interface Claim extends SeatBounds {
  /** Most seats that it wanted at once since the last time. */
  demand: number;
  /** The same, smoothed over the last times. */
  smoothed: number;
}

/**
 * Seats of each claim, in their order: none below what it keeps for itself and needs, the rest in proportion to what is
 * wanted. `total` is what all of them have together.
 */
export function shareOut(claims: readonly Claim[], total: number): number[] {
  const needs = claims.map((claim) => Math.max(claim.least, Math.min(claim.nominal, claim.demand)));
  const leastSum = sumOf(claims.map(({ least }) => least));
  const needSum = sumOf(needs);
  if (total <= leastSum) return claims.map(({ least }) => least);
  if (total <= needSum) {
    const part = (total - leastSum) / (needSum - leastSum);
    return claims.map(({ least }, i) => least + Math.round((needs[i]! - least) * part));
  }
  const targets = claims.map((claim, i) => Math.max(needs[i]!, claim.smoothed, 0.001));
  const at = (factor: number): number[] =>
    claims.map((claim, i) => Math.min(claim.most, Math.max(needs[i]!, targets[i]! * factor)));
  // The sum only grows with the factor: halving finds the one that fits.
  let low = 0;
  let high = 1;
  while (sumOf(at(high)) < total && high < 1e9) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (sumOf(at(middle)) < total) low = middle;
    else high = middle;
  }
  return at(high).map(Math.round);
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);
