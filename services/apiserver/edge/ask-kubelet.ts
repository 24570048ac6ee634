// Does: asks the kubelet of a node for something that it tells as one JSON text. Never decides who may ask.
import { ApiError } from '../../../lib/base/errors.ts';
import type { StreamOpen } from '../../../lib/bus/messages.ts';
import { openStream } from '../../../lib/bus/streams.ts';
import type { ApiParts } from './parts.ts';

/** Throws ApiError where the kubelet refuses, or does not answer in time. */
export async function askKubelet(
  { ctx }: ApiParts,
  node: string,
  verb: 'usage' | 'page',
  more: Pick<StreamOpen, 'path'> = {},
): Promise<unknown> {
  const open = { id: ctx.chance.uuid(), namespace: '', pod: '', container: '', ...more };
  const stream = await openStream(ctx, { node, instance: `kubelet-${node}` }, verb, open);
  const chunks: Uint8Array[] = [];
  let failure: ApiError | undefined;
  stream.onFrame((frame) => {
    if (frame.type === 'data') chunks.push(frame.data);
    if (frame.type === 'error' && frame.status.reason !== 'Gone') failure = ApiError.fromStatus(frame.status);
  });
  await stream.closed;
  if (failure !== undefined) throw failure;
  return JSON.parse(Buffer.concat(chunks).toString());
}
