// Does: gathers what is known around an object that somebody waits for: objects, events, actors, the recent trace. Never
// decides what it means, never reads what is in a Secret.
import type { Event, Node, Pod, ReplicaSet, Service } from '../../lib/api/generated/types.ts';
import { apiVersionOf, resourcePath, RESOURCES, type ResourceRef } from '../../lib/api/resource.ts';
import { isReason } from '../../lib/base/errors.ts';
import type { ActorStatus, Span } from '../../lib/bus/messages.ts';
import { actorsOf } from '../../launcher/core/actor-files.ts';
import { supervisorStatus } from '../../launcher/supervisor/client.ts';
import type { ServedResource } from '../core/resources.ts';
import type { ActorFact, AnyObject, Facts } from '../core/why/facts.ts';
import { clusterOf, joinBus } from './cluster-bus.ts';
import type { Session } from './session.ts';

type ActorFacts = Pick<Facts, 'actors' | 'noQuorum' | 'spans'>;

const PAGE = 500;

/** Where the cluster's home is not here, only the API is asked. */
export async function actorFacts(home: string): Promise<ActorFacts> {
  let known: ReturnType<typeof clusterOf>;
  try {
    known = clusterOf(home);
  } catch {
    return { actors: [], spans: [] };
  }
  const [supervisor, said] = await Promise.all([supervisorStatus(known.home), askBus(home)]);
  const actors = actorsOf(known.cluster).map(({ actor, instance }): ActorFact => {
    const status = said.statuses.find((one) => one.instance === instance);
    const unit = supervisor?.units.find(({ name }) => name === instance);
    const leads = status?.details['leads'];
    return {
      instance,
      actor,
      state: unit?.state ?? status?.state ?? 'unknown',
      answers: status !== undefined && status.state === 'running',
      ...(typeof leads === 'boolean' ? { leads } : {}),
    };
  });
  const noQuorum = quorumTrouble(said.statuses, actors);
  return { actors, spans: said.spans, ...(noQuorum === undefined ? {} : { noQuorum }) };
}

async function askBus(home: string): Promise<{ statuses: ActorStatus[]; spans: Span[] }> {
  try {
    const joined = await joinBus(home);
    try {
      const [statuses, spans] = await Promise.all([joined.statuses(), joined.recentSpans(0)]);
      return { statuses, spans };
    } finally {
      await joined.bus.close();
    }
  } catch {
    // The bus is what is down, then: what the supervisor and the API say is still worth telling.
    return { statuses: [], spans: [] };
  }
}

function quorumTrouble(said: readonly ActorStatus[], actors: readonly ActorFact[]): string | undefined {
  const stores = actors.filter(({ actor }) => actor === 'store');
  const answering = said.filter(({ actor }) => actor === 'store');
  if (stores.length === 0 || answering.some(({ details }) => details['role'] === 'leader')) return undefined;
  return `${answering.length} of ${stores.length} stores answer, and none of them leads`;
}

