// Does: answers what is created but never stored: access reviews, who am I, token reviews, and bindings by body. Never
// decides access itself.
import { decodeValue, expectedOf } from '../../../lib/api/decode.ts';
import { updateManagedFields } from '../../../lib/api/managed-fields/update.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { apiVersionOf } from '../../../lib/api/resource.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { toTime } from '../../../lib/base/clock.ts';
import { requireNoTable } from '../core/media-type.ts';
import { REVIEWS, userInfo } from '../core/reviews.ts';
import { ISSUER } from '../core/auth/token-claims.ts';
import { managerName, setOwners } from '../core/pipeline/field-owners.ts';
import { methodNotAllowed } from '../core/request-info.ts';
import { writeOptions } from '../core/write-options.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { bindByBody } from './subresources.ts';

export async function answerReview(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { info, kind } = target;
  if (info.verb !== 'create') throw methodNotAllowed();
  requireNoTable(call.accept);
  if (info.resource === 'bindings') return bindByBody(parts, call, target);
  const { fieldValidation } = writeOptions(call.query, 'CreateOptions');
  const { object, warnings } = decodeValue(call.body.parse(kind.ref.kind), expectedOf(kind), fieldValidation);
  for (const warning of warnings) call.warnings.add(warning);
  object.metadata ??= { name: '' };
  if (!kind.ref.namespaced) delete object.metadata.namespace;
  const { user } = call;
  const review = REVIEWS[info.resource];
  if (info.resource === 'tokenreviews') {
    const status = await tokenReview(parts, call, object['spec'] ?? {});
    return created(owned(parts, call, target, object), status);
  }
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
  const status = review(context, object);
  const { apiVersion, kind: kindName } = object;
  switch (info.resource) {
    case 'selfsubjectreviews':
      return created({ kind: kindName, apiVersion, metadata: { creationTimestamp: now } }, status);
    case 'selfsubjectrulesreviews':
      return created({ ...object, spec: {} }, status);
    default:
      return created(owned(parts, call, target, object), status);
  }
}

/** Who set what is told of a review, too, and kept nowhere. */
function owned({ ctx }: ApiParts, call: Call, { kind, info }: Target, object: KubeObject): KubeObject {
  setOwners(
    object,
    updateManagedFields({
      typeName: kind.typeName,
      before: undefined,
      after: object,
      manager: managerName(call.query, call.userAgent ?? '', call.user),
      apiVersion: apiVersionOf(kind.ref),
      subresource: info.subresource,
      now: ctx.clock.now(),
      tracksNew: ctx.settings.tracksFieldManagers ?? true,
    }),
  );
  return object;
}

function created(object: object, status: unknown): Answer {
  return { type: 'object', code: 201, body: { ...object, status } };
}

async function tokenReview(
  parts: ApiParts,
  call: Call,
  spec: { token?: string; audiences?: string[] },
): Promise<unknown> {
  const { token = '', audiences: asked = [] } = spec;
  if (token === '') throw new ApiError('BadRequest', 'token is required for TokenReview in authentication');
  const wanted = asked.length === 0 ? [ISSUER] : asked;
  const told = {
    annotate: (key: string, value: string) => call.audit?.annotate(key, value),
    warn: (text: string) => call.warnings.add(text),
  };
  const bearer = await parts.authenticator.presented(token, parts.ctx.clock.now(), told, wanted);
  if ('problem' in bearer) {
    const why = bearer.problem === NOBODYS ? NOBODYS : `[${NOBODYS}, ${bearer.problem}]`;
    return { user: {}, error: why };
  }
  return { authenticated: true, user: userInfo(bearer.user), audiences: bearer.audiences };
}

/** What upstream says of a token that none of its ways to verify one knows. */
const NOBODYS = 'invalid bearer token';
