// Does: sends an actor's API requests over the bus, and tries again where the API actor was not there. Never repeats a
// request that may have been carried out unless doing it twice is harmless.
import { ApiError, messageOf } from '../base/errors.ts';
import { sleep, type Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { BusError, type Bus } from '../bus/bus.ts';
import type { ApiRequest, ApiResponse } from '../bus/messages.ts';
import { subjectOf } from '../bus/subjects.ts';
import type { Transport } from './client.ts';

const PAUSES_MS = [50, 150, 400, 1000];

export function busTransport(ctx: { cluster: string; bus: Bus; clock: Clock }): Transport {
  const subject = subjectOf(ctx.cluster, 'apiRequest', { from: ctx.bus.instance });
  return {
    async request(request: ApiRequest): Promise<ApiResponse> {
      for (let attempt = 0; ; attempt++) {
        try {
          return (await ctx.bus.request(subject, request, { timeoutMs: LIMITS.requestTimeoutMs })) as ApiResponse;
        } catch (error) {
          const pause = PAUSES_MS[attempt];
          if (pause === undefined || !mayRepeat(request, error)) throw unavailable(request, error);
          await sleep(ctx.clock, pause);
        }
      }
    },
  };
}

function mayRepeat(request: ApiRequest, error: unknown): boolean {
  if (!(error instanceof BusError)) return false;
  return (
    error.kind === 'no-responders' ||
    error.kind === 'disconnected' ||
    (request.method === 'GET' && error.kind === 'timeout')
  );
}

function unavailable(request: ApiRequest, error: unknown): ApiError {
  return new ApiError(
    'ServiceUnavailable',
    `${request.method} ${request.path}: the API server does not answer: ${messageOf(error)}`,
    undefined,
    { cause: error },
  );
}
