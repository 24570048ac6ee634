// Decides what `delete` removes and waits for. Never removes what was not named.
import { setTimeout as pause } from 'node:timers/promises';
import { resourcePath } from '../../lib/api/resource.ts';
import { isReason } from '../../lib/base/errors.ts';
import { defineCommand, FILES, type GlobalArguments } from '../command.ts';
import { parseDuration } from '../core/duration.ts';
import { kindText, parseTargets, UsageError, type ServedResource } from '../core/resources.ts';
import { ExitError, failureText } from '../edge/failure.ts';
import { readManifests } from '../edge/manifests.ts';
import { openSession, type Session } from '../edge/session.ts';

interface DeleteArguments {
  words: string[];
  filename: string[];
  selector?: string | undefined;
  'field-selector'?: string | undefined;
  all: boolean;
  'all-namespaces': boolean;
  wait: boolean;
  timeout: string;
  'grace-period': number;
  now: boolean;
  force: boolean;
  cascade: string;
  'ignore-not-found': boolean;
  output?: string | undefined;
}

type Arguments = GlobalArguments & DeleteArguments;

interface Doomed {
  resource: ServedResource;
  namespace: string;
  name: string;
  uid?: string | undefined;
}

const POLICIES: Record<string, string> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  true: 'Background',
  false: 'Orphan',
};
const POLL_MS = 100;

export const deleteCommand = defineCommand<DeleteArguments>({
  command: 'delete [words..]',
  describe: 'delete objects by name, file or selector, and wait until they are gone',
  builder: (yargs) =>
    yargs
      .positional('words', { type: 'string', array: true, default: [] as string[] })
      .option('filename', { alias: 'f', ...FILES, default: [] as string[] })
      .option('selector', { alias: 'l', type: 'string' })
      .option('field-selector', { type: 'string' })
      .option('all', { type: 'boolean', default: false, describe: 'all objects of the named types' })
      .option('all-namespaces', { alias: 'A', type: 'boolean', default: false })
      .option('wait', { type: 'boolean', default: true, describe: 'until they are gone (--no-wait)' })
      .option('timeout', { type: 'string', default: '0s', describe: '0s: as long as it takes' })
      .option('grace-period', { type: 'number', default: -1, describe: 'seconds; -1: what the object says' })
      .option('now', { type: 'boolean', default: false, describe: 'as --grace-period=1' })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'with --grace-period=0: do not wait for the kubelet',
      })
      .option('cascade', { type: 'string', default: 'background', choices: Object.keys(POLICIES) })
      .option('ignore-not-found', { type: 'boolean', default: false })
      .option('output', { alias: 'o', type: 'string', choices: ['name'] }),
  handler: (args) => run(args),
});

async function run(args: Arguments): Promise<void> {
  const session = openSession(args);
  const doomed = await find(session, args);
  if (doomed.length === 0) {
    console.log('No resources found');
    return;
  }
  const left: Doomed[] = [];
  let failed = false;
  for (const each of doomed) {
    try {
      const uid = await remove(session, each, args);
      console.log(
        args.output === 'name'
          ? `${kindText(each.resource)}/${each.name}`
          : `${kindText(each.resource)} "${each.name}" ${args.force ? 'force deleted' : 'deleted'}`,
      );
      left.push({ ...each, uid: uid ?? each.uid });
    } catch (error) {
      if (args['ignore-not-found'] && isReason(error, 'NotFound')) continue;
      console.error(failureText(error));
      failed = true;
    }
  }
  if (args.wait) await waitUntilGone(session, left, parseDuration(args.timeout));
  if (failed) throw new ExitError(1);
}

async function find(session: Session, args: Arguments): Promise<Doomed[]> {
  const index = await session.resources();
  if (args.filename.length > 0) {
    const manifests = await readManifests(args.filename);
    return manifests.map(({ object }) => {
      const [version, group] = object.apiVersion.split('/').toReversed() as [string, string | undefined];
      const resource = index.byKind(group ?? '', version, object.kind);
      if (resource === undefined)
        throw new UsageError(`no matches for kind "${object.kind}" in version "${object.apiVersion}"`);
      return { resource, namespace: object.metadata.namespace ?? session.namespace, name: object.metadata.name };
    });
  }
  if (args.words.length === 0) throw new UsageError('You must specify the type of resource to delete');
  const targets = parseTargets(args.words, index);
  const named = targets.every(({ name }) => name !== undefined);
  if (named && (args.selector !== undefined || args.all))
    throw new UsageError('name cannot be provided when a selector is specified');
  if (!named && args.selector === undefined && args['field-selector'] === undefined && !args.all)
    throw new UsageError('resource(s) were provided, but no name was specified');
  const lists = targets.map(async ({ resource, name }) =>
    name === undefined ? list(session, resource, args) : [{ resource, namespace: session.namespace, name }],
  );
  return (await Promise.all(lists)).flat();
}

async function list(session: Session, resource: ServedResource, args: Arguments): Promise<Doomed[]> {
  const path = resourcePath(resource, args['all-namespaces'] ? {} : { namespace: session.namespace });
  const query = {
    ...(args.selector === undefined ? {} : { labelSelector: args.selector }),
    ...(args['field-selector'] === undefined ? {} : { fieldSelector: args['field-selector'] }),
  };
  const { items } = await session.send<{
    items: Array<{ metadata: { name: string; namespace?: string; uid?: string } }>;
  }>({ method: 'GET', path, query });
  return items.map(({ metadata }) => ({
    resource,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
  }));
}

/** The uid of what was deleted, where the answer tells it. */
async function remove(
  session: Session,
  { resource, namespace, name }: Doomed,
  args: Arguments,
): Promise<string | undefined> {
  const grace = args.now ? 1 : args.force && args['grace-period'] < 0 ? 0 : args['grace-period'];
  const answer = await session.send<{ kind?: string; details?: { uid?: string }; metadata?: { uid?: string } }>({
    method: 'DELETE',
    path: resourcePath(resource, { namespace, name }),
    body: {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: POLICIES[args.cascade],
      ...(grace < 0 ? {} : { gracePeriodSeconds: grace }),
    },
  });
  return answer.kind === 'Status' ? answer.details?.uid : answer.metadata?.uid;
}

/** Gone: not found, or another object of the same name. */
async function waitUntilGone(session: Session, doomed: readonly Doomed[], timeoutMs: number): Promise<void> {
  const until = timeoutMs === 0 ? Infinity : Date.now() + timeoutMs;
  for (const each of doomed)
    while (await isThere(session, each)) {
      if (Date.now() > until)
        throw new UsageError(`timed out waiting for the condition on ${each.resource.resource}/${each.name}`);
      await pause(POLL_MS);
    }
}

async function isThere(session: Session, { resource, namespace, name, uid }: Doomed): Promise<boolean> {
  try {
    const live = await session.send<{ metadata: { uid?: string } }>({
      method: 'GET',
      path: resourcePath(resource, { namespace, name }),
    });
    return uid === undefined || live.metadata.uid === uid;
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    throw error;
  }
}
