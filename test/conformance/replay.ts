// Does: replays requests that a real kube-apiserver 1.20 answered, in order, and tells how our answers differ once what
// must differ (uids, times, revisions, what newer versions added) is taken out. Never decides which difference is all right.
import { readFileSync } from 'node:fs';
import type { TestApi } from '../kit/api-server.ts';

export interface Case {
  name: string;
  req: { m: string; p: string; b?: unknown; h?: Record<string, string> };
  res: { code: number; headers: Record<string, string>; body: any };
}

export interface Replayed {
  name: string;
  differences: string[];
}

const FILE = new URL('../../lib/api/testdata/cases-1.20.json', import.meta.url);

/** Their value is the server's choice; that they are there is what counts. */
const CHOSEN = new Set(
  `uid resourceVersion creationTimestamp deletionTimestamp continue token expirationTimestamp clusterIP clusterIPs nodePort
  lastUpdateTime lastTransitionTime`.split(/\s+/),
);
/** What servers after 1.20 say in addition, or no longer say. */
const NEWER = new Set(
  `internalTrafficPolicy ipFamilies ipFamilyPolicy persistentVolumeClaimRetentionPolicy maxSurge
  availableReplicas storageVersionHash description`.split(/\s+/),
);

const AGE = /^\d+[smhd]$/;
/** Every namespace has it since 1.21. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

export function readCases(): Case[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Case[];
}

/** `before` may do what others did to the real cluster between two requests. */
export async function replay(
  api: TestApi,
  cases: readonly Case[],
  before: (one: Case) => Promise<void>,
): Promise<Replayed[]> {
  /** What the real server chose, and what ours chose in its place. */
  const ours = new Map<string, string>();
  const results: Replayed[] = [];
  for (const one of cases) {
    await before(one);
    const { m, p, b, h } = one.req;
    const raw = b === undefined ? {} : { raw: substitute(textOf(b), ours) };
    const headers = { ...(b === undefined ? {} : { 'content-type': 'application/json' }), ...h };
    const answer = await api.http(m, substitute(p, ours), { ...raw, headers });
    learn(one.res.body, answer.body, ours);
    const differences =
      answer.code === one.res.code ? [] : [`code: ${one.res.code} became ${answer.code} ${answer.text.slice(0, 200)}`];
    const golden = JSON.parse(substitute(JSON.stringify(eventsOf(one.res.body)), ours)) as unknown;
    if (differences.length === 0)
      compare('', golden, withoutNameLabel(eventsOf(answer.body ?? answer.text)), differences);
    results.push({ name: one.name, differences });
  }
  return results;
}

/** Times of the recording are not ours: an update that repeats one would rightly be refused. */
function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  const metadata = (body as { metadata?: { creationTimestamp?: string } }).metadata;
  if (metadata?.creationTimestamp === undefined) return JSON.stringify(body);
  const { creationTimestamp: _, ...rest } = metadata;
  return JSON.stringify({ ...(body as object), metadata: rest });
}

function substitute(text: string, map: ReadonlyMap<string, string>): string {
  let out = text;
  for (const [from, to] of map) out = out.replaceAll(from, to);
  return out;
}

function learn(golden: any, answer: any, ours: Map<string, string>): void {
  const chosen = (body: any): unknown[] => [
    body?.metadata?.uid,
    body?.metadata?.continue,
    body?.metadata?.generateName === undefined ? undefined : body.metadata.name,
  ];
  const [from, to] = [chosen(golden), chosen(answer)];
  from.forEach((value, i) => {
    if (typeof value === 'string' && typeof to[i] === 'string') ours.set(value, to[i]);
  });
}

/** A watch is compared as the list of its events. */
function eventsOf(body: any): unknown {
  if (typeof body !== 'string' || !body.startsWith('{"type"')) return body;
  return body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

/** Objects in lists and initial events come in any order. */
function inOrder(list: any[]): any[] {
  const nameOf = (item: any): string => item?.metadata?.name ?? item?.object?.metadata?.name ?? '';
  return list.some((item) => nameOf(item) !== '') ? list.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) : list;
}

function withoutNameLabel(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
    key === NAME_LABEL ? undefined : inner,
  ) as unknown;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** What updates own hangs on defaults and controllers of the version: lib/api/managed-fields compares that by itself. */
function applies(entries: any): unknown {
  if (!Array.isArray(entries)) return entries;
  return entries.filter(({ operation }) => operation === 'Apply').map(({ time: _time, ...entry }) => entry as unknown);
}

function compare(path: string, goldenWhole: any, answerWhole: any, differences: string[]): void {
  const key = path.slice(path.lastIndexOf('/') + 1);
  const isOwners = key === 'managedFields';
  const [golden, answer] = isOwners ? [applies(goldenWhole), applies(answerWhole)] : [goldenWhole, answerWhole];
  if ((isEmpty(golden) && isEmpty(answer)) || (NEWER.has(key) && (isEmpty(golden) || isEmpty(answer)))) return;
  if (CHOSEN.has(key) && !isEmpty(golden) && !isEmpty(answer)) return;
  if (/\/cells\/\d+$/.test(path) && AGE.test(String(golden)) && AGE.test(String(answer))) return;
  // Items of a list need not repeat the list's kind; ours do.
  if (/\/items\/\d+\/(kind|apiVersion)$/.test(path) && isEmpty(golden)) return;
  if (typeof golden !== 'object' || golden === null || typeof answer !== 'object' || answer === null) {
    if (golden !== answer) differences.push(`${path}: ${short(golden)} became ${short(answer)}`);
    return;
  }
  const [left, right] =
    Array.isArray(golden) && Array.isArray(answer) ? [inOrder(golden), inOrder(answer)] : [golden, answer];
  for (const field of new Set([...Object.keys(left), ...Object.keys(right)]))
    compare(`${path}/${field.replaceAll('/', '~')}`, left[field], right[field], differences);
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 160);
}
