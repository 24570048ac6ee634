// Decides which spans `trace` shows, and where to: the live stream, the recent past or one apply as a tree, to the
// terminal, as JSON or to an OpenTelemetry collector. Never changes anything.
import { setTimeout as pause } from 'node:timers/promises';
import table from '../../lib/api/generated/kubernetes-types.json' with { type: 'json' };
import { messageOf } from '../../lib/base/errors.ts';
import type { Span } from '../../lib/bus/messages.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { parseTargets, UsageError } from '../core/resources.ts';
import { ExportBuffer } from '../core/trace/export-buffer.ts';
import { kindOf, passes, subjectOfFilter, type TraceFilter } from '../core/trace/filter.ts';
import { streamLine, treeLines } from '../core/trace/text.ts';
import { buildForest, flatten, pruned, storyOf, treeOf } from '../core/trace/tree.ts';
import { joinBus, type ClusterBus } from '../edge/cluster-bus.ts';
import { postSpans, tracesUrl } from '../edge/otlp.ts';
import { openSession } from '../edge/session.ts';

interface TraceArguments {
  target?: string | undefined;
  json: boolean;
  unchanged: boolean;
  reads: boolean;
  actor?: string | undefined;
  kind?: string | undefined;
  name?: string | undefined;
  since?: string | undefined;
  otlp?: string | undefined;
  follow: boolean;
}

type Arguments = GlobalArguments & TraceArguments;

export const traceCommand = defineCommand<TraceArguments>({
  command: 'trace [target]',
  describe: 'follow what every actor does, or one apply as a tree: trace deployment/web',
  builder: (yargs) =>
    yargs
      .positional('target', {
        type: 'string',
        describe: 'kind/name: the tree of its last apply; none: the live stream',
      })
      .option('json', { type: 'boolean', default: false, describe: 'one span a line' })
      .option('unchanged', {
        type: 'boolean',
        default: false,
        describe: 'also what looked and left things as they are',
      })
      .option('reads', {
        type: 'boolean',
        default: false,
        describe: 'also requests that only look: get, list, watch; told as long as this runs',
      })
      .option('actor', { type: 'string', describe: 'only this actor or instance: scheduler, kubelet-node-2' })
      .option('kind', { type: 'string', describe: 'only of this kind of object: pod' })
      .option('name', { type: 'string', describe: 'only of objects of this name; --namespace: only of that namespace' })
      .option('since', { type: 'string', describe: 'begin with the recent past: 30s, 5m' })
      .option('otlp', { type: 'string', describe: 'send to an OpenTelemetry collector: http://localhost:4318' })
      .option('follow', { type: 'boolean', default: true, describe: 'go on live; --no-follow: only what was' }),
  handler: (args) => run(args),
});

async function run(args: Arguments): Promise<void> {
  // What was asked wrongly is told before anything is connected.
  const filter = filterOf(args);
  subjectOfFilter(filter);
  const since = args.since === undefined ? undefined : Date.now() - parseDuration(args.since);
  const otlp = args.otlp === undefined ? undefined : tracesUrl(args.otlp);
  const cluster = await joinBus(args.home);
  try {
    if (args.target !== undefined) await showTree(cluster, args, args.target, otlp);
    else
      await stream(cluster, args, {
        filter,
        since,
        sink: otlp === undefined ? printing(args) : exporting(cluster, otlp),
      });
  } finally {
    await cluster.bus.close();
  }
}

async function stream(
  cluster: ClusterBus,
  args: Arguments,
  { filter, since, sink }: { filter: TraceFilter; since: number | undefined; sink: Sink },
): Promise<void> {
  const seen = new Set<string>();
  const show = (span: Span): void => {
    if (!passes(filter, span) || seen.has(span.id)) return;
    sink.take(span);
  };
  // Subscribed first: nothing falls between the past and the present.
  const early: Span[] = [];
  let isPast = true;
  if (args.follow)
    cluster.followSpans((span) => (isPast ? void early.push(span) : show(span)), subjectOfFilter(filter));
  const past = since !== undefined || !args.follow ? await recent(cluster, since ?? 0) : [];
  for (const span of past) {
    show(span);
    seen.add(span.id);
  }
  for (const span of early) show(span);
  seen.clear();
  isPast = false;
  const wishes = args.reads && args.follow ? wishing(cluster) : undefined;
  // Until the reader has seen enough.
  if (args.follow) await interrupted();
  clearInterval(wishes);
  await sink.end();
}

