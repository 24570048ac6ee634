// Decides which container of which pod on which node a request for logs, a command or a port means, and what it asks of
// it. Never talks to the kubelet.
import { ApiError } from '../../../lib/base/errors.ts';
import type { StreamOpen } from '../../../lib/bus/messages.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';

export interface PodTarget {
  node: string;
  /** Instance of the node's kubelet on the bus. */
  kubelet: string;
  container: string;
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** Throws 400 when the pod is on no node or the container is not clear. */
export function podTarget(pod: CachedObject, query: URLSearchParams): PodTarget {
  const spec = pod.object['spec'] ?? {};
  const containers: string[] = [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ].map((container) => container.name);
  const container = chosen(pod, query.get('container') ?? '', containers, (spec.containers ?? []).length);
  return { ...nodeOf(pod), container };
}

/** Throws 400 when the pod is on no node. */
export function nodeOf(pod: CachedObject): { node: string; kubelet: string } {
  const node: string = pod.object['spec']?.nodeName ?? '';
  if (node === '') throw new ApiError('BadRequest', `pod ${pod.name} does not have a host assigned`);
  return { node, kubelet: `kubelet-${node}` };
}

function chosen(pod: CachedObject, asked: string, containers: readonly string[], regular: number): string {
  if (asked !== '') {
    if (containers.includes(asked)) return asked;
    throw new ApiError(
      'BadRequest',
      `container ${asked} is not valid for pod ${pod.name}, choose one of: [${containers.join(' ')}]`,
    );
  }
  const annotated = pod.object.metadata.annotations?.[DEFAULT_CONTAINER];
  if (annotated !== undefined && containers.includes(annotated)) return annotated;
  if (regular === 1) return containers[0]!;
  throw new ApiError(
    'BadRequest',
    `a container name must be specified for pod ${pod.name}, choose one of: [${containers.join(' ')}]`,
  );
}

export function logsOpen(id: string, pod: CachedObject, container: string, query: URLSearchParams): StreamOpen {
  const number = (name: string): object => {
    const text = query.get(name);
    if (text === null || text === '') return {};
    if (!/^\d{1,12}$/.test(text))
      throw new ApiError(
        'BadRequest',
        `${name} must be a whole number that is not negative, not ${JSON.stringify(text)}`,
      );
    return { [name]: Number(text) };
  };
  const flag = (name: string): object => (['true', '1'].includes(query.get(name) ?? '') ? { [name]: true } : {});
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && Number.isNaN(Date.parse(sinceTime)))
    throw new ApiError('BadRequest', `sinceTime must be an RFC 3339 time, not ${JSON.stringify(sinceTime)}`);
  const logs = {
    ...flag('follow'),
    ...flag('previous'),
    ...flag('timestamps'),
    ...number('tailLines'),
    ...number('sinceSeconds'),
    ...number('limitBytes'),
    ...(sinceTime === null ? {} : { sinceTime }),
  };
  return { ...named(id, pod, container), logs };
}

export function execOpen(
  id: string,
  pod: CachedObject,
  container: string,
  query: URLSearchParams,
  verb: 'exec' | 'attach',
): StreamOpen {
  const command = query.getAll('command');
  if (verb === 'exec' && command.length === 0)
    throw new ApiError('BadRequest', 'you must specify at least 1 command for the container');
  const { stdin, tty } = commandWants(query);
  return { ...named(id, pod, container), ...(verb === 'exec' ? { command } : {}), stdin, tty };
}

export interface CommandWants {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** Throws 400 when the client would neither say nor hear anything. */
export function commandWants(query: URLSearchParams): CommandWants {
  const wants = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');
  const tty = wants('tty');
  // A terminal has one output.
  const all = { stdin: wants('stdin'), stdout: wants('stdout'), stderr: wants('stderr') && !tty, tty };
  if (!all.stdin && !all.stdout && !all.stderr)
    throw new ApiError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr');
  return all;
}

export function forwardOpen(id: string, pod: CachedObject, port: number): StreamOpen {
  return { ...named(id, pod, ''), port };
}

function named(id: string, pod: CachedObject, container: string): StreamOpen {
  const uid = pod.object.metadata.uid;
  return { id, namespace: pod.namespace, pod: pod.name, container, ...(uid === undefined ? {} : { uid }) };
}
