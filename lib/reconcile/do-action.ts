// Does: carries out one exact action through the API and says which write came of it. Never decides, never retries.
import type { ResourceRef } from '../api/resource.ts';
import { ApiError, isReason } from '../base/errors.ts';
import type { SpanWrite } from '../bus/messages.ts';
import type { Client, ObjectList } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { Action, KubeObject } from './controller.ts';

export interface Done {
  /** One line for the trace. */
  did: string;
  wrote?: SpanWrite;
}

export async function doAction(
  action: Action,
  client: Client,
  events: EventRecorder,
  span: { cause: import('../bus/messages.ts').Cause },
): Promise<Done> {
  if (action.type === 'event') {
    events.record({
      regarding: action.regarding,
      eventType: action.eventType,
      reason: action.reason,
      message: action.message,
      cause: span.cause,
    });
    return { did: `event ${action.reason}: ${action.message}` };
  }
  const answer = await send(action, client);
  const name =
    answer?.metadata?.name ??
    ('name' in action
      ? action.name
      : 'object' in action
        ? ((action.object as Partial<KubeObject>).metadata?.name ?? '')
        : '');
  const verb =
    action.type === 'updateStatus'
      ? 'update status of'
      : action.type === 'post'
        ? `post ${action.subresource} of`
        : action.type;
  const did = `${verb} ${action.ref.kind} ${action.namespace === '' ? '' : `${action.namespace}/`}${name}`;
  const revision = Number(answer?.metadata?.resourceVersion);
  if (!Number.isFinite(revision)) return { did };
  return { did, wrote: { verb: action.type, kind: action.ref.kind, namespace: action.namespace, name, revision } };
}

/** The object as it stands after the write; undefined where the API only says Success. */
async function send(action: Exclude<Action, { type: 'event' }>, client: Client): Promise<KubeObject | undefined> {
  const at = { namespace: action.namespace, name: 'name' in action ? action.name : '' };
  switch (action.type) {
    case 'create':
      return client.create<KubeObject>(action.ref, action.namespace, action.object);
    case 'update':
      return client.update<KubeObject>(
        action.ref,
        action.subresource === undefined ? at : { ...at, subresource: action.subresource },
        action.object,
      );
    case 'updateStatus':
      return client.update<KubeObject>(action.ref, { ...at, subresource: 'status' }, action.object);
    case 'patch':
      return client.patch<KubeObject>(
        action.ref,
        action.subresource === undefined ? at : { ...at, subresource: action.subresource },
        action.contentType,
        action.patch,
      );
    case 'post':
      return client.post<KubeObject>(action.ref, { ...at, subresource: action.subresource }, action.object);
    case 'empty':
      await empty(action, client);
      return undefined;
    case 'delete':
      try {
        return await client.delete<KubeObject>(action.ref, at, {
          uid: action.uid,
          ...(action.graceSeconds === undefined ? {} : { graceSeconds: action.graceSeconds }),
          ...(action.propagationPolicy === undefined ? {} : { propagationPolicy: action.propagationPolicy }),
        });
      } catch (error) {
        // Gone already: what we wanted. Another object of that name (uid differs) is a Conflict and not ours to touch.
        if (isReason(error, 'NotFound')) return undefined;
        throw error;
      }
  }
}

const FEW = 500;

async function empty({ ref, namespace }: { ref: ResourceRef; namespace: string }, client: Client): Promise<void> {
  const listed = (): Promise<ObjectList<KubeObject>> => client.list<KubeObject>(ref, { namespace, limit: FEW });
  const { items } = await listed();
  if (items.length === 0) return;
  try {
    await client.deleteCollection(ref, namespace, { propagationPolicy: 'Background' });
  } catch (error) {
    // Not every server can delete many at once.
    if (!isReason(error, 'MethodNotAllowed')) throw error;
    for (const { metadata } of items)
      await client
        .delete(ref, { namespace, name: metadata.name }, { propagationPolicy: 'Background' })
        .catch((failure: unknown) => {
          if (!isReason(failure, 'NotFound')) throw failure;
        });
  }
  const left = (await listed()).items.length;
  if (left > 0)
    throw new ApiError(
      'Conflict',
      `${left} ${ref.resource}.${ref.group} are left in the namespace ${JSON.stringify(namespace)}`,
    );
}
