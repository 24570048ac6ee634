// Does: answers metrics.k8s.io: asks the kubelets of the nodes that are meant what their containers use. Never keeps a history.
import type { Kind } from '../../../lib/api/kind.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { type ApiError, messageOf } from '../../../lib/base/errors.ts';
import type { NodeUsage } from '../../../lib/bus/messages.ts';
import { listOptions, matcherOf } from '../core/list-options.ts';
import { notFound } from '../core/pipeline/plan.ts';
import { isSpeaking, nodeMetrics, podMetrics } from '../core/usage.ts';
import type { ResourceRequest } from '../core/request-info.ts';
import { methodNotAllowed } from '../core/request-info.ts';
import type { Target } from './api.ts';
import { askKubelet } from './ask-kubelet.ts';
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';
import { makeFresh } from './reads.ts';

export const METRICS_GROUP = 'metrics.k8s.io';

export async function answerUsage(parts: ApiParts, call: Call, target: Target): Promise<Answer> {
  const { info, kind } = target;
  if (info.verb !== 'get' && info.verb !== 'list') throw methodNotAllowed();
  await makeFresh(parts, call, '0');
  const ask = asker(parts);
  const meant = meantBy(parts, call, target);
  const found = kind.ref.resource === 'nodes' ? await ofNodes(meant, ask) : await ofPods(meant, ask);
  if (info.verb === 'list') return answer(list(kind, found));
  const [only] = found;
  if (only === undefined) throw notMeasured(kind, info);
  return answer(only);
}

/** metrics-server calls what it has of a node or pod by another name than its resource. */
function notMeasured(kind: Kind, { namespace, name }: ResourceRequest): ApiError {
  const resource = kind.ref.resource === 'nodes' ? 'nodemetrics' : 'podmetrics';
  const asked = kind.ref.namespaced ? `${namespace}/${name}` : name;
  return notFound({ ...kind, ref: { ...kind.ref, resource } }, asked);
}

const answer = (body: object): Answer => ({ type: 'object', code: 200, body });
const list = (kind: Kind, items: KubeObject[]): object => ({
  kind: kind.listKind,
  apiVersion: 'metrics.k8s.io/v1beta1',
  metadata: {},
  items,
});

/** The nodes or pods that the request is about. */
function meantBy(parts: ApiParts, call: Call, { info, kind }: Target): KubeObject[] {
  const stream = `core/${kind.ref.resource}`;
  if (info.verb === 'get') {
    const namespace = kind.ref.namespaced ? info.namespace : '';
    const item = parts.cache.get({ stream, namespace, name: info.name });
    return item === undefined ? [] : [item.object];
  }
  const matches = matcherOf(listOptions(call.query, kind, false), kind);
  const namespace = kind.ref.namespaced ? info.namespace : '';
  return [...parts.cache.list(stream, namespace)].map(({ object }) => object).filter(matches);
}

type Ask = (node: string) => Promise<NodeUsage | undefined>;

async function ofNodes(nodes: readonly KubeObject[], ask: Ask): Promise<KubeObject[]> {
  const usages = await Promise.all(nodes.map((node) => ask(node.metadata.name)));
  return nodes.flatMap((node, i) => (usages[i] === undefined ? [] : [nodeMetrics(node, usages[i])]));
}

async function ofPods(pods: readonly KubeObject[], ask: Ask): Promise<KubeObject[]> {
  const nodeOf = (pod: KubeObject): string => pod['spec']?.nodeName ?? '';
  const names = [...new Set(pods.map(nodeOf))].filter((name) => name !== '');
  const usages = new Map(await Promise.all(names.map(async (name) => [name, await ask(name)] as const)));
  return pods.flatMap((pod) => {
    const usage = usages.get(nodeOf(pod));
    return (usage === undefined ? undefined : podMetrics(pod, usage)) ?? [];
  });
}

/** A node that does not answer is left out, as one that nobody has measured yet. */
function asker(parts: ApiParts): Ask {
  return async (name) => {
    const node = parts.cache.get({ stream: 'core/nodes', namespace: '', name })?.object;
    if (node === undefined || !isSpeaking(node)) return undefined;
    try {
      return (await askKubelet(parts, name, 'usage')) as NodeUsage;
    } catch (error) {
      parts.ctx.log.debug({ error: messageOf(error), node: name }, 'a kubelet did not tell its usage');
      return undefined;
    }
  };
}
