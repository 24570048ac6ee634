// Does: answers what is created but never stored: access reviews, who am I, token reviews, and bindings by body. Never
// decides access itself.
import { decodeValue, expectedOf } from '../../../lib/api/decode.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { toTime } from '../../../lib/base/clock.ts';
import { requireNoTable } from '../core/media-type.ts';
import { REVIEWS, userInfo } from '../core/reviews.ts';
import { ISSUER } from '../core/auth/token-claims.ts';
import { methodNotAllowed } from '../core/request-info.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { bindByBody } from './subresources.ts';

export async function answerReview(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { info, kind } = target;
  if (info.verb !== 'create') throw methodNotAllowed();
  requireNoTable(call.accept);
  if (info.resource === 'bindings') return bindByBody(parts, call, target);
  const { object, warnings } = decodeValue(call.body.parse(kind.ref.kind), expectedOf(kind), 'Warn');
  for (const warning of warnings) call.warnings.add(warning);
  const { user } = call;
  const review = REVIEWS[info.resource];
  if (info.resource === 'tokenreviews') return created(object, await tokenReview(parts, object['spec'] ?? {}));
  if (review === undefined) throw methodNotAllowed();
  const now = toTime(parts.ctx.clock.now());
  const { access } = parts;
  const context = {
    user,
    namespace: info.namespace,
    now,
    authorize: access.authorize.bind(access),
    rulesFor: access.rulesFor.bind(access),
  };
  return created(object, review(context, object));
}

function created(object: object, status: unknown): Answer {
  return { type: 'object', code: 201, body: { ...object, status } };
}

async function tokenReview(parts: ApiParts, spec: { token?: string; audiences?: string[] }): Promise<unknown> {
  const { token = '', audiences: asked = [] } = spec;
  if (token === '') throw new ApiError('BadRequest', 'token is required for TokenReview in authentication');
  const wanted = asked.length === 0 ? [ISSUER] : asked;
  const bearer = await parts.authenticator.presented(token, parts.ctx.clock.now(), wanted);
  if ('problem' in bearer) {
    const why = bearer.problem === NOBODYS ? NOBODYS : `[${NOBODYS}, ${bearer.problem}]`;
    return { user: {}, error: why };
  }
  return { authenticated: true, user: userInfo(bearer.user), audiences: bearer.audiences };
}

/** What upstream says of a token that none of its ways to verify one knows. */
const NOBODYS = 'invalid bearer token';