export async function objectFacts(
  session: Session,
  resource: ServedResource,
  name: string,
  about: ActorFacts,
): Promise<Facts> {
  const isNamespace = resource.kind === 'Namespace';
  const namespace = resource.namespaced ? session.namespace : '';
  const inside = isNamespace ? name : namespace;
  const object = await find(session, resource, namespace, name);
  const list = lister(session);
  const at = inside === '' ? undefined : inside;
  const scoped = async <T>(ref: ResourceRef): Promise<T[]> => (at === undefined ? [] : list<T>(ref, at));
  const [pods, replicaSets, services, endpointSlices, events, nodes] = await Promise.all([
    scoped<Pod>(RESOURCES.pods),
    scoped<ReplicaSet>(RESOURCES.replicaSets),
    scoped<Service>(RESOURCES.services),
    scoped<Facts['endpointSlices'][number]>(RESOURCES.endpointSlices),
    list<Event>(RESOURCES.events, at),
    list<Node>(RESOURCES.nodes),
  ]);
  const served = (await session.resources()).all;
  const byKind = async (kind: string, of?: string): Promise<AnyObject[]> => {
    const found = served.find((each) => each.kind === kind && each.verbs.includes('list'));
    return found === undefined ? [] : objects(list, found, found.namespaced ? of : undefined);
  };
  const waitsForNode = pods.some(({ spec }) => (spec.nodeName ?? '') === '');
  const asksStorage =
    resource.kind === 'PersistentVolumeClaim' ||
    pods.some(({ spec }) => (spec.volumes ?? []).some((one) => one.persistentVolumeClaim !== undefined));
  const [owned, quotas, claims, storageClasses, volumes, allPods, leftovers] = await Promise.all([
    at === undefined ? [] : byKind('Job', at),
    at === undefined ? [] : byKind('ResourceQuota', at),
    at === undefined || !asksStorage ? [] : byKind('PersistentVolumeClaim', at),
    asksStorage ? byKind('StorageClass') : [],
    asksStorage ? byKind('PersistentVolume') : [],
    waitsForNode ? list<Pod>(RESOURCES.pods) : [],
    isNamespace && object?.metadata.deletionTimestamp !== undefined ? leftIn(list, served, name) : [],
  ]);
  return {
    now: Date.now(),
    target: { kind: resource.kind, namespace, name },
    ...(object === undefined ? {} : { object }),
    similar: object === undefined ? await similarNames(list, resource, at, name) : [],
    pods,
    replicaSets,
    services,
    endpointSlices,
    events,
    nodes,
    owned,
    quotas,
    storageClasses,
    volumes,
    allPods,
    leftovers,
    claims: claims as unknown as Facts['claims'],
    actors: about.actors,
    ...(about.noQuorum === undefined ? {} : { noQuorum: about.noQuorum }),
    spans: about.spans.filter((span) => span.namespace === inside && (inside !== '' || span.name === name)),
  };
}

async function find(
  session: Session,
  resource: ServedResource,
  namespace: string,
  name: string,
): Promise<AnyObject | undefined> {
  try {
    const path = resourcePath(resource, { namespace, name });
    return withoutValues(typed(resource, await session.send<AnyObject>({ method: 'GET', path })));
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

type Lister = <T>(ref: ResourceRef, namespace?: string) => Promise<T[]>;

/** A kind that may not be read is as if there were none: the answer is then less exact. */
function lister(session: Session): Lister {
  return async <T>(ref: ResourceRef, namespace?: string): Promise<T[]> => {
    const items: T[] = [];
    for (let token = ''; ;) {
      try {
        const page = await session.client.list<T>(ref, {
          limit: PAGE,
          ...(namespace === undefined ? {} : { namespace }),
          ...(token === '' ? {} : { continue: token }),
        });
        items.push(...page.items);
        token = page.metadata.continue ?? '';
        if (token === '') return items;
      } catch (error) {
        if (isReason(error, 'Forbidden', 'NotFound')) return items;
        throw error;
      }
    }
  };
}

async function objects(list: Lister, resource: ServedResource, namespace?: string): Promise<AnyObject[]> {
  return (await list<AnyObject>(resource, namespace)).map((each) => withoutValues(typed(resource, each)));
}

function typed(resource: ServedResource, object: AnyObject): AnyObject {
  return { ...object, kind: resource.kind, apiVersion: apiVersionOf(resource) };
}

/** Of Secrets and ConfigMaps only the metadata goes on from here. */
function withoutValues(object: AnyObject): AnyObject {
  if (object.kind !== 'Secret' && object.kind !== 'ConfigMap') return object;
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, metadata };
}

async function leftIn(list: Lister, served: readonly ServedResource[], namespace: string): Promise<AnyObject[]> {
  const inside = served.filter(
    ({ namespaced, verbs, kind }) =>
      namespaced && verbs.includes('list') && verbs.includes('delete') && kind !== 'Event',
  );
  const found = await Promise.all(inside.map((resource) => objects(list, resource, namespace)));
  const once = new Map(found.flat().map((object) => [object.metadata.uid ?? object.metadata.name, object]));
  return [...once.values()];
}

async function similarNames(
  list: Lister,
  resource: ServedResource,
  namespace: string | undefined,
  name: string,
): Promise<string[]> {
  const all = (await list<AnyObject>(resource, namespace)).map(({ metadata }) => metadata.name);
  return all.filter((other) => other.includes(name) || name.includes(other) || other.startsWith(name.slice(0, 4)));
}
