// Decides the shape of an audit event (audit.k8s.io/v1 Event) at each stage of a request. Never decides whether it is kept.
import type { AuditLevel, AuditStage } from '../../../../lib/api/audit-policy.ts';
import { toMicroTime } from '../../../../lib/base/clock.ts';
import type { Status } from '../../../../lib/base/errors.ts';
import type { User } from '../auth/user.ts';
import type { RequestInfo } from '../request-info.ts';
import { userInfo } from '../reviews.ts';

/** What is known of a request; more while it goes on. */
export interface Audited {
  level: AuditLevel;
  auditId: string;
  uri: string;
  info: RequestInfo;
  /** Who asked; undefined: it could not be found out. */
  user: User | undefined;
  /** As whom, when it is another. */
  impersonated?: User | undefined;
  sourceIps: readonly string[];
  userAgent: string;
  /** Milliseconds since 1970. */
  receivedAt: number;
  /** Of the object that the body holds, where the path does not say it. */
  name?: string | undefined;
  /** Only at the levels that show them. */
  requestObject?: unknown;
  responseObject?: unknown;
  annotations: Record<string, string>;
}

export interface Outcome {
  code: number;
  /** Of an answer that is one. */
  status?: Status | undefined;
}

/** `outcome` is undefined before there is one. */
export function auditEvent(audited: Audited, stage: AuditStage, now: number, outcome?: Outcome): object {
  const { level, auditId, uri, info, user, impersonated, sourceIps, userAgent, receivedAt, annotations } = audited;
  // Of somebody who is not known the refusal is all that is told.
  const atEnd = stage === 'ResponseComplete' || stage === 'Panic' || user === undefined;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level,
    auditID: auditId,
    stage,
    requestURI: uri,
    verb: info.verb,
    user: user === undefined ? {} : userInfo(user),
    ...(impersonated === undefined ? {} : { impersonatedUser: userInfo(impersonated) }),
    ...(sourceIps.length === 0 ? {} : { sourceIPs: sourceIps }),
    ...(userAgent === '' ? {} : { userAgent }),
    ...(info.isResource ? { objectRef: objectRef(audited) } : {}),
    ...(outcome === undefined ? {} : { responseStatus: responseStatus(outcome) }),
    ...(stage !== 'RequestReceived' && audited.requestObject !== undefined
      ? { requestObject: audited.requestObject }
      : {}),
    ...(atEnd && audited.responseObject !== undefined ? { responseObject: audited.responseObject } : {}),
    requestReceivedTimestamp: toMicroTime(receivedAt),
    stageTimestamp: toMicroTime(now),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

function objectRef({ info, name }: Audited): object {
  if (!info.isResource) return {};
  const fields = {
    resource: info.resource,
    namespace: info.namespace,
    name: info.name === '' ? (name ?? '') : info.name,
    apiGroup: info.group,
    apiVersion: info.version,
    subresource: info.subresource,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

function responseStatus({ code, status }: Outcome): object {
  if (status === undefined) return { metadata: {}, code };
  const { kind: _kind, apiVersion: _version, metadata, ...rest } = status;
  return { metadata, ...rest, code };
}

/** The object without who owns which field; of a list, each of its objects. */
export function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object;
  const { metadata, items } = object as { metadata?: Record<string, unknown>; items?: unknown };
  const { managedFields: _managed, ...rest } = metadata ?? {};
  return {
    ...object,
    ...(metadata === undefined ? {} : { metadata: rest }),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
  };
}
