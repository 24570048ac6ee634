// Decides in which form an answer is wanted, from its Accept header. Never writes one.
import type { ToldKind } from '../../../lib/api/table.ts';
import { ApiError } from '../../../lib/base/errors.ts';

export interface Form {
  as: 'object' | 'table' | 'partial';
  /** Of a table or PartialObjectMetadata: `meta.k8s.io/v1` or `v1beta1`. */
  version: string;
  /** For the Content-Type. */
  mediaType: 'application/json' | 'application/yaml';
  /** Metadata were asked for in the shape of a list. */
  asList?: boolean;
}

const PLAIN: Form = { as: 'object', version: 'v1', mediaType: 'application/json' };
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
/** We decode protobuf but answer JSON, which every client that asks for protobuf takes as well. */
const ACCEPTED = new Set(['application/json', 'application/yaml', 'application/*', '*/*', PROTOBUF]);
const TOLD = 'only the following media types are accepted: ';
const WATCHED = ['application/json', PROTOBUF].map((type) => `${type};stream=watch`).join(', ');

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
  for (const { type, parameters } of byPreference(parseAccept(accept))) {
    const { as, g, v = '' } = parameters;
    if (!ACCEPTED.has(type)) continue;
    const mediaType = type === 'application/yaml' ? type : 'application/json';
    if (as === undefined && g === undefined && v === '') return { ...PLAIN, mediaType };
    if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) continue;
    if (as === 'Table' && type !== PROTOBUF) return { as: 'table', version: v, mediaType };
    if (as === 'PartialObjectMetadata') return { as: 'partial', version: v, mediaType };
    if (as === 'PartialObjectMetadataList') return { as: 'partial', version: v, mediaType, asList: true };
  }
  throw notServed();
}

/** Of what has one form only, in JSON or YAML. Throws 406. */
export function plainTypeOf(accept: string): Form['mediaType'] {
  if (accept.trim() === '') return PLAIN.mediaType;
  const found = byPreference(parseAccept(accept)).find(
    ({ type, parameters: { as, g, v } }) =>
      ACCEPTED.has(type) && as === undefined && g === undefined && v === undefined,
  );
  if (found === undefined) throw notServed();
  return found.type === 'application/yaml' ? found.type : PLAIN.mediaType;
}

function notServed(): ApiError {
  return new ApiError('NotAcceptable', `${TOLD}application/json, application/yaml, ${PROTOBUF}`);
}

/** What is never stored has no columns: who takes it as a table alone gets nothing. Throws 406. */
export function requireNoTable(accept: string): void {
  const ranges = parseAccept(accept);
  if (ranges.length > 0 && ranges.every(({ parameters }) => parameters['as'] === 'Table')) throw notServed();
}

/** The best liked first, those liked alike in the order in which they are told. */
function byPreference(ranges: MediaRange[]): MediaRange[] {
  const liked = ({ parameters: { q } }: MediaRange): number => (q === undefined ? 1 : Number(q) || 0);
  return ranges.toSorted((a, b) => liked(b) - liked(a));
}

/** Of a watch: a stream of events is never YAML. Throws 406. */
export function streamFormOf(accept: string): Form {
  const form = formOf(accept);
  if (form.mediaType === 'application/yaml') throw new ApiError('NotAcceptable', `${TOLD}${WATCHED}`);
  return form;
}

/** Metadata of one object are no list, and the other way round. Throws 406. */
export function requireShape({ as, asList = false }: Form, { ref, typeName }: ToldKind, isList: boolean): void {
  if (as !== 'partial' || asList === isList) return;
  const isCustom = typeof typeName !== 'string';
  // Upstream looks into an object of no type for its list.
  if (isCustom && asList) throw new ApiError('', 'content is not a list');
  const group = ref.group === '' || ref.group === 'events.k8s.io' ? 'core' : ref.group.split('.', 1)[0];
  const asked = asList ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  const type = isCustom ? 'unstructured.Unstructured' : `${group}.${ref.kind}`;
  const is = isList ? `a list (*${type}List)` : `not a list (*${type})`;
  throw new ApiError('NotAcceptable', `you requested ${asked}, but the requested object is ${is}`);
}
