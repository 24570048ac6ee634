// Decides in which form an answer is wanted, from its Accept header. Never writes one.
import { ApiError } from '../../../lib/base/errors.ts';

export interface Form {
  as: 'object' | 'table' | 'partial';
  /** Of a table or PartialObjectMetadata: `meta.k8s.io/v1` or `v1beta1`. */
  version: string;
  /** For the Content-Type. */
  mediaType: 'application/json' | 'application/yaml';
}

const PLAIN: Form = { as: 'object', version: 'v1', mediaType: 'application/json' };
/** We decode protobuf but answer JSON, which every client that asks for protobuf takes as well. */
const ACCEPTED = new Set([
  'application/json',
  'application/yaml',
  'application/*',
  '*/*',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
]);

export interface MediaRange {
  type: string;
  parameters: Record<string, string>;
}

export function parseAccept(accept: string): MediaRange[] {
  return accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim());
      return {
        type: type.toLowerCase(),
        parameters: Object.fromEntries(parameters.map((p) => p.split('=', 2) as [string, string])),
      };
    })
    .filter((range) => range.type !== '');
}

/** Programs send the same few headers all the time. */
const KNOWN_FORMS = new Map<string, Form>();
const REMEMBERED_FORMS = 100;

/** The first form of the list that can be served. Throws 406 when there is none. */
export function formOf(accept: string): Form {
  const known = KNOWN_FORMS.get(accept);
  if (known !== undefined) return known;
  const form = firstServed(accept);
  if (KNOWN_FORMS.size >= REMEMBERED_FORMS) KNOWN_FORMS.clear();
  KNOWN_FORMS.set(accept, form);
  return form;
}

function firstServed(accept: string): Form {
  if (accept.trim() === '') return PLAIN;
  for (const { type, parameters } of parseAccept(accept)) {
    const { as, v = 'v1', g } = parameters;
    if (!ACCEPTED.has(type)) continue;
    if (as === undefined) return type === 'application/yaml' ? { ...PLAIN, mediaType: 'application/yaml' } : PLAIN;
    if (g !== 'meta.k8s.io' || type !== 'application/json' || (v !== 'v1' && v !== 'v1beta1')) continue;
    if (as === 'Table') return { as: 'table', version: v, mediaType: 'application/json' };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
      return { as: 'partial', version: v, mediaType: 'application/json' };
  }
  throw new ApiError(
    'NotAcceptable',
    `only the following media types are accepted: application/json, application/yaml (asked for: ${JSON.stringify(accept.slice(0, 200))})`,
    {},
  );
}
