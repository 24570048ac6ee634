// Decides when a status is worth a write: as Go encodes it, zero counts and absent counts are the same. Never builds one.
import { equalObjects } from '../../../lib/api/equality.ts';

/** Without fields that are 0, undefined or an empty list. */
function withoutZeros<T extends object>(status: T): T {
  return Object.fromEntries(
    Object.entries(status).filter(
      ([, value]) => value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0),
    ),
  ) as T;
}

export function isSameStatus(a: object | undefined, b: object | undefined): boolean {
  return equalObjects(withoutZeros(a ?? {}), withoutZeros(b ?? {}));
}
