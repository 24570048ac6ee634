// Decides what `describe` gathers around an object: what it owns, who runs on it, its events. Never changes anything.
import { resourcePath, RESOURCES } from '../../lib/api/resource.ts';
import type {
  Deployment,
  EndpointSlice,
  Event,
  Lease,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Service,
} from '../../lib/api/generated/types.ts';
import { defineCommand, type GlobalArguments } from '../command.ts';
import { namespaceLines, nodeLines, serviceLines } from '../core/describe/cluster.ts';
import { eventLines } from '../core/describe/events.ts';
import { configMapLines, genericLines, secretLines } from '../core/describe/generic.ts';
import { podLines } from '../core/describe/pod.ts';
import { deploymentLines, replicaSetLines } from '../core/describe/workloads.ts';
import { pairsText } from '../core/describe/text.ts';
import { parseTargets, UsageError, type ServedResource, type Target } from '../core/resources.ts';
import { alignTabs } from '../core/tab-writer.ts';
import { ExitError, failureText } from '../edge/failure.ts';
import { openSession, type Session } from '../edge/session.ts';

interface DescribeArguments {
  words: string[];
  selector?: string | undefined;
  'all-namespaces': boolean;
  'show-events': boolean;
}

type Json = Record<string, unknown> & {
  metadata: { name: string; namespace?: string; uid?: string; labels?: Record<string, string> };
};

/** As kubectl: their events are told nowhere, or are themselves. */
const WITHOUT_EVENTS = new Set(['namespaces', 'events', 'configmaps', 'secrets']);

export const describeCommand = defineCommand<DescribeArguments>({
  command: 'describe <words..>',
  describe: 'tell all about an object, with its events: describe pod web-xxx',
  builder: (yargs) =>
    yargs
      .positional('words', { type: 'string', array: true, demandOption: true })
      .option('selector', { alias: 'l', type: 'string' })
      .option('all-namespaces', { alias: 'A', type: 'boolean', default: false })
      .option('show-events', { type: 'boolean', default: true }),
  handler: (args) => run(args),
});

async function run(args: GlobalArguments & DescribeArguments): Promise<void> {
  const session = openSession(args);
  const targets = parseTargets(args.words, await session.resources());
  let printed = 0;
  let failed = false;
  for (const target of targets) {
    try {
      for (const object of await find(session, target, args)) {
        if (printed++ > 0) console.log('\n');
        const lines = [
          ...(await linesOf(session, target.resource, object)),
          ...(args['show-events'] && !WITHOUT_EVENTS.has(target.resource.resource)
            ? eventLines(await eventsOf(session, target.resource, object), Date.now())
            : []),
        ];
        console.log(alignTabs(lines.join('\n')));
      }
    } catch (error) {
      console.error(failureText(error));
      failed = true;
    }
  }
  if (failed) throw new ExitError(1);
  if (printed === 0) console.error(`No resources found in ${session.namespace} namespace.`);
}

/** A name that nobody has may be the beginning of some. */
async function find(session: Session, { resource, name }: Target, args: DescribeArguments): Promise<Json[]> {
  const namespace = args['all-namespaces'] ? undefined : session.namespace;
  const list = async (): Promise<Json[]> => {
    const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
    const query: Record<string, string> = args.selector === undefined ? {} : { labelSelector: args.selector };
    const answer = await session.send<{ items: Json[] }>({ method: 'GET', path, query });
    return answer.items.map((item) => ({
      apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
      kind: resource.kind,
      ...item,
    }));
  };
  if (name === undefined) return list();
  try {
    return [
      await session.send<Json>({ method: 'GET', path: resourcePath(resource, { namespace: session.namespace, name }) }),
    ];
  } catch (error) {
    const similar = failureText(error).includes('(NotFound)')
      ? (await list()).filter((each) => each.metadata.name.startsWith(name))
      : [];
    if (similar.length === 0) throw error;
    return similar;
  }
}

async function linesOf(session: Session, resource: ServedResource, object: Json): Promise<string[]> {
  const { client } = session;
  const namespace = object.metadata.namespace ?? '';
  switch (`${resource.group}/${resource.resource}`) {
    case '/pods':
      return podLines(object as unknown as Pod);
    case 'apps/deployments': {
      const { items } = await client.list<ReplicaSet>(RESOURCES.replicaSets, { namespace });
      return deploymentLines(object as unknown as Deployment, items);
    }
    case 'apps/replicasets': {
      const selector = pairsText((object as unknown as ReplicaSet).spec?.selector?.matchLabels, '');
      const { items } = await client.list<Pod>(RESOURCES.pods, { namespace, labelSelector: selector });
      return replicaSetLines(
        object as unknown as ReplicaSet,
        items.map((pod) => pod.status?.phase ?? ''),
      );
    }
    case '/services': {
      const labelSelector = `kubernetes.io/service-name=${object.metadata.name}`;
      const { items } = await client.list<EndpointSlice>(RESOURCES.endpointSlices, { namespace, labelSelector });
      return serviceLines(object as unknown as Service, items);
    }
    case '/nodes': {
      const fieldSelector = `spec.nodeName=${object.metadata.name},status.phase!=Succeeded,status.phase!=Failed`;
      const { items } = await client.list<Pod>(RESOURCES.pods, { fieldSelector });
      const lease = await client
        .get<Lease>(RESOURCES.leases, { namespace: 'kube-node-lease', name: object.metadata.name })
        .catch(() => undefined);
      return nodeLines(object as unknown as Node, items, lease, Date.now());
    }
    case '/namespaces':
      return namespaceLines(object as unknown as Namespace);
    case '/configmaps':
      return configMapLines(object);
    case '/secrets':
      return secretLines(object);
    default:
      return genericLines(object, resource.namespaced);
  }
}

async function eventsOf(session: Session, resource: ServedResource, object: Json): Promise<Event[]> {
  const { name, namespace, uid } = object.metadata;
  const fields = [`involvedObject.name=${name}`, `involvedObject.kind=${resource.kind}`];
  // The kubelet's own events about its node carry the node's name as uid.
  const byUid = uid === undefined || resource.resource === 'nodes' ? [] : [`involvedObject.uid=${uid}`];
  try {
    const { items } = await session.client.list<Event>(RESOURCES.events, {
      ...(namespace === undefined ? {} : { namespace }),
      fieldSelector: [...fields, ...byUid].join(','),
    });
    return items;
  } catch (error) {
    throw new UsageError(`cannot read the events of ${resource.resource}/${name}: ${(error as Error).message}`);
  }
}
