// Does: answers a request for the proxy of a node: its kubelet is asked over the bus, for it listens to nobody. Never keeps what
// it said.
import type { NodePage } from '../../../lib/bus/messages.ts';
import { proxiedPath, proxyLocation, proxyTargetOf, unreachable } from '../core/proxy-target.ts';
import type { Target } from './api.ts';
import type { Answer, Call } from './call.ts';
import { askKubelet } from './ask-kubelet.ts';
import type { ApiParts } from './parts.ts';
import { readItem } from './reads.ts';

/** Where the kubelets of others listen: whoever names it means the kubelet. */
const KUBELET_PORT = '10250';
const READS = new Set(['GET', 'HEAD']);

/** Throws 404 for a node that is not there, 503 for one that does not answer. */
export async function nodePage(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { name, port } = proxyTargetOf(target.info.name);
  // Whatever is asked there is asked of the node.
  const withoutQuery = { ...call, query: new URLSearchParams() };
  await readItem(parts, withoutQuery, { ...target, info: { ...target.info, name } });
  const location = proxyLocation(call.method, call.path, call.query.toString());
  if (location !== undefined) return moved(location);
  if (port !== '' && port !== KUBELET_PORT)
    throw unreachable(new Error(`only the kubelet of a node is reached through its proxy, port ${KUBELET_PORT}`));
  if (!READS.has(call.method)) return page({ code: 405, contentType: 'text/plain', body: '405: Method Not Allowed' });
  try {
    return page((await askKubelet(parts, name, 'page', { path: decodeURI(proxiedPath(call.path).path) })) as NodePage);
  } catch (error) {
    throw unreachable(error);
  }
}

function page({ code, contentType, body }: NodePage): Answer {
  return { type: 'bytes', code, contentType, bytes: Buffer.from(body), headers: {} };
}

function moved(location: string): Answer {
  return { type: 'bytes', code: 301, contentType: 'text/html', bytes: Buffer.from(''), headers: { location } };
}
