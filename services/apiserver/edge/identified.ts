// Does: finds out for a call who asks, and begins its audit trail with that. Never decides whether they may.
import { ApiError } from '../../../lib/base/errors.ts';
import type { User } from '../core/auth/user.ts';
import { durationProblem } from '../core/query-number.ts';
import { isLongRunning, requestInfo } from '../core/request-info.ts';
import { beginAudit, type Source } from './audit/audited.ts';
import type { Credentials } from './authenticate.ts';
import type { Call } from './call.ts';
import type { ApiParts } from './parts.ts';

/** Sets who asks; throws 401 or 403, both told. */
export async function identified(parts: ApiParts, call: Call, source: Source, credentials: Credentials): Promise<void> {
  let isKnown = false;
  const annotations: Array<[string, string]> = [];
  const begin = (sender: User | undefined): void => {
    beginAudit(parts, call, sender, source);
    for (const [key, value] of annotations) call.audit?.annotate(key, value);
  };
  try {
    requireTimeout(call);
    const { sender, user } = await parts.authenticator.identify(credentials, parts.ctx.clock.now(), {
      sender: (known) => {
        isKnown = true;
        begin(known);
      },
      annotate: (key, value) => annotations.push([key, value]),
      warn: (text) => call.warnings.add(text),
    });
    call.user = user ?? sender;
    if (user !== undefined) call.audit?.impersonates(user);
  } catch (error) {
    if (!isKnown) begin(undefined);
    throw error;
  }
}

/** As upstream, before it is known who asks; what goes on for long has no such end. */
function requireTimeout(call: Call): void {
  const timeout = call.query.get('timeout') ?? '';
  const problem = timeout === '' ? undefined : durationProblem(timeout);
  if (problem === undefined) return;
  const info = (call.info ??= requestInfo(call.method, call.path, call.query));
  if (isLongRunning(info)) return;
  throw new ApiError('BadRequest', `invalid timeout specified in the request URL - ${problem}`);
}
