// Decides which container of which pod on which node a request for logs, a command or a port means, and what it asks of
// it. Never talks to the kubelet.
import { forbidden, invalid, invalidValue, type FieldError } from '../../../lib/api/field-error.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import type { StreamOpen } from '../../../lib/bus/messages.ts';
import type { CachedObject } from '../core/cache/cached-object.ts';
import { parseInt64 } from '../core/query-number.ts';

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
    throw new ApiError('BadRequest', `container ${asked} is not valid for pod ${pod.name}`);
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
  return { ...named(id, pod, container), logs: logOptions(pod.name, query) };
}

/** Throws 400 for what cannot be read, 422 for what may not be asked. */
export function logOptions(podName: string, query: URLSearchParams): LogOptions {
  const flag = (name: string): object => (['true', '1'].includes(query.get(name) ?? '') ? { [name]: true } : {});
  const number = (name: string): object => {
    const value = wholeNumber(query, name);
    return value === undefined ? {} : { [name]: value };
  };
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && Number.isNaN(Date.parse(sinceTime)))
    throw new ApiError('BadRequest', `sinceTime must be an RFC 3339 time, not ${JSON.stringify(sinceTime)}`);
  const logs: LogOptions = {
    ...flag('follow'),
    ...flag('previous'),
    ...flag('timestamps'),
    ...number('tailLines'),
    ...number('sinceSeconds'),
    ...number('limitBytes'),
    ...(sinceTime === null ? {} : { sinceTime }),
  };
  const errors = problemsOf(logs);
  if (query.has('stream')) errors.push(forbidden('stream', 'may not be specified'));
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, podName, errors);
  return logs;
}

type LogOptions = NonNullable<StreamOpen['logs']>;

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  return parseInt64(text);
}

/** As upstream's validation of PodLogOptions words it. */
function problemsOf({ tailLines = 0, limitBytes = 1, sinceSeconds, sinceTime }: LogOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (tailLines < 0) errors.push(invalidValue('tailLines', tailLines, 'must be greater than or equal to 0'));
  if (limitBytes < 1) errors.push(invalidValue('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    errors.push(invalidValue('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  return errors;
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
