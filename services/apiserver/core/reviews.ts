// Decides the answers to reviews: what may this user do, and who am I. Never stores anything.
import { GoText, invalid, invalidValue, quoted, type FieldError } from '../../../lib/api/field-error.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import type { Attributes } from './auth/attributes.ts';
import type { PolicyRule } from './auth/rules.ts';
import { nodeOf, type User } from './auth/user.ts';
import { ignoredSelectors, selectorErrors } from './review-selectors.ts';

export interface Verdict {
  allowed: boolean;
  reason: string;
}

export interface ReviewContext {
  user: User;
  namespace: string;
  authorize(asked: Attributes): Verdict;
  rulesFor(user: User, namespace: string): PolicyRule[];
  /** RFC 3339. */
  now: string;
}

type Review = (ctx: ReviewContext, object: KubeObject) => unknown;

/** By plural name; TokenReview needs a signature check and is answered by the edge. */
export const REVIEWS: Record<string, Review> = {
  selfsubjectaccessreviews: (ctx, object) => {
    const spec = object['spec'] ?? {};
    refuse([...specErrors(spec, false), ...metadataErrors(object)]);
    return access(ctx, spec, ctx.user);
  },
  subjectaccessreviews: (ctx, object) => {
    const spec = object['spec'] ?? {};
    refuse([...specErrors(spec, true), ...metadataErrors(object)]);
    return access(ctx, spec, subjectOf(spec));
  },
  localsubjectaccessreviews: (ctx, object) => localAccess(ctx, object),
  selfsubjectrulesreviews: (ctx, object) => rules(ctx, object['spec'] ?? {}),
  selfsubjectreviews: (ctx) => ({ userInfo: userInfo(ctx.user) }),
};

export function userInfo(user: User): object {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}

function access(ctx: ReviewContext, spec: any, user: User): unknown {
  const asked = attributesFrom(spec, user);
  const { allowed, reason } = ctx.authorize(asked);
  const ignored = ignoredSelectors(spec.resourceAttributes);
  return {
    allowed,
    ...(reason === '' ? {} : { reason }),
    ...(ignored === '' ? {} : { evaluationError: ignored }),
  };
}

function localAccess(ctx: ReviewContext, object: KubeObject): unknown {
  const spec = object['spec'] ?? {};
  if ((object.metadata.namespace ?? '') === '') object.metadata.namespace = ctx.namespace;
  if (object.metadata.namespace !== ctx.namespace)
    throw new ApiError(
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  const { resourceAttributes: on, nonResourceAttributes: path } = spec;
  const errors = specErrors(spec, true);
  if (on !== undefined && (on.namespace ?? '') !== ctx.namespace)
    errors.push(invalidValue('spec.resourceAttributes.namespace', on.namespace ?? '', 'must match metadata.namespace'));
  if (path !== undefined)
    errors.push(invalidValue('spec.nonResourceAttributes', goPath(path), 'disallowed on this kind of request'));
  refuse(errors);
  return access(ctx, spec, subjectOf(spec));
}

function subjectOf(spec: any): User {
  const { user: name = '', groups = [], uid, extra } = spec;
  return { name, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

/** Upstream tells the group alone. */
function refuse(errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const refusal = invalid({ group: 'authorization.k8s.io', kind: '' }, '', errors);
  const { kind: _none, ...details } = refusal.details!;
  throw new ApiError('Invalid', refusal.message, details);
}

const goPath = ({ path = '', verb = '' }: any): GoText =>
  GoText.bare(`authorization.NonResourceAttributes{Path:${quoted(path)}, Verb:${quoted(verb)}}`);

/** A review is of nothing that is stored. */
function metadataErrors({ metadata }: KubeObject): FieldError[] {
  const { managedFields: _owners, creationTimestamp: _never, ...given } = metadata ?? {};
  return Object.keys(given).length === 0 ? [] : [invalidValue('metadata', given, 'must be empty')];
}

/** In upstream's words. `needsSubject`: it is not about who asks. */
function specErrors(spec: any, needsSubject: boolean): FieldError[] {
  const { resourceAttributes: on, nonResourceAttributes: path, user = '', groups = [] } = spec;
  const errors: FieldError[] = [];
  if (on !== undefined && path !== undefined) {
    const why = 'cannot be specified in combination with resourceAttributes';
    errors.push(invalidValue('spec.nonResourceAttributes', goPath(path), why));
  }
  if (on === undefined && path === undefined) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.push(invalidValue('spec.resourceAttributes', 'null', why));
  }
  if (needsSubject && user === '' && groups.length === 0)
    errors.push(invalidValue('spec.user', '', 'at least one of user or group must be specified'));
  return [...errors, ...selectorErrors(on)];
}

function attributesFrom(spec: any, user: User): Attributes {
  const { resourceAttributes: on, nonResourceAttributes: path } = spec;
  const none = { resource: '', group: '', subresource: '', namespace: '', name: '' };
  if (path !== undefined) return { user, verb: path.verb ?? '', path: path.path ?? '', ...none };
  const { verb = '', resource = '', group = '', subresource = '', namespace = '', name = '' } = on;
  const asked = { user, verb, resource, group, subresource, namespace, name };
  return on.fieldSelector === undefined ? asked : { ...asked, fieldSelector: selectorText(on.fieldSelector) };
}

/** A selector comes as a text, or as requirements; those on one value are all that an authorizer looks at. */
function selectorText({ rawSelector, requirements = [] }: any): string {
  if (rawSelector) return rawSelector;
  return requirements
    .filter(({ operator, values = [] }: any) => operator === 'In' && values.length === 1)
    .map(({ key, values }: any) => `${key}=${values[0]}`)
    .join(',');
}

function rules(ctx: ReviewContext, spec: any): unknown {
  const namespace: string = spec.namespace ?? '';
  if (namespace === '') throw new ApiError('BadRequest', 'no namespace on request');
  const all = ctx.rulesFor(ctx.user, namespace);
  return {
    resourceRules: all
      .filter((rule) => (rule.resources ?? []).length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames === undefined ? {} : { resourceNames }),
      })),
    nonResourceRules: all
      .filter((rule) => (rule.nonResourceURLs ?? []).length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    ...(nodeOf(ctx.user) === undefined
      ? { incomplete: false }
      : { incomplete: true, evaluationError: 'node authorizer does not support user rule resolution' }),
  };
}
