// Decides which spans `trace` shows: the live stream, or one apply as a tree. Never changes anything.
import { defineCommand, type GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { UsageError } from '../core/resources.ts';
import { streamLine, treeLines } from '../core/trace/text.ts';
import { buildForest, flatten, pruned, rootOf } from '../core/trace/tree.ts';
import { joinBus, type ClusterBus } from '../edge/cluster-bus.ts';
import { openSession } from '../edge/session.ts';
import { parseTargets } from '../core/resources.ts';
import type { Span } from '../../lib/bus/messages.ts';

interface TraceArguments {
  target?: string | undefined;
  json: boolean;
  unchanged: boolean;
  actor?: string | undefined;
  since?: string | undefined;
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
      .option('actor', { type: 'string', describe: 'only this actor or instance' })
      .option('since', { type: 'string', describe: 'begin with the recent past: 30s, 5m' })
      .option('follow', { type: 'boolean', default: true, describe: 'go on live; --no-follow: only what was' }),
  handler: (args) => run(args),
});

async function run(args: Arguments): Promise<void> {
  const cluster = await joinBus(args.home);
  if (args.target === undefined) return follow(cluster, args);
  try {
    await printTree(cluster, args, args.target);
  } finally {
    await cluster.bus.close();
  }
}

async function follow(cluster: ClusterBus, args: Arguments): Promise<void> {
  const show = (span: Span): void => {
    if (args.actor !== undefined && span.actor !== args.actor && span.instance !== args.actor) return;
    if (span.outcome === 'unchanged' && !args.unchanged) return;
    console.log(args.json ? JSON.stringify(span) : streamLine(span));
  };
  const since = args.since === undefined ? undefined : Date.now() - parseDuration(args.since);
  if (since !== undefined || !args.follow) for (const span of await cluster.recentSpans(since ?? 0)) show(span);
  if (args.follow) {
    cluster.followSpans(show);
    // Until the reader has seen enough.
    await new Promise<void>((resolve) => process.once('SIGINT', resolve));
  }
  await cluster.bus.close();
}

async function printTree(cluster: ClusterBus, args: Arguments, target: string): Promise<void> {
  const session = openSession(args);
  const [found] = parseTargets([target], await session.resources());
  if (found?.name === undefined) throw new UsageError(`${target}: name one object, as deployment/web`);
  const namespace = found.resource.namespaced ? session.namespace : '';
  const forest = buildForest(await cluster.recentSpans(0));
  const root = rootOf(forest, found.resource.kind, namespace, found.name);
  if (root === undefined)
    throw new UsageError(
      `no request that changed ${target} in ${session.namespace} is remembered: the actors keep their last 5000 steps, until they restart`,
    );
  const tree = args.unchanged ? root : pruned(root);
  for (const line of args.json ? flatten(tree).map(({ span }) => JSON.stringify(span)) : treeLines(tree))
    console.log(line);
}
