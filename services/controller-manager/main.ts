// Does: introduces the controllers to the API: one instance leads and runs all loops, the others wait. Never decides what
// a loop does.
import { readFile } from 'node:fs/promises';
import type { StartActor } from '../../lib/actor/context.ts';
import type { ControllerManagerSettings } from '../../lib/actor/settings.ts';
import { TroubleError, messageOf } from '../../lib/base/errors.ts';
import { busTransport } from '../../lib/client/bus-transport.ts';
import { Client } from '../../lib/client/client.ts';
import { electLeader } from '../../lib/client/leader-election.ts';
import { controllers, controllersOfKinds } from './controllers/index.ts';
import { openCertificateAuthority } from './edge/certificate-authority.ts';
import { Loops } from './edge/loops.ts';

const LEASE_SECONDS = 15;

export const start: StartActor<ControllerManagerSettings> = async (ctx) => {
  const { settings } = ctx;
  const rootCa = await readRootCa(settings.rootCaFile);
  const issueCertificate = settings.signer === undefined ? undefined : await openCertificateAuthority(settings.signer);
  const client = new Client(busTransport(ctx));
  const loops = new Loops(
    { ...ctx, client },
    {
      lasting: () => controllers({ ...settings, rootCa, issueCertificate }),
      ofKinds: (kinds, elsewhere) => controllersOfKinds({ kinds, elsewhere }),
    },
  );
  const election = settings.leaderElect
    ? electLeader(
        { client, clock: ctx.clock, log: ctx.log },
        {
          namespace: 'kube-system',
          name: 'kube-controller-manager',
          identity: ctx.instance,
          leaseSeconds: LEASE_SECONDS,
          onStarted: () => loops.start(),
          onStopped: () => loops.stop(),
        },
      )
    : undefined;
  if (election === undefined) loops.start();
  return {
    status: () => ({ leads: election?.leads ?? true, ...loops.status() }),
    async stop() {
      await election?.stop();
      loops.stop();
    },
  };
};

async function readRootCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new TroubleError(
      `the root CA that pods shall trust could not be read from ${JSON.stringify(file)} (rootCaFile): ${messageOf(error)}`,
      error,
    );
  }
}
