// Decides which container's log `logs` shows and how much of it. Never changes anything.
import { resourcePath, RESOURCES } from '../../lib/api/resource.ts';
import { toTime } from '../../lib/base/clock.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { defaultContainer, podLabelsOf, type PodLike } from '../core/pod-choice.ts';
import { parseTargets, UsageError } from '../core/resources.ts';
import { openSession, type Session } from '../edge/session.ts';

interface LogsArguments {
  target?: string | undefined;
  'container-name'?: string | undefined;
  container?: string | undefined;
  selector?: string | undefined;
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  prefix: boolean;
  'all-containers': boolean;
  tail: number;
  since?: string | undefined;
  'since-time'?: string | undefined;
  'limit-bytes'?: number | undefined;
}

type Arguments = GlobalArguments & LogsArguments;

export const logsCommand = defineCommand<LogsArguments>({
  command: 'logs [target] [container-name]',
  describe: 'print what a container wrote: logs web-xxx, logs deployment/web -f --tail=20',
  builder: (yargs) =>
    yargs
      .positional('target', { type: 'string', describe: 'a pod, or deployment/web' })
      .positional('container-name', { type: 'string' })
      .option('container', { alias: 'c', type: 'string' })
      .option('selector', { alias: 'l', type: 'string', describe: 'all pods with these labels' })
      .option('follow', { alias: 'f', type: 'boolean', default: false })
      .option('previous', { alias: 'p', type: 'boolean', default: false, describe: 'of the run before' })
      .option('timestamps', { type: 'boolean', default: false })
      .option('prefix', { type: 'boolean', default: false, describe: 'begin each line with its pod and container' })
      .option('all-containers', { type: 'boolean', default: false })
      .option('tail', { type: 'number', default: -1, describe: 'last lines; -1: all (10 with -l)' })
      .option('since', { type: 'string', describe: '10s, 5m' })
      .option('since-time', { type: 'string', describe: 'RFC 3339' })
      .option('limit-bytes', { type: 'number' }),
  handler: (args) => run(args),
});

async function run(args: Arguments): Promise<void> {
  if (args.target === undefined && args.selector === undefined)
    throw new UsageError("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'");
  const session = openSession(args);
  const pods =
    args.selector === undefined ? [await podOf(session, args.target!)] : await podsWith(session, args.selector);
  if (pods.length === 0) {
    console.error(`No resources found in ${session.namespace} namespace.`);
    return;
  }
  const sources = pods.flatMap((pod) =>
    containersOf(pod, args).map((container) => ({ pod: pod.metadata.name, container })),
  );
  const prefixed = args.prefix || sources.length > 1;
  if (args.follow) await Promise.all(sources.map((source) => print(session, source, args, prefixed)));
  else for (const source of sources) await print(session, source, args, args.prefix);
}

function containersOf(pod: PodLike, args: Arguments): string[] {
  if (args['all-containers'])
    return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
  const asked = args.container ?? args['container-name'];
  if (asked !== undefined) return [asked];
  const { name, notice } = defaultContainer(pod);
  if (notice !== undefined) console.error(notice);
  return [name];
}

async function podOf(session: Session, target: string): Promise<PodLike> {
  if (!target.includes('/'))
    return session.client.get<PodLike>(RESOURCES.pods, { namespace: session.namespace, name: target });
  const [{ resource, name } = { resource: undefined, name: undefined }] = parseTargets(
    [target],
    await session.resources(),
  );
  const path = resourcePath(resource!, { namespace: session.namespace, name: name! });
  const object = await session.send<PodLike>({ method: 'GET', path });
  if (resource!.resource === 'pods') return object;
  const pods = await podsWith(session, podLabelsOf(object, `${resource!.resource}/${name}`));
  const [first] = pods.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  if (first === undefined) throw new UsageError(`timed out waiting for the condition: ${target} has no pods`);
  if (pods.length > 1) console.error(`Found ${pods.length} pods, using pod/${first.metadata.name}`);
  return first;
}

async function podsWith(session: Session, labelSelector: string): Promise<PodLike[]> {
  const { items } = await session.client.list<PodLike>(RESOURCES.pods, { namespace: session.namespace, labelSelector });
  return items;
}

async function print(
  session: Session,
  source: { pod: string; container: string },
  args: Arguments,
  prefixed: boolean,
): Promise<void> {
  const path = resourcePath(RESOURCES.pods, { namespace: session.namespace, name: source.pod, subresource: 'log' });
  const answer = await session.stream(
    { method: 'GET', path, query: queryOf(source.container, args) },
    { accept: '*/*' },
  );
  const prefix = prefixed ? `[pod/${source.pod}/${source.container}] ` : '';
  if (prefix === '') {
    for await (const chunk of answer.body) process.stdout.write(chunk);
    return;
  }
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) process.stdout.write(`${prefix}${line}\n`);
  }
  if (rest !== '') process.stdout.write(`${prefix}${rest}\n`);
}

function queryOf(container: string, args: Arguments): Record<string, string> {
  const tail = args.tail >= 0 ? args.tail : args.selector !== undefined ? 10 : undefined;
  return {
    container,
    ...(args.follow ? { follow: 'true' } : {}),
    ...(args.previous ? { previous: 'true' } : {}),
    ...(args.timestamps ? { timestamps: 'true' } : {}),
    ...(tail === undefined ? {} : { tailLines: String(tail) }),
    ...(args.since === undefined
      ? {}
      : { sinceSeconds: String(Math.max(1, Math.ceil(parseDuration(args.since) / 1000))) }),
    ...(args['since-time'] === undefined ? {} : { sinceTime: toTime(Date.parse(args['since-time'])) }),
    ...(args['limit-bytes'] === undefined ? {} : { limitBytes: String(args['limit-bytes']) }),
  };
}
