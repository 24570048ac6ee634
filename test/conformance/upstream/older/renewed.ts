// Does: says what a kube-apiserver 1.33 answers where a 1.20 answered so, by what is known to be new since. Never takes over
// anything else of our answer.
import type { Answer } from '../area.ts';

/** Fields that servers after 1.20 say in addition, or no longer say. */
const NEWER = new Set(
  `internalTrafficPolicy ipFamilies ipFamilyPolicy persistentVolumeClaimRetentionPolicy maxSurge
  availableReplicas storageVersionHash`.split(/\s+/),
);
const NEWER_HEADERS =
  'audit-id etag vary warning x-kubernetes-pf-flowschema-uid x-kubernetes-pf-prioritylevel-uid'.split(' ');
/** Every namespace has it since 1.21. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

export function renewed(real: Answer, ours: Answer): Answer {
  const added = NEWER_HEADERS.filter((name) => ours.headers[name] !== undefined);
  const headers = { ...Object.fromEntries(added.map((name) => [name, ours.headers[name]!])), ...real.headers };
  return real.body === undefined ? { ...real, headers } : { ...real, headers, body: value('', real.body, ours.body) };
}

function value(key: string, real: any, ours: any): unknown {
  if (NEWER.has(key) && (isEmpty(real) || isEmpty(ours))) return ours;
  if (key === 'columnDefinitions') return columns(real, ours);
  if (key === 'managedFields') return owners(real, ours);
  if (key === 'labels' && ours?.[NAME_LABEL] !== undefined) return { ...real, [NAME_LABEL]: ours[NAME_LABEL] };
  if (!isObject(real) || !isObject(ours)) return real;
  if (Array.isArray(real)) return byName(real).map((each, i) => value('', each, ours[i]));
  if (key === 'metadata' && isLeaving(real))
    real = { ...real, resourceVersion: ours.resourceVersion ?? real.resourceVersion };
  const fields = new Set([...Object.keys(real), ...Object.keys(ours)]);
  return Object.fromEntries([...fields].map((field) => [field, value(field, real[field], ours[field])]));
}

/** What updates own hangs on defaults and controllers of the release: lib/api/managed-fields compares that by itself. */
function owners(real: unknown, ours: unknown): unknown {
  if (!isEmpty(ours) && !Array.isArray(ours)) return real;
  const isApplied = ({ operation }: any): boolean => operation === 'Apply';
  const entries = (given: unknown): any[] => (Array.isArray(given) ? given : []);
  const all = [...entries(real).filter(isApplied), ...entries(ours).filter((entry) => !isApplied(entry))];
  return all.length === 0 ? ours : all;
}

/** Their descriptions are documentation, in the words of the release. */
function columns(real: readonly any[], ours: any): unknown {
  const words = (i: number): unknown => ours?.[i]?.description;
  return real.map((column, i) => (isObject(words(i)) ? column : { ...column, description: words(i) }) as unknown);
}

/** Where an object goes with this answer, it tells the revision of that; before, that of its last change. */
const isLeaving = ({ deletionTimestamp, finalizers, resourceVersion }: any): boolean =>
  deletionTimestamp !== undefined && finalizers === undefined && resourceVersion !== undefined;

/** What is told of a cache came in any order: objects of a list, and the first events of a watch. What happened has its own. */
function byName(list: readonly any[]): readonly any[] {
  if (list.some((event) => event?.type === 'MODIFIED')) return list;
  const nameOf = (item: any): string => item?.metadata?.name ?? item?.object?.metadata?.name ?? '';
  return list.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}

const isObject = (given: unknown): boolean => typeof given === 'object' && given !== null;

function isEmpty(given: unknown): boolean {
  return given === undefined || given === null || (isObject(given) && Object.keys(given as object).length === 0);
}
