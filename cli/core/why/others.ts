// Decides what namespaces, claims, nodes and objects of any other kind wait for. Never looks into pods.
import { actorDown, kubeletOf } from './actors.ts';
import { ago, heldByFinalizer } from './deletion.ts';
import { eventsOf, fine, nameOf, stuck, type AnyObject, type Answer, type Facts } from './facts.ts';

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export function namespaceAnswer(facts: Facts, object: AnyObject): Answer {
  const name = nameOf(object);
  if (object.metadata.deletionTimestamp === undefined) return fine('active', `${name} is there`);
  const since = ago(facts.now, object.metadata.deletionTimestamp);
  const held = facts.leftovers.filter(
    ({ metadata }) => (metadata.finalizers ?? []).length > 0 && metadata.deletionTimestamp !== undefined,
  );
  if (held.length > 0) {
    const first = heldByFinalizer(
      { ...facts, target: { ...facts.target, namespace: object.metadata.name } },
      held[0]!,
    )!;
    return {
      ...first,
      code: 'namespace-finalizer',
      what: `${name} was deleted ${since}, and waits for ${nameOf(held[0]!)}, which a finalizer holds`,
      because: held.map((each) => `${nameOf(each)}: ${(each.metadata.finalizers ?? []).join(', ')}`).slice(0, 10),
      way: [nameOf(held[0]!)],
    };
  }
  const down = actorDown(facts, 'controller-manager', `${name} was deleted ${since}, and waits to be emptied by`);
  if (down !== undefined) return down;
  if (facts.leftovers.length > 0)
    return stuck(
      'namespace-content',
      `${name} was deleted ${since}, and waits for what is still in it`,
      facts.leftovers
        .slice(0, 10)
        .map((each) => `${nameOf(each)}${each.metadata.deletionTimestamp === undefined ? '' : ', on its way out'}`),
      [`flotilla why ${nameOf(facts.leftovers[0]!)} -n ${object.metadata.name}`],
    );
  const conditions = ((object.status?.['conditions'] ?? []) as Condition[]).filter(({ status }) => status === 'True');
  const own = (object.spec?.['finalizers'] ?? []) as string[];
  const foreign = own.filter((each) => each !== 'kubernetes');
  return stuck(
    foreign.length > 0 ? 'namespace-finalizer' : 'in-progress',
    `${name} was deleted ${since}, and waits for ${foreign.length > 0 ? `whoever removes its own finalizer ${foreign.join(', ')}` : 'its last step'}`,
    conditions.map(({ type, message }) => `${type}: ${message ?? ''}`),
    [foreign.length > 0 ? `bring back the program that removes ${foreign[0]}` : 'ask again in a moment'],
  );
}

export function claimAnswer(facts: Facts, object: AnyObject): Answer {
  const name = nameOf(object);
  const held = heldByFinalizer(facts, object);
  if (held !== undefined) return held;
  const phase = object.status?.['phase'];
  if (phase === 'Bound')
    return fine('bound', `${name} is bound to ${String(object.spec?.['volumeName'] ?? 'its volume')}`);
  if (phase === 'Lost')
    return stuck(
      'claim-lost',
      `${name} has lost its volume ${String(object.spec?.['volumeName'] ?? '')}`,
      [],
      ['its data is not to be had from here; make a new claim'],
    );
  const className = object.spec?.['storageClassName'];
  const last = eventsOf(facts, { kind: object.kind, name: object.metadata.name }).at(-1);
  const said = last === undefined ? [] : [`${last.reason}: ${last.message}`];
  const chosen = facts.storageClasses.find(({ metadata }) => metadata.name === className);
  if (
    typeof className === 'string' &&
    className !== '' &&
    chosen === undefined &&
    facts.volumes.every(({ spec }) => spec?.['storageClassName'] !== className)
  )
    return stuck(
      'missing-storage-class',
      `${name} waits for a volume of StorageClass ${className}, which is not there`,
      said,
      [
        `there ${facts.storageClasses.length === 0 ? 'is none' : `are ${facts.storageClasses.map(({ metadata }) => metadata.name).join(', ')}`}: name one of them, or create ${className}`,
      ],
    );
  const waits =
    (chosen as unknown as { volumeBindingMode?: string } | undefined)?.volumeBindingMode === 'WaitForFirstConsumer';
  const users = facts.pods.filter((pod) =>
    (pod.spec.volumes ?? []).some(
      ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === object.metadata.name,
    ),
  );
  if (waits && users.length === 0)
    return stuck(
      'first-consumer',
      `${name} waits for the first pod that uses it: its StorageClass ${String(className)} makes volumes only then`,
      said,
      ['apply a pod that mounts it'],
    );
  return stuck(
    'no-volume',
    `${name} waits for a volume, and nothing has made or matches one`,
    [...said, `${facts.volumes.length} volumes there`],
    ['create a PersistentVolume that fits its size, access modes and class, or start the provisioner of its class'],
  );
}

