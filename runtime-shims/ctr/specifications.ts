// Does: writes down, for runc, what a container is: its OCI specification, with the user, capabilities and namespaces that it gets here.
// Never starts one.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError, type ContainerSpec, type ShimContext } from '../contract.ts';
import type { Cgroups } from '../shared/cgroups.ts';
import type { CtrCommand } from './command.ts';
import type { CtrImages } from './images.ts';
import { ociSpecOf } from './oci-spec.ts';
import { allowedOomScoreAdjust, ownCapabilities } from './privileges.ts';
import { processNamespaceOf } from './process-namespace.ts';
import type { CtrSandboxes } from './sandboxes.ts';
import { readSeccompProfile } from './seccomp.ts';
import { needsAccounts, resolveUser, type ResolvedUser } from './users.ts';

export interface Surroundings {
  ctr: CtrCommand;
  images: CtrImages;
  sandboxes: CtrSandboxes;
  cgroups: Cgroups;
  /** Where the specification of a container is kept. */
  specFile(id: string): string;
}

export class CtrSpecifications {
  readonly #chance: ShimContext['chance'];
  readonly #around: Surroundings;
  #seccomp: Promise<object> | undefined;

  constructor({ chance }: Pick<ShimContext, 'chance'>, around: Surroundings) {
    this.#chance = chance;
    this.#around = around;
  }

  async userOf(spec: ContainerSpec): Promise<ResolvedUser> {
    const accounts = needsAccounts(spec.user)
      ? await this.#around.images.accounts(spec.image)
      : { passwd: '', group: '' };
    return resolveUser(spec.user, accounts);
  }

  async write(id: string, spec: ContainerSpec, user: ResolvedUser): Promise<void> {
    const { ctr, sandboxes, cgroups, specFile } = this.#around;
    const sandbox = await sandboxes.specOf(spec.sandboxId);
    if (sandbox === undefined) throw new ShimError('CreateContainerError', `there is no sandbox ${spec.sandboxId}`);
    const path = (name: 'net' | 'ipc' | 'uts' | 'shm'): string => sandboxes.path(spec.sandboxId, name);
    const ofPod = await sandboxes.processNamespace(spec.sandboxId);
    const own = ownCapabilities();
    const document = ociSpecOf(
      {
        ...spec,
        oomScoreAdjust: allowedOomScoreAdjust(spec.oomScoreAdjust),
        capabilities: spec.privileged || spec.capabilities.includes('ALL') ? own : spec.capabilities,
      },
      {
        user,
        namespaces: {
          // A shared containerd may live in another network namespace than this node's: name ours.
          network: sandbox.hostNetwork ? `/proc/${process.pid}/ns/net` : path('net'),
          ...(sandbox.hostIpc ? {} : { ipc: path('ipc') }),
          ...(sandbox.hostNetwork ? {} : { uts: path('uts') }),
          pid: await processNamespaceOf(ctr, spec, { isHost: sandbox.hostPid, ofPod }),
        },
        shmPath: sandbox.hostIpc ? '/dev/shm' : path('shm'),
        cgroupsPath: cgroups.containerPath(spec.pod.uid, id),
        cgroupVersion: cgroups.version,
        ...(spec.seccomp === 'default' ? { seccomp: await this.#seccompProfile(spec) } : {}),
      },
    );
    const file = specFile(id);
    await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
    await writeFile(file, JSON.stringify(document), { mode: 0o600 });
  }

  #seccompProfile(spec: ContainerSpec): Promise<object> {
    this.#seccomp ??= readSeccompProfile(this.#around.ctr, spec.image.ref, `profile-${this.#chance.uuid()}`).catch(
      (error: unknown) => {
        this.#seccomp = undefined;
        throw error;
      },
    );
    return this.#seccomp;
  }
}
