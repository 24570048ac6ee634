// Does: starts one actor over a memory bus with an ApiModel behind it, on the machine's clock, and gathers its spans.
// Never starts a second one of the same instance.
import type { ActorContext, RunningActor, StartActor } from '../../lib/actor/context.ts';
import { systemClock } from '../../lib/actor/system.ts';
import { createTracer } from '../../lib/actor/tracer.ts';
import { seededChance } from '../../lib/base/chance.ts';
import { silentLog } from '../../lib/base/log.ts';
import type { MemoryNetwork } from '../../lib/bus/memory.ts';
import type { Span } from '../../lib/bus/messages.ts';
import type { ActorName } from '../../lib/bus/subjects.ts';

export interface StartedActor {
  actor: RunningActor;
  spans(): Span[];
}

export async function startOver<Settings>(
  network: MemoryNetwork,
  start: StartActor<Settings>,
  who: { cluster: string; actor: ActorName; instance: string; settings: Settings },
): Promise<StartedActor> {
  const bus = network.connect(who.instance);
  const tracer = createTracer({ ...who, boot: 'b', clock: systemClock, bus });
  const exec = {
    run: () => Promise.reject(new Error('this actor runs no programs')),
  } as unknown as ActorContext['exec'];
  const chance = seededChance(1);
  const actor = await start({ ...who, bus, clock: systemClock, chance, log: silentLog, exec, tracer });
  return { actor, spans: () => tracer.recent({}) };
}
