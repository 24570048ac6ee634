// Decides what the status of an ending namespace says holds it up, in upstream's five conditions and words. Never decides what is
// deleted.
import type { NamespaceCondition } from '../../../lib/api/generated/types.ts';
import type { ResourceRef } from '../../../lib/api/resource.ts';
import type { KubeObject } from '../../../lib/reconcile/controller.ts';

/** What is left of a namespace when nothing more can be done about it now. */
export interface Leftovers {
  objects: ReadonlyArray<{ ref: ResourceRef; object: KubeObject }>;
  /** `group/version` of servers that do not say what they have. */
  silent: readonly string[];
}

type Told = Pick<NamespaceCondition, 'reason' | 'message'>;

/** What is said when nothing is wrong; in this order. */
const FINE: ReadonlyArray<[type: string, told: Told]> = [
  ['NamespaceDeletionDiscoveryFailure', said('ResourcesDiscovered', 'All resources successfully discovered')],
  [
    'NamespaceDeletionGroupVersionParsingFailure',
    said('ParsedGroupVersions', 'All legacy kube types successfully parsed'),
  ],
  [
    'NamespaceDeletionContentFailure',
    said('ContentDeleted', 'All content successfully deleted, may be waiting on finalization'),
  ],
  ['NamespaceContentRemaining', said('ContentRemoved', 'All content successfully removed')],
  ['NamespaceFinalizersRemaining', said('ContentHasNoFinalizers', 'All content-preserving finalizers finished')],
];

function said(reason: string, message: string): Told {
  return { reason, message };
}

/** The conditions as they are now; undefined: the namespace says so already. `time` is RFC 3339. */
export function namespaceConditions(
  had: readonly NamespaceCondition[],
  leftovers: Leftovers,
  time: string,
): NamespaceCondition[] | undefined {
  const wrong = new Map(wrongs(leftovers));
  let isNews = false;
  const conditions = FINE.map(([type, fine]): NamespaceCondition => {
    const status = wrong.has(type) ? 'True' : 'False';
    const told = wrong.get(type) ?? fine;
    const before = had.find((one) => one.type === type);
    if (before?.status === status && before.reason === told.reason && before.message === told.message) return before;
    isNews = true;
    return { type, status, lastTransitionTime: time, ...told };
  });
  const others = had.filter(({ type }) => FINE.every(([known]) => known !== type));
  return isNews ? [...others, ...conditions] : undefined;
}

function* wrongs({ objects, silent }: Leftovers): Generator<[type: string, told: Told]> {
  if (silent.length > 0) {
    const each = silent.toSorted().map((one) => `${one}: stale GroupVersion discovery: ${one}`);
    yield [
      'NamespaceDeletionDiscoveryFailure',
      said(
        'DiscoveryFailed',
        `Discovery failed for some groups, ${silent.length} failing: unable to retrieve the complete list of server APIs: ${each.join(', ')}`,
      ),
    ];
  }
  const resources = counted(objects.map(({ ref }) => `${ref.resource}.${ref.group} has`));
  if (resources !== '')
    yield ['NamespaceContentRemaining', said('SomeResourcesRemain', `Some resources are remaining: ${resources}`)];
  const finalizers = counted(
    objects.flatMap(({ object }) => (object.metadata.finalizers ?? []).map((one) => `${one} in`)),
  );
  if (finalizers !== '')
    yield [
      'NamespaceFinalizersRemaining',
      said('SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${finalizers}`),
    ];
}

/** `pods. has 2 resource instances, …` */
function counted(names: readonly string[]): string {
  const groups = Map.groupBy(names, (name) => name);
  return [...groups]
    .map(([name, all]) => `${name} ${all.length} resource instances`)
    .toSorted()
    .join(', ');
}
