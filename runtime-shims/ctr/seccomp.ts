// Does: asks containerd for its own default seccomp profile, once: a container is made with it, read and removed.
// Never runs anything in that container.
import { ShimError } from '../contract.ts';
import type { CtrCommand } from './command.ts';

export async function readSeccompProfile(ctr: CtrCommand, imageRef: string, id: string): Promise<object> {
  await ctr.run(['containers', 'create', '--seccomp', imageRef, id], 'CreateContainerError');
  try {
    const info = JSON.parse(await ctr.run(['containers', 'info', id], 'CreateContainerError')) as {
      Spec?: { linux?: { seccomp?: object } };
    };
    const profile = info.Spec?.linux?.seccomp;
    if (profile === undefined) throw new ShimError('CreateContainerError', 'containerd has no default seccomp profile');
    return profile;
  } finally {
    await ctr.ask(['containers', 'rm', id]);
  }
}