const WISH_MS = 30_000;

/** The API actors forget the wish by themselves when nobody says it again. */
function wishing(cluster: ClusterBus): NodeJS.Timeout {
  void cluster.wishReads(WISH_MS);
  return setInterval(() => void cluster.wishReads(WISH_MS), WISH_MS / 3);
}

function filterOf(args: Arguments): TraceFilter {
  // All of a story goes out, or its parts would not hang together.
  if (
    args.otlp !== undefined &&
    [args.actor, args.kind, args.name, args.namespace].some((one) => one !== undefined) &&
    args.target === undefined
  )
    throw new UsageError(
      '--otlp sends whole stories: name one (trace deployment/web --otlp URL), or leave the filters out',
    );
  return {
    actor: args.actor,
    kind: args.kind === undefined ? undefined : kindOf(args.kind, table.kinds),
    namespace: args.namespace,
    name: args.name,
    unchanged: args.unchanged || args.otlp !== undefined,
    reads: args.reads,
  };
}

function recent(cluster: ClusterBus, since: number): Promise<Span[]> {
  return cluster.recentSpans(since, (instance) =>
    console.error(`${instance} does not answer: what it remembers is missing here`),
  );
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

// ---- sinks ----------------------------------------------------------------------------------------------------------

interface Sink {
  take(span: Span): void;
  end(): Promise<void>;
}

function printing(args: Arguments): Sink {
  return {
    take: (span) => console.log(args.json ? JSON.stringify(span) : streamLine(span)),
    end: () => Promise.resolve(),
  };
}

const EXPORT_MS = 1000;

/** What the collector does not take is kept, within bounds, and sent again. */
function exporting(cluster: ClusterBus, url: URL): Sink {
  const buffer = new ExportBuffer();
  const stop = new AbortController();
  let sent = 0;
  const send = async (isLast: boolean): Promise<void> =>
    postSpans(url, cluster.cluster.name, buffer.due(performance.now(), isLast), (nodes) => {
      buffer.sent(nodes);
      sent += nodes.length;
    });
  const loop = (async () => {
    for (; !stop.signal.aborted; await pause(EXPORT_MS, undefined, { signal: stop.signal }).catch(() => {}))
      await send(false).catch((error: unknown) => console.error(messageOf(error)));
  })();
  return {
    take: (span) => buffer.add(span, performance.now()),
    async end() {
      stop.abort();
      await loop;
      await send(true);
      console.error(`${sent} steps sent to ${url.href}`);
    },
  };
}

// ---- one story ------------------------------------------------------------------------------------------------------

async function showTree(cluster: ClusterBus, args: Arguments, target: string, otlp: URL | undefined): Promise<void> {
  const session = openSession(args);
  const [found] = parseTargets([target], await session.resources());
  if (found?.name === undefined) throw new UsageError(`${target}: name one object, as deployment/web`);
  const namespace = found.resource.namespaced ? session.namespace : '';
  const forest = buildForest(await recent(cluster, 0));
  const story = storyOf(forest, found.resource.kind, namespace, found.name);
  if (story === undefined)
    throw new UsageError(
      `no request that changed ${target} in ${session.namespace} is remembered: the actors keep their last 5000 steps, until they restart`,
    );
  const whole = treeOf(forest, story.root);
  const tree = args.unchanged ? whole : pruned(whole);
  if (otlp !== undefined) return sendTree(cluster, otlp, { forest, nodes: flatten(whole) });
  for (const line of args.json
    ? flatten(whole).flatMap(({ span, served }) => [span, ...served].map((each) => JSON.stringify(each)))
    : treeLines(tree, { width: columns(), colours: hasColours() }))
    console.log(line);
}

async function sendTree(cluster: ClusterBus, url: URL, story: Parameters<typeof postSpans>[2]): Promise<void> {
  // The forest's own nodes: those of the tree are copies, with other children.
  const nodes = story.nodes.map(({ span }) => story.forest.byId.get(span.id)!);
  await postSpans(url, cluster.cluster.name, { forest: story.forest, nodes }, () => {});
  console.error(`${nodes.length} steps sent to ${url.href}`);
}

/** undefined where lines go to a file or another program: those take them whole. */
function columns(): number | undefined {
  const said = Number(process.env['COLUMNS'] ?? Number.NaN);
  return process.stdout.columns ?? (Number.isInteger(said) && said >= 40 ? said : undefined);
}

function hasColours(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}
