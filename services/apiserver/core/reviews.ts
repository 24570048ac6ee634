// Decides the answers to reviews: what may this user do, and who am I. Never stores anything.
import type { KubeObject } from '../../../lib/api/object.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import type { Attributes } from './auth/attributes.ts';
import type { PolicyRule } from './auth/rules.ts';
import type { User } from './auth/user.ts';

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
  selfsubjectaccessreviews: (ctx, object) => access(ctx, object['spec'] ?? {}, ctx.user),
  subjectaccessreviews: (ctx, object) => access(ctx, object['spec'] ?? {}, subjectOf(object['spec'] ?? {})),
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
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function localAccess(ctx: ReviewContext, object: KubeObject): unknown {
  const spec = object['spec'] ?? {};
  const namespace = spec.resourceAttributes?.namespace ?? '';
  if (namespace !== ctx.namespace)
    throw new ApiError(
      'BadRequest',
      `spec.resourceAttributes.namespace must match namespace: ${JSON.stringify(namespace)} is not ${JSON.stringify(ctx.namespace)}`,
    );
  return access(ctx, spec, subjectOf(spec));
}

function subjectOf(spec: any): User {
  if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0)
    throw new ApiError('BadRequest', 'spec.user or spec.groups: at least one of both must be given');
  return { name: spec.user ?? '', groups: spec.groups ?? [], ...(spec.uid === undefined ? {} : { uid: spec.uid }) };
}

function attributesFrom(spec: any, user: User): Attributes {
  const { resourceAttributes: on, nonResourceAttributes: path } = spec;
  if ((on === undefined) === (path === undefined))
    throw new ApiError('BadRequest', 'spec: exactly one of resourceAttributes and nonResourceAttributes must be given');
  const none = { resource: '', group: '', subresource: '', namespace: '', name: '' };
  if (path !== undefined) return { user, verb: path.verb ?? '', path: path.path ?? '', ...none };
  const { verb = '', resource = '', group = '', subresource = '', namespace = '', name = '' } = on;
  return { user, verb, resource, group, subresource, namespace, name };
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
    incomplete: false,
  };
}
