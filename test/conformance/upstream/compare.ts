// Does: compares two servers' answers to the same requests: code, headers, and every value of the body, but for what each server
// chooses by itself (uids, revisions, times, generated names, addresses, ports): those must be there, be of one form, and be
// the same wherever the other's are. Never decides which difference is all right.
import type { Answer } from './area.ts';

/** Their value is the server's choice, unless it says that there is none. */
const CHOSEN = new Set('continue token clusterIP clusterIPs nodePort healthCheckNodePort'.split(' '));
const NONE = new Set<unknown>([undefined, null, '', 'None', 0]);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z| \+0000 UTC)( m=\+[\d.]+)?/g;
/** A cell that is one, or tells of one: `3 (5m ago)`. */
const AGE = /^(\d+[smhdy])+$|(?<=\()(\d+[smhdy])+(?= ago\))/g;
const CURRENT_REVISION = /current: \d+/g;
/** Of the volume with a pod's token. */
const TOKEN_VOLUME = /\bkube-api-access-[a-z0-9]{5}\b/g;
/** Items of a list need not repeat the list's kind; ours do. */
const KIND_OF_ITEM = /^\/items\/\d+\/(kind|apiVersion)$/;

/** Remembers what stands for what over all answers of an area. */
export class Comparer {
  /** What the real server chose, and what ours chose in its place. */
  readonly #ours = new Map<string, string>();
  readonly #theirs = new Map<string, string>();

  /** Empty: they are alike. */
  compare(real: Answer, ours: Answer): string[] {
    if (real.code !== ours.code) return [`code: ${real.code} became ${ours.code}: ${short(ours.body ?? ours.text)}`];
    const differences: string[] = [];
    this.#values('', withoutMoment(real), withoutMoment(ours), differences);
    this.#headers(real, ours, differences);
    return differences;
  }

  #headers(real: Answer, ours: Answer, differences: string[]): void {
    for (const name of new Set([...Object.keys(real.headers), ...Object.keys(ours.headers)])) {
      const [left, right] = [real.headers[name], ours.headers[name]];
      if (!this.#alike(String(left), String(right))) differences.push(`header ${name}: ${left} became ${right}`);
    }
  }

  #values(path: string, real: any, ours: any, differences: string[]): void {
    // A null is a field that is not there.
    if ((real ?? undefined) === undefined && (ours ?? undefined) === undefined) return;
    if (KIND_OF_ITEM.test(path) && real === undefined) return;
    if (isChosen(path) && !isObject(real) && !NONE.has(real) && !NONE.has(ours) && typeof real === typeof ours) return;
    if (isObject(real) && isObject(ours) && Array.isArray(real) === Array.isArray(ours)) {
      if (path.endsWith('/metadata')) this.#learn(path, real, ours, differences);
      if (path.endsWith('/managedFields') && Array.isArray(real)) [real, ours] = [byOwner(real), byOwner(ours)];
      for (const field of new Set([...Object.keys(real), ...Object.keys(ours)]))
        this.#values(`${path}/${field.replaceAll('/', '~')}`, real[field], ours[field], differences);
      return;
    }
    const alike = typeof real === 'string' && typeof ours === 'string' ? this.#alike(real, ours) : real === ours;
    const isAged = path.includes('/cells/') && sameButForAge(String(real), String(ours));
    if (!alike && !isAged) differences.push(`${path}: ${short(real)} became ${short(ours)}`);
  }

  /** An object's uid, revision and generated name: from here on each stands for the other's, and for nothing else. */
  #learn(path: string, real: any, ours: any, differences: string[]): void {
    if (UUID.test(real.uid) && UUID.test(ours.uid)) this.#pair('', real.uid, ours.uid);
    if (/^\d+$/.test(real.resourceVersion) && /^\d+$/.test(ours.resourceVersion)) {
      const [left, right] = [`${real.uid}/${real.resourceVersion}`, `${ours.uid}/${ours.resourceVersion}`];
      const isSame = this.#pair('at ', left, right);
      if (!isSame) differences.push(`${path}/resourceVersion: one was changed since, the other not`);
      this.#ours.set(real.resourceVersion, ours.resourceVersion);
    }
    const prefix = real.generateName;
    if (typeof prefix !== 'string' || real.name === ours.name) return;
    const isGenerated = String(ours.name).startsWith(prefix) && String(ours.name).length === String(real.name).length;
    if (isGenerated) this.#pair('', real.name, ours.name);
  }

  #pair(mark: string, real: string, ours: string): boolean {
    const [left, right] = [mark + real, mark + ours];
    if (!this.#ours.has(left) && !this.#theirs.has(right)) {
      this.#ours.set(left, right);
      this.#theirs.set(right, left);
    }
    return this.#ours.get(left) === right;
  }

  #alike(real: string, ours: string): boolean {
    // Times first: one of their numbers may be some object's revision.
    return real === ours || this.#translated(plain(real)) === plain(ours);
  }

  #translated(text: string): string {
    return text.replace(/[\w-]+(\.[\w-]+)*/g, (word) => this.#ours.get(word) ?? word);
  }
}

/** They stand by their times, and a second may end between two of them. */
function byOwner(entries: readonly any[]): unknown[] {
  const owner = ({ manager, operation, apiVersion, subresource }: any): string =>
    [operation, manager, apiVersion, subresource].join(' ');
  return entries.toSorted((a, b) => (owner(a) < owner(b) ? -1 : 1));
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, y: 31_536_000 };
/** What is made while an area is asked is so old at most. */
const YOUNG_SECONDS = 1200;
/** What was long ago when it was recorded is longer ago now. */
const RECORDED_SECONDS = 5 * SECONDS['y']!;

/** A duration that a request gave is no age: it stays the same. */
function sameButForAge(real: string, ours: string): boolean {
  if (real.replace(AGE, 'age') !== ours.replace(AGE, 'age')) return false;
  const [left, right] = [secondsIn(real), secondsIn(ours)];
  if (left <= YOUNG_SECONDS) return right <= YOUNG_SECONDS;
  return left > RECORDED_SECONDS && Math.abs(right - left) < RECORDED_SECONDS;
}

const secondsIn = (text: string): number =>
  [...(text.match(AGE)?.[0] ?? '').matchAll(/(\d+)([smhdy])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * SECONDS[unit!]!,
    0,
  );

function isChosen(path: string): boolean {
  const [parent = '', key = ''] = path.split('/').slice(-2);
  return CHOSEN.has(key) || (/^\d+$/.test(key) && CHOSEN.has(parent));
}

/** The revision of a list, a table or a bookmark tells of the moment. */
function withoutMoment({ body, text }: Answer): unknown {
  if (Array.isArray(body)) return body.map((event: any) => (event?.type === 'BOOKMARK' ? ofMoment(event) : event));
  return /(List|Table)$/.test(body?.kind) ? ofMoment(body) : (body ?? text);
}

function ofMoment(value: any): unknown {
  const copy = structuredClone(value);
  const metadata = (copy.object ?? copy).metadata;
  if (/^\d+$/.test(metadata?.resourceVersion)) metadata.resourceVersion = 'of the moment';
  return copy;
}

/** Two times of one form are alike. */
const plain = (text: string): string =>
  text
    .replace(TIME, (time) => time.replace(/\d/g, '0'))
    .replace(CURRENT_REVISION, 'current: 0')
    .replace(TOKEN_VOLUME, 'kube-api-access');

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
