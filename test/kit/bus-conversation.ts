// Does: holds a whole conversation with a kubelet over the bus, as the API actor does for its clients: says everything, hears
// everything. Never checks what may be asked.
import { systemClock } from '../../lib/actor/system.ts';
import { openStream, type StreamVerb } from '../../lib/bus/streams.ts';
import type { TestApi } from './api-server.ts';

export interface Conversation {
  out: string;
  err: string;
  code: number | undefined;
}

let conversations = 0;

/** With the kubelet of `node-1`. Rejects with what the kubelet says went wrong. */
export async function converseWith(
  api: TestApi,
  verb: StreamVerb,
  asked: { namespace: string; pod: string; container: string },
  input?: string,
): Promise<Conversation> {
  const bus = api.network.connect('apiserver-9');
  const open = { id: `s${++conversations}`, ...asked };
  const kubelet = { node: 'node-1', instance: 'kubelet-node-1' };
  const stream = await openStream({ cluster: 'c1', bus, clock: systemClock }, kubelet, verb, open);
  const said: Conversation = { out: '', err: '', code: undefined };
  let failure: string | undefined;
  stream.onFrame((frame) => {
    if (frame.type === 'data' && frame.channel === 'stdout') said.out += Buffer.from(frame.data).toString();
    if (frame.type === 'data' && frame.channel === 'stderr') said.err += Buffer.from(frame.data).toString();
    if (frame.type === 'exit') said.code = frame.code;
    if (frame.type === 'error') failure = frame.status.message;
  });
  if (input !== undefined) {
    await stream.write('stdin', Buffer.from(input));
    stream.end('stdin');
  }
  await stream.closed;
  await bus.close();
  if (failure !== undefined) throw new Error(failure);
  return said;
}
