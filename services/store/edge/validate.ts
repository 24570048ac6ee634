// Decides whether what came over the bus is a message of the store's at all. Never decides whether it may be done.
import type { StoreOperation, StoreQuery, StoreWrite } from '../../../lib/bus/messages.ts';

const NAME_CHARACTERS = 512;
const KEY_CHARACTERS = 4_096;
const TXNS = 10_000;
const OPERATIONS = 10_000;
const PAGE_ITEMS = 10_000;
const MEMBER_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A year: longer is no lease. */
const MAX_TTL_SECONDS = 31_536_000;

type Fields = Record<string, unknown>;
/** Undefined: valid. Else what is wrong, with the place and the value. */
type Fault = string | undefined;

/** The write, or why it is none. */
export function asStoreWrite(data: unknown): StoreWrite | string {
  const fault = whyNotWrite(data);
  return fault ?? (data as StoreWrite);
}

export function asStoreQuery(data: unknown): StoreQuery | string {
  if (!isObject(data)) return `a query is an object, not ${show(data)}`;
  switch (data.query) {
    case 'readIndex':
    case 'status':
      return { query: data.query };
    case 'range':
      return whyNotRange(data) ?? { ...(data as StoreQuery & { query: 'range' }), limit: pageOf(data.limit) };
    case 'history':
      return (
        integer('since', data.since) ??
        integer('limit', data.limit) ?? { ...(data as StoreQuery & { query: 'history' }), limit: pageOf(data.limit) }
      );
    default:
      return `a query of kind ${show(data.query)} is not known: readIndex, range, history, status are`;
  }
}

export function asStoreOperation(data: unknown): StoreOperation | string {
  if (!isObject(data)) return `an operation is an object, not ${show(data)}`;
  const check = typeof data.operation === 'string' ? OPERATIONS_KNOWN.get(data.operation) : undefined;
  if (check !== undefined) return check(data) ?? (data as StoreOperation);
  return `an operation ${show(data.operation)} is not known: ${[...OPERATIONS_KNOWN.keys()].join(', ')} are`;
}

const OPERATIONS_KNOWN = new Map<string, (data: Fields) => Fault>([
  ['transfer', (data) => name('to', data.to)],
  ['compact', (data) => integer('revision', data.revision)],
  ['addMember', (data) => memberName('member', data.member) ?? optional(data.replaces, memberName, 'replaces')],
  ['removeMember', (data) => memberName('member', data.member)],
  ['leaseGrant', (data) => whyNotLeaseId(data.id) ?? whyNotTtl(data.ttlSeconds)],
  ['leaseKeepAlive', (data) => whyNotLeaseId(data.id)],
  ['leaseRevoke', (data) => whyNotLeaseId(data.id)],
  ['status', () => undefined],
  ['snapshotOpen', () => undefined],
  ['snapshotRead', (data) => integer('index', data.index) ?? integer('offset', data.offset)],
]);

function memberName(at: string, value: unknown): Fault {
  if (typeof value === 'string' && MEMBER_NAME.test(value)) return undefined;
  return `${at} is a member's name such as store-4, not ${show(value)}`;
}

function whyNotLeaseId(id: unknown): Fault {
  return id === '' ? 'id is empty' : name('id', id);
}

function whyNotTtl(seconds: unknown): Fault {
  if (Number.isSafeInteger(seconds) && (seconds as number) >= 1 && (seconds as number) <= MAX_TTL_SECONDS)
    return undefined;
  return `ttlSeconds is a whole number from 1 to ${MAX_TTL_SECONDS}, not ${show(seconds)}`;
}

function optional(value: unknown, check: (at: string, value: unknown) => Fault, at: string): Fault {
  return value === undefined ? undefined : check(at, value);
}

function whyNotWrite(data: unknown): Fault {
  if (!isObject(data)) return `a write is an object, not ${show(data)}`;
  const fault = name('session', data.session) ?? integer('acknowledged', data.acknowledged);
  if (fault !== undefined) return fault;
  const since = data.since === undefined ? undefined : integer('since', data.since);
  if (since !== undefined) return since;
  if (data.session === '') return 'session is empty';
  if (!Array.isArray(data.txns) || data.txns.length === 0 || data.txns.length > TXNS)
    return `txns is a list of 1 to ${TXNS}, not ${show(data.txns)}`;
  return firstFault(data.txns, 'txns', whyNotTxn);
}

