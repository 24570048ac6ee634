// Decides what a permission is asked for: the words of authorization. Never grants anything.
import { ApiError } from '../../../../lib/base/errors.ts';
import type { RequestInfo } from '../request-info.ts';
import type { User } from './user.ts';

export interface Attributes {
  user: User;
  verb: string;
  /** '' with a nonResource path. */
  resource: string;
  group: string;
  subresource: string;
  namespace: string;
  name: string;
  /** Set for non-resource requests only. */
  path?: string;
  /** Of list, watch and deletecollection: what the caller restricts itself to. */
  fieldSelector?: string;
}

export function attributesOf(user: User, info: RequestInfo, query: URLSearchParams): Attributes {
  if (!info.isResource)
    return {
      user,
      verb: info.verb,
      resource: '',
      group: '',
      subresource: '',
      namespace: '',
      name: '',
      path: info.path,
    };
  const { verb, resource, group, subresource, namespace, name } = info;
  return { user, verb, resource, group, subresource, namespace, name, fieldSelector: query.get('fieldSelector') ?? '' };
}

/** Refused before anything was looked at: that says so to browsers, too. */
export class AccessDenied extends ApiError {
  constructor(asked: Attributes, reason: string) {
    const { name, group, resource, path } = asked;
    const target = { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource };
    super('Forbidden', refusalText(asked, reason), path === undefined ? target : {});
  }
}

/** Upstream's sentence: `pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "x"`. */
export function refusalText(asked: Attributes, reason: string): string {
  const tail = reason === '' ? '' : `: ${reason}`;
  const who = `User ${JSON.stringify(asked.user.name)} cannot ${asked.verb}`;
  if (asked.path !== undefined) return `forbidden: ${who} path ${JSON.stringify(asked.path)}${tail}`;
  const resource = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const qualified = asked.group === '' ? asked.resource : `${asked.resource}.${asked.group}`;
  const what = asked.name === '' ? `${qualified} is` : `${qualified} ${JSON.stringify(asked.name)} is`;
  const where = asked.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(asked.namespace)}`;
  return `${what} forbidden: ${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(asked.group)} ${where}${tail}`;
}
