// Does: starts a member over a given disk and serves it; what main.ts runs on the real one and tests on another.
import type { ActorContext, RunningActor } from '../../../lib/actor/context.ts';
import type { StoreSettings } from '../../../lib/actor/settings.ts';
import type { MemberOptions } from './member-options.ts';
import { StoreMember } from './member.ts';
import { serve } from './serve.ts';
import { statusDetails } from './status.ts';

export interface RunningMember extends RunningActor {
  readonly member: StoreMember;
}

export async function startMember(ctx: ActorContext<StoreSettings>, options: MemberOptions): Promise<RunningMember> {
  const member = await StoreMember.open(ctx, options);
  const served = serve(ctx, member);
  return {
    member,
    status: () => statusDetails(member),
    async stop() {
      await member.stop();
      served.unsubscribe();
    },
  };
}