function whyNotTxn(txn: unknown, at: string): Fault {
  if (!isObject(txn)) return `${at} is an object, not ${show(txn)}`;
  const { sequence, compares, operations, cause } = txn;
  if (sequence === 0) return `${at}.sequence counts from 1`;
  if (!Array.isArray(compares) || compares.length > OPERATIONS)
    return `${at}.compares is a list of at most ${OPERATIONS}, not ${show(compares)}`;
  if (!Array.isArray(operations) || operations.length > OPERATIONS)
    return `${at}.operations is a list of at most ${OPERATIONS}, not ${show(operations)}`;
  return (
    integer(`${at}.sequence`, sequence) ??
    firstFault(compares, `${at}.compares`, whyNotCompare) ??
    firstFault(operations, `${at}.operations`, whyNotOperation) ??
    whyNotCause(cause, `${at}.cause`)
  );
}

function whyNotCompare(compare: unknown, at: string): Fault {
  if (!isObject(compare)) return `${at} is an object, not ${show(compare)}`;
  return whyNotKey(`${at}.key`, compare.key) ?? integer(`${at}.revision`, compare.revision);
}

function whyNotOperation(operation: unknown, at: string): Fault {
  if (!isObject(operation)) return `${at} is an object, not ${show(operation)}`;
  if (operation.type !== 'put' && operation.type !== 'delete')
    return `${at}.type is put or delete, not ${show(operation.type)}`;
  if (operation.type === 'put' && !(operation.value instanceof Uint8Array))
    return `${at}.value is bytes, not ${show(operation.value)}`;
  if (operation.type === 'put' && operation.lease !== undefined && operation.lease === '')
    return `${at}.lease is empty`;
  return (
    whyNotKey(`${at}.key`, operation.key) ??
    (operation.type === 'put' ? optional(operation.lease, name, `${at}.lease`) : undefined)
  );
}

function whyNotCause(cause: unknown, at: string): Fault {
  if (!isObject(cause)) return `${at} is an object, not ${show(cause)}`;
  const fault = name(`${at}.span`, cause.span) ?? name(`${at}.actor`, cause.actor);
  if (fault !== undefined || cause.revisions === undefined) return fault;
  if (!Array.isArray(cause.revisions)) return `${at}.revisions is a list, not ${show(cause.revisions)}`;
  return firstFault(cause.revisions, `${at}.revisions`, (revision, place) => integer(place, revision));
}

function whyNotRange(query: Fields): Fault {
  for (const field of ['prefix', 'after'])
    if (typeof query[field] !== 'string') return `${field} is a text, not ${show(query[field])}`;
  return integer('limit', query.limit) ?? integer('revision', query.revision);
}

function whyNotKey(at: string, key: unknown): Fault {
  if (typeof key === 'string' && key !== '' && key.length <= KEY_CHARACTERS && key.isWellFormed()) return undefined;
  return `${at} is a text of 1 to ${KEY_CHARACTERS} characters, not ${show(key)}`;
}

function name(at: string, value: unknown): Fault {
  if (typeof value === 'string' && value.length <= NAME_CHARACTERS && value.isWellFormed()) return undefined;
  return `${at} is a text of at most ${NAME_CHARACTERS} characters, not ${show(value)}`;
}

function integer(at: string, value: unknown): Fault {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return undefined;
  return `${at} is a whole number from 0, not ${show(value)}`;
}

function firstFault(list: readonly unknown[], at: string, check: (each: unknown, place: string) => Fault): Fault {
  for (const [i, each] of list.entries()) {
    const fault = check(each, `${at}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const pageOf = (limit: unknown): number => (limit === 0 ? PAGE_ITEMS : Math.min(limit as number, PAGE_ITEMS));
const isObject = (data: unknown): data is Fields => typeof data === 'object' && data !== null && !Array.isArray(data);

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
