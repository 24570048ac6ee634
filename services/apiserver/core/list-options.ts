// Decides what a list or a watch asks for, and which combinations of options make no sense. Never reads objects.
import { forbidden, invalid, notSupported, quoted, type FieldError } from '../../../lib/api/field-error.ts';
import { matchesFields, parseFieldSelector, type FieldRequirement } from '../../../lib/api/field-selectors.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { matchesLabels, parseLabelSelector, type Requirements } from '../../../lib/api/selectors.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { decodeContinue } from './continue-token.ts';
import { isTrue, parseInt64 } from './query-number.ts';

export type VersionMatch = '' | 'Exact' | 'NotOlderThan';
const MATCHES: readonly string[] = ['Exact', 'NotOlderThan', ''];

export interface ListOptions {
  labels: Requirements;
  fields: readonly FieldRequirement[];
  /** 0: no limit. */
  limit: number;
  continue: string;
  /** '' : the newest; '0': whatever is at hand. */
  resourceVersion: string;
  match: VersionMatch;
  timeoutSeconds: number;
  allowBookmarks: boolean;
  /** Undefined: not said. */
  sendInitialEvents: boolean | undefined;
}

const REF = { group: 'meta.k8s.io', kind: 'ListOptions' };

export function listOptions(query: URLSearchParams, kind: Kind, isWatch: boolean): ListOptions {
  const options: ListOptions = {
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
    fields: parseFieldSelector(query.get('fieldSelector') ?? '', kind),
    limit: whole(query, 'limit'),
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    match: (query.get('resourceVersionMatch') ?? '') as VersionMatch,
    timeoutSeconds: whole(query, 'timeoutSeconds'),
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
  };
  check(options, isWatch);
  return options;
}

export function matcherOf(
  options: Pick<ListOptions, 'labels' | 'fields'>,
  kind: Kind,
): (object: KubeObject) => boolean {
  const { labels, fields } = options;
  if (labels.length === 0 && fields.length === 0) return () => true;
  return (object) => matchesLabels(labels, object.metadata.labels) && matchesFields(fields, kind, object);
}

/** The value that a field must have, if the selector says so: an index may serve it. */
export function fieldValue(options: Pick<ListOptions, 'fields'>, field: string): string {
  return options.fields.find((requirement) => requirement.field === field && requirement.equals)?.value ?? '';
}

/** Throws unless it is '' or a decimal number: 400 for a list. That a watch or a get is told the same with 500 is upstream's. */
export function revisionOf(text: string, isList = false): number {
  if (text === '') return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const isTooLarge = /^\d+$/.test(text) && BigInt(text) >= 2n ** 64n;
  if (/^\d+$/.test(text) && !isTooLarge) return Number.MAX_SAFE_INTEGER;
  const why = isTooLarge ? 'value out of range' : 'invalid syntax';
  const told = `resourceVersion: Invalid value: ${quoted(text)}: strconv.ParseUint: parsing ${quoted(text)}: ${why}`;
  throw isList ? new ApiError('BadRequest', `invalid resource version: ${told}`) : new ApiError('', told);
}

/** Negative ones ask for nothing. */
function whole(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  return text === null ? 0 : Math.max(0, parseInt64(text));
}

function check(options: ListOptions, isWatch: boolean): void {
  const errors = isWatch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid(REF, '', errors);
  // A token that is none is told before what does not go with one.
  if (!isWatch && options.continue !== '') decodeContinue(options.continue);
  revisionOf(options.resourceVersion, !isWatch);
  if (!isWatch && options.continue !== '' && !['', '0'].includes(options.resourceVersion))
    throw new ApiError('BadRequest', 'specifying resource version is not allowed when using continue');
}

const MATCH = 'resourceVersionMatch';

function watchErrors({ match, sendInitialEvents, ...options }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const isSaid = sendInitialEvents !== undefined;
  if (isSaid && match !== 'NotOlderThan')
    errors.push(forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (match === '') return errors;
  if (!isSaid)
    errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  if (match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['NotOlderThan']));
  if (options.continue !== '')
    errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
  return errors;
}

function listErrors({ match, resourceVersion, sendInitialEvents, ...options }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (match !== '') {
    if (resourceVersion === '')
      errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (options.continue !== '')
      errors.push(forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'));
    if (!MATCHES.includes(match)) errors.push(notSupported(MATCH, match, MATCHES));
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents !== undefined)
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return errors;
}