export function nodeAnswer(facts: Facts, object: AnyObject): Answer {
  const name = nameOf(object);
  const conditions = (object.status?.['conditions'] ?? []) as Condition[];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const kubelet = kubeletOf(facts, object.metadata.name);
  const since = ready?.lastTransitionTime === undefined ? [] : [`since ${ago(facts.now, ready.lastTransitionTime)}`];
  if (kubelet !== undefined && !kubelet.answers)
    return stuck(
      'kubelet-down',
      `${name} waits for its kubelet, which does not run`,
      [
        `${kubelet.instance} is ${kubelet.state === 'running' ? 'silent' : kubelet.state}`,
        `Ready: ${ready?.status ?? 'unknown'}`,
      ],
      [`flotilla start ${kubelet.instance}`],
    );
  if (ready?.status !== 'True')
    return stuck(
      'node-lost',
      `${name} is not ready: ${ready?.reason ?? 'it has never said so'}`,
      [ready?.message ?? '', ...since],
      ['look at the kubelet and at containerd of the node'],
    );
  const pressure = conditions.filter(({ type, status }) => type.endsWith('Pressure') && status === 'True');
  if (pressure.length > 0)
    return stuck(
      'node-pressure',
      `${name} is short of something`,
      pressure.map(({ type, message }) => `${type}: ${message ?? ''}`),
      ['take pods away from it'],
    );
  if (object.spec?.['unschedulable'] === true)
    return stuck(
      'cordoned',
      `${name} is ready, but cordoned: no new pods come to it`,
      [],
      [`kubectl uncordon ${object.metadata.name}`],
    );
  return fine('ready', `${name} is ready`);
}

/** What every kind has: a deletion, conditions, events. */
export function anyAnswer(facts: Facts, object: AnyObject): Answer {
  const name = nameOf(object);
  const held = heldByFinalizer(facts, object);
  if (held !== undefined) return held;
  const conditions = (object.status?.['conditions'] ?? []) as Condition[];
  const bad = conditions.filter(
    ({ type, status }) => status === 'False' && /^(Ready|Available|Established|Accepted|Synced|Complete)$/.test(type),
  );
  if (bad.length > 0)
    return stuck(
      'condition',
      `${name} is not ${bad.map(({ type }) => type).join(', not ')}`,
      bad.map(({ type, reason, message }) => `${type}: ${reason ?? ''} ${message ?? ''}`),
      [`flotilla describe ${name}`],
    );
  const warning = eventsOf(facts, { kind: object.kind, name: object.metadata.name }).findLast(
    ({ type }) => type === 'Warning',
  );
  if (warning !== undefined && facts.now - Date.parse(warning.lastTimestamp ?? '') < 600_000)
    return stuck('warning', `${name}: ${warning.reason}`, [warning.message ?? ''], [`flotilla describe ${name}`]);
  return fine('there', `${name} is there, and waits for nothing that it tells of`);
}
