// Does: removes Events an hour after they last happened. Never touches another kind.
import type { Timer } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import { expiredEvents } from '../core/event-age.ts';
import { remove } from './bootstrap/internal-calls.ts';
import type { ApiParts } from './parts.ts';

const LOOK_MS = 30_000;
/** A few at a time: old Events may wait, users may not. */
const AT_ONCE = 100;

export function expireEvents(parts: ApiParts): { stop(): void } {
  const { ctx, cache } = parts;
  let timer: Timer;
  const later = (): void => {
    timer = ctx.clock.timer(LOOK_MS, () => void look().finally(later));
  };
  const look = async (): Promise<void> => {
    const old = expiredEvents(cache.list('core/events'), ctx.clock.now()).slice(0, AT_ONCE);
    for (const { namespace, name, revision } of old) {
      try {
        await remove(parts, `/api/v1/namespaces/${namespace}/events/${name}`, String(revision));
      } catch (error) {
        ctx.log.debug({ error: messageOf(error) }, 'an old event could not be removed; tried again later');
        return;
      }
    }
  };
  later();
  return { stop: () => timer.cancel() };
}
