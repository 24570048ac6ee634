// Decides which media types a route of upstream's router takes and gives, before anything reads what was sent. Never picks the
// form of an answer (media-type.ts does), and says nothing of custom resources, which upstream routes by itself.
import type { Kind } from '../../../lib/api/kind.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { patchType } from './pipeline/patch.ts';
import { isApply } from './pipeline/apply.ts';
import type { ResourceRequest } from './request-info.ts';

export const OBJECTS = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;
const STREAMS = [...OBJECTS, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const COLLECTIONS: ReadonlySet<string> = new Set(['list', 'watch']);

interface Asking {
  accept: string;
  body: { contentType: string; isEmpty: boolean };
}

/** Throws 415 for a patch of no known type, 406 where nothing that is wanted is at hand. */
export function requireRoute({ accept, body }: Asking, kind: Pick<Kind, 'typeName'>, { verb }: ResourceRequest): void {
  if (typeof kind.typeName !== 'string') return;
  if (verb === 'patch' && body.contentType === '' && body.isEmpty) throw notAcceptable([]);
  if (verb === 'patch' && !isApply(body.contentType)) patchType(body.contentType);
  if (accept !== '') requireRepresentation(accept, COLLECTIONS.has(verb) ? STREAMS : OBJECTS);
}

/** Types are compared as they stand; `application/*` is none to upstream's router. */
export function requireRepresentation(accept: string, available: readonly string[]): void {
  if (accept === '') return;
  const wanted = accept.split(',').map((range) => range.split(';', 1)[0]!.trim());
  if (!wanted.some((type) => type === '*/*' || type === '' || available.includes(type))) throw notAcceptable(available);
}

function notAcceptable(available: readonly string[]): ApiError {
  const told = `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`;
  return new ApiError('NotAcceptable', told, {});
}
