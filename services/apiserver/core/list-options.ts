// Decides what a list or a watch asks for, and which combinations of options make no sense. Never reads objects.
import { invalid } from '../../../lib/api/field-error.ts';
import { matchesFields, parseFieldSelector, type FieldRequirement } from '../../../lib/api/field-selectors.ts';
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { matchesLabels, parseLabelSelector, type Requirements } from '../../../lib/api/selectors.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { parseInt64 } from './query-number.ts';
import { isTrue } from './request-info.ts';

export type VersionMatch = '' | 'Exact' | 'NotOlderThan';

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
    match: matchOf(query),
    timeoutSeconds: whole(query, 'timeoutSeconds'),
    allowBookmarks: query.has('allowWatchBookmarks') && isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
  };
  check(options, query, isWatch);
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

/** Throws 400 unless it is '' or a decimal number. */
export function revisionOf(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,15}$/.test(text))
    throw new ApiError(
      'BadRequest',
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: it is a decimal number that an earlier answer gave`,
    );
  return Number(text);
}

/** Negative ones ask for nothing. */
function whole(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  return Math.max(0, parseInt64(text));
}

function matchOf(query: URLSearchParams): VersionMatch {
  const text = query.get('resourceVersionMatch') ?? '';
  if (text === '' || text === 'Exact' || text === 'NotOlderThan') return text;
  throw invalid(REF, '', [
    {
      code: 'FieldValueNotSupported',
      path: 'resourceVersionMatch',
      message: `Unsupported value: ${JSON.stringify(text)}: supported values: "Exact", "NotOlderThan"`,
    },
  ]);
}

function check(options: ListOptions, query: URLSearchParams, isWatch: boolean): void {
  const refuse = (path: string, why: string): never => {
    throw invalid(REF, '', [{ code: 'FieldValueForbidden', path, message: `Forbidden: ${why}` }]);
  };
  revisionOf(options.resourceVersion);
  if (isWatch) {
    if (query.has('sendInitialEvents') && options.match !== 'NotOlderThan')
      refuse('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    if (options.match !== '' && !query.has('sendInitialEvents'))
      refuse(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    if (options.match === 'Exact')
      refuse('resourceVersionMatch', 'resourceVersionMatch "Exact" is forbidden for watch');
    return;
  }
  if (query.has('sendInitialEvents')) refuse('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  if (options.match !== '' && options.continue !== '')
    refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
  if (options.match !== '' && options.resourceVersion === '')
    refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (options.match === 'Exact' && options.resourceVersion === '0')
    refuse('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (options.continue !== '' && options.resourceVersion !== '' && options.resourceVersion !== '0')
    throw new ApiError('BadRequest', 'specifying resource version is not allowed when using continue');
}
