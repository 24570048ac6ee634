// Decides which driver breaks a cluster, from where it lives. Never breaks anything.
import { readCluster } from '../../launcher/edge/plan-file.ts';
import { openHome } from '../../launcher/up.ts';
import type { ChaosDriver } from '../contract.ts';
import { FaultDriver, type Ground } from './fault-driver.ts';
import type { Where } from './guard.ts';

/**
 * Of the cluster whose state is in `home`; with `compose` of that compose project ('': the one of this directory), and so
 * without it where `home` holds no cluster. Fails with what to do when there is none, or it is down.
 */
export function openDriver(where: Where): Promise<ChaosDriver> {
  return openFaultDriver(where);
}

/** The same, for who heals what another process has broken. */
export async function openFaultDriver(where: Where): Promise<FaultDriver> {
  return new FaultDriver(await openGround(where));
}

async function openGround({ home, compose }: Where): Promise<Ground> {
  const isLocal = compose === undefined && readCluster(openHome(home)) !== undefined;
  if (isLocal) return new (await import('./local-driver.ts')).LocalGround(home);
  return (await import('./compose-driver.ts')).openComposeGround(home, compose);
}
