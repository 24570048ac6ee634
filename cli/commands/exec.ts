// Decides which container `exec` runs a command in. Never interprets the command.
import { RESOURCES, resourcePath } from '../../lib/api/resource.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { defaultContainer, podLabelsOf, type PodLike } from '../core/pod-choice.ts';
import { parseTargets, UsageError } from '../core/resources.ts';
import { ExitError } from '../edge/failure.ts';
import { runRemote } from '../edge/remote-command.ts';
import { openSession, type Session } from '../edge/session.ts';

interface ExecArguments {
  target: string;
  command: string[];
  container?: string | undefined;
  stdin: boolean;
  tty: boolean;
  '--'?: string[] | undefined;
}

type Arguments = GlobalArguments & ExecArguments;

export const execCommand = defineCommand<ExecArguments>({
  command: 'exec <target> [command..]',
  describe: 'run a command in a container: exec web-xxx -- ls /, exec -it deploy/web -- sh',
  builder: (yargs) =>
    yargs
      .positional('target', { type: 'string', demandOption: true, describe: 'a pod, or deployment/web' })
      .positional('command', { type: 'string', array: true, default: [] as string[] })
      .option('container', { alias: 'c', type: 'string' })
      .option('stdin', { alias: 'i', type: 'boolean', default: false, describe: 'pass standard input on' })
      .option('tty', { alias: 't', type: 'boolean', default: false, describe: 'standard input is a terminal' }),
  handler: (args) => run(args as Arguments),
});

async function run(args: Arguments): Promise<void> {
  const command = [...args.command, ...(args['--'] ?? [])].map(String);
  if (command.length === 0) throw new UsageError('you must specify at least one command for the container');
  const session = openSession(args);
  const pod = await podOf(session, args.target);
  const container = args.container ?? defaultOf(pod);
  const tty = args.tty && process.stdin.isTTY;
  if (args.tty && !tty) console.error('Unable to use a TTY - input is not a terminal or the right kind of file');
  const path = resourcePath(RESOURCES.pods, {
    namespace: session.namespace,
    name: pod.metadata.name,
    subresource: 'exec',
  });
  const query = new URLSearchParams([
    ['container', container],
    ...command.map((word): [string, string] => ['command', word]),
    ['stdin', String(args.stdin)],
    ['stdout', 'true'],
    ['stderr', String(!tty)],
    ['tty', String(tty)],
  ]);
  const code = await runRemote(session.transport, `${path}?${query.toString()}`, { stdin: args.stdin, tty });
  if (code === 0) return;
  console.error(`command terminated with exit code ${code}`);
  throw new ExitError(code);
}

function defaultOf(pod: PodLike): string {
  const { name, notice } = defaultContainer(pod);
  if (notice !== undefined) console.error(notice);
  return name;
}

async function podOf(session: Session, target: string): Promise<PodLike> {
  const { namespace } = session;
  if (!target.includes('/')) return session.client.get<PodLike>(RESOURCES.pods, { namespace, name: target });
  const [found] = parseTargets([target], await session.resources());
  const { resource, name } = found!;
  const object = await session.send<PodLike>({
    method: 'GET',
    path: resourcePath(resource, { namespace, name: name! }),
  });
  if (resource.resource === 'pods') return object;
  const labelSelector = podLabelsOf(object, target);
  const { items } = await session.client.list<PodLike>(RESOURCES.pods, { namespace, labelSelector });
  const [first] = items.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  if (first === undefined) throw new UsageError(`${target} has no pods`);
  return first;
}
