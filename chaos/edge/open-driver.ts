// Decides which driver breaks a cluster, from where it lives. Never breaks anything.
import type { ChaosDriver } from '../contract.ts';

/** Of the cluster whose state is in `home`. Fails with what to do when there is none, or it is down. */
export async function openDriver(home: string): Promise<ChaosDriver> {
  return (await import('./local-driver.ts')).openLocalDriver(home);
}
