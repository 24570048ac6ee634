// Does: introduces the scheduler to the API: one instance leads and places pods, the others wait. Never places a pod itself.
import type { StartActor } from '../../lib/actor/context.ts';
import type { SchedulerSettings } from '../../lib/actor/settings.ts';
import { busTransport } from '../../lib/client/bus-transport.ts';
import { Client } from '../../lib/client/client.ts';
import { electLeader } from '../../lib/client/leader-election.ts';
import { Scheduling } from './edge/scheduling.ts';

const LEASE_SECONDS = 15;

export const start: StartActor<SchedulerSettings> = async (ctx) => {
  const client = new Client(busTransport(ctx));
  let scheduling: Scheduling | undefined;
  const begin = (): void => {
    scheduling?.stop();
    scheduling = new Scheduling({ ...ctx, client });
    scheduling.start();
  };
  // Another may lead now: what was believed of nodes is worth nothing.
  const end = (): void => {
    scheduling?.stop();
    scheduling = undefined;
  };
  const election = ctx.settings.leaderElect
    ? electLeader(
        { client, clock: ctx.clock, log: ctx.log },
        {
          namespace: 'kube-system',
          name: 'kube-scheduler',
          identity: ctx.instance,
          leaseSeconds: LEASE_SECONDS,
          onStarted: begin,
          onStopped: end,
        },
      )
    : undefined;
  if (election === undefined) begin();
  return {
    status: () => ({ leads: election?.leads ?? true, ...scheduling?.status() }),
    async stop() {
      await election?.stop();
      end();
    },
  };
};
