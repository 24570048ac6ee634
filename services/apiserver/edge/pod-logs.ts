// Does: brings a container's logs from its node to an HTTP client, no faster than the client reads. Never keeps a log.
import { ApiError } from '../../../lib/base/errors.ts';
import type { StreamFrame } from '../../../lib/bus/messages.ts';
import { openStream, type BusStream } from '../../../lib/bus/streams.ts';
import type { Answer, Call } from './call.ts';
import { flushHeaders, isGone, type Response } from './http-exchange.ts';
import type { ApiParts } from './parts.ts';
import { logsOpen, podTarget } from './pod-target.ts';

type StreamAnswer = Extract<Answer, { type: 'stream' }>;

export async function openLogs(parts: ApiParts, call: Call, answer: StreamAnswer): Promise<BusStream> {
  const { ctx } = parts;
  const { node, kubelet, container } = podTarget(answer.pod, call.query);
  const open = logsOpen(ctx.chance.uuid(), answer.pod, container, call.query);
  return openStream(ctx, { node, instance: kubelet }, 'logs', open);
}

export async function sendLogs(parts: ApiParts, call: Call, answer: StreamAnswer, response: Response): Promise<void> {
  if (answer.info.subresource !== 'log') throw new ApiError('BadRequest', 'Upgrade request required');
  const stream = await openLogs(parts, call, answer);
  response.writeHead(200, { 'content-type': 'text/plain' });
  flushHeaders(response);
  response.on('close', () => stream.close());
  if (isGone(response)) stream.close();
  stream.onFrame((frame: StreamFrame) => {
    if (frame.type === 'data') return written(response, frame.data);
    if (frame.type === 'error' && frame.status.reason !== 'Gone')
      response.write(`\n${frame.status.message ?? 'the logs broke off'}\n`);
    return undefined;
  });
  await stream.closed;
  response.end();
}

/** Resolves when the client has room for more, or is gone. */
function written(response: Response, data: Uint8Array): Promise<void> | undefined {
  if (response.write(data)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
