// Does: breaks and heals a cluster of this machine that `flotilla up` made. Never decides which fault is next.
import type { ChaosDriver } from '../contract.ts';

export async function openLocalDriver(home: string): Promise<ChaosDriver> {
  throw new Error(`chaos cannot reach the cluster in ${home} yet`);
}
