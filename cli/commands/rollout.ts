// Decides what `rollout` asks and changes: status, history, restart, undo, pause, resume of a Deployment. Never touches
// pods or ReplicaSets.
import { RESOURCES, resourcePath } from '../../lib/api/resource.ts';
import { toTime } from '../../lib/base/clock.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { kindText, parseTargets, UsageError, type ServedResource } from '../core/resources.ts';
import {
  CHANGE_CAUSE,
  revisionsOf,
  rolloutProgress,
  templateOf,
  undoTarget,
  type DeploymentLike,
  type ReplicaSetLike,
} from '../core/rollout.ts';
import { tableLines } from '../core/table-text.ts';
import { openSession, type Session } from '../edge/session.ts';
import { watchLines } from '../edge/watch.ts';

const VERBS = ['status', 'history', 'restart', 'undo', 'pause', 'resume'] as const;

interface RolloutArguments {
  verb: (typeof VERBS)[number];
  words: string[];
  watch: boolean;
  timeout: string;
  'to-revision': number;
  revision: number;
}

type Arguments = GlobalArguments & RolloutArguments;

interface Subject {
  session: Session;
  resource: ServedResource;
  name: string;
  path: string;
}

export const rolloutCommand = defineCommand<RolloutArguments>({
  command: 'rollout <verb> <words..>',
  describe: 'follow and steer a rollout: status, history, restart, undo, pause, resume',
  builder: (yargs) =>
    yargs
      .positional('verb', { choices: VERBS, demandOption: true })
      .positional('words', { type: 'string', array: true, demandOption: true })
      .option('watch', { alias: 'w', type: 'boolean', default: true, describe: 'status: until it is done' })
      .option('timeout', { type: 'string', default: '0s', describe: 'status: 0s is as long as it takes' })
      .option('to-revision', { type: 'number', default: 0, describe: 'undo: 0 is the one before' })
      .option('revision', { type: 'number', default: 0, describe: 'history: details of one' }),
  handler: async (args) => {
    const session = openSession(args);
    for (const { resource, name } of parseTargets(args.words, await session.resources())) {
      if (name === undefined) throw new UsageError('resource(s) were provided, but no name was specified');
      if (resource.resource !== 'deployments')
        throw new UsageError(`no rollout of ${resource.resource}: only Deployments roll`);
      const path = resourcePath(resource, { namespace: session.namespace, name });
      await run({ session, resource, name, path }, args);
    }
  },
});

async function run(subject: Subject, args: Arguments): Promise<void> {
  switch (args.verb) {
    case 'status':
      return status(subject, args);
    case 'history':
      return history(subject, args.revision);
    case 'restart':
      return patch(subject, restartPatch(), 'restarted');
    case 'undo':
      return undo(subject, args['to-revision']);
    case 'pause':
      return patch(subject, { spec: { paused: true } }, 'paused');
    case 'resume':
      return patch(subject, { spec: { paused: null } }, 'resumed');
  }
}

async function status({ session, resource, name, path }: Subject, args: Arguments): Promise<void> {
  const first = rolloutProgress(await session.send<DeploymentLike>({ method: 'GET', path }));
  let said = say(first.text, '');
  if (finished(first) || !args.watch) return;
  const timeoutMs = parseDuration(args.timeout);
  const end = new AbortController();
  const timer = timeoutMs === 0 ? undefined : setTimeout(() => end.abort(), timeoutMs);
  try {
    const list = resourcePath(resource, { namespace: session.namespace });
    for await (const { type, object } of watchLines(
      session,
      list,
      { fieldSelector: `metadata.name=${name}` },
      'application/json',
      end.signal,
    )) {
      if (type === 'DELETED') throw new UsageError('object has been deleted');
      const deployment =
        type === 'LISTED' ? (object['items'] as DeploymentLike[])[0] : (object as unknown as DeploymentLike);
      if (deployment === undefined) throw new UsageError('object has been deleted');
      const progress = rolloutProgress(deployment);
      said = say(progress.text, said);
      if (finished(progress)) return;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new UsageError('timed out waiting for the condition');
}

function say(text: string, before: string): string {
  if (text !== before) console.log(text);
  return text;
}

/** Throws when it will not get further. */
function finished(progress: { done: boolean; failed?: boolean; text: string }): boolean {
  if (progress.failed === true) throw new UsageError(progress.text);
  return progress.done;
}

async function history(subject: Subject, revision: number): Promise<void> {
  const { deployment, sets } = await withSets(subject);
  const revisions = revisionsOf(deployment, sets);
  const title = `${kindText(subject.resource)}/${subject.name}`;
  if (revision > 0) {
    const found = revisions.find((each) => each.revision === revision);
    if (found === undefined) throw new UsageError(`unable to find the specified revision`);
    console.log(`${title} with revision #${revision}`);
    console.log(JSON.stringify(templateOf(found.set), null, 2));
    return;
  }
  console.log(`${title} `);
  const rows = revisions.map((each) => [
    String(each.revision),
    each.set.metadata.annotations?.[CHANGE_CAUSE] ?? '<none>',
  ]);
  for (const line of tableLines([['REVISION', 'CHANGE-CAUSE'], ...rows], 2)) console.log(line);
  console.log('');
}

async function undo(subject: Subject, toRevision: number): Promise<void> {
  const { deployment, sets } = await withSets(subject);
  if (deployment.spec.paused === true)
    throw new UsageError(
      `you cannot rollback a paused deployment; resume it first with 'flotilla rollout resume deployment/${subject.name}' and try again`,
    );
  const body = [{ op: 'replace', path: '/spec/template', value: templateOf(undoTarget(deployment, sets, toRevision)) }];
  await subject.session.send({ method: 'PATCH', path: subject.path, contentType: 'application/json-patch+json', body });
  console.log(`${kindText(subject.resource)}/${subject.name} rolled back`);
}

async function withSets({ session, path }: Subject): Promise<{ deployment: DeploymentLike; sets: ReplicaSetLike[] }> {
  const deployment = await session.send<DeploymentLike>({ method: 'GET', path });
  const { items } = await session.client.list<ReplicaSetLike>(RESOURCES.replicaSets, { namespace: session.namespace });
  return { deployment, sets: items };
}

function restartPatch(): object {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': toTime(Date.now()) };
  return { spec: { template: { metadata: { annotations } } } };
}

async function patch({ session, resource, name, path }: Subject, body: object, done: string): Promise<void> {
  await session.send({ method: 'PATCH', path, contentType: 'application/strategic-merge-patch+json', body });
  console.log(`${kindText(resource)}/${name} ${done}`);
}
