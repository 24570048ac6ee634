// Decides whether what came over the bus is a message of the store's at all. Never decides whether it may be done.
import { messageOf } from '../../../lib/base/errors.ts';
import type { Operation, StoreOperation, StoreQuery, StoreWrite, Txn } from '../../../lib/bus/messages.ts';
import { unpackTxns, type Packed } from '../../../lib/bus/packed.ts';
import { arePlain, KEY_CHARACTERS, NAME_CHARACTERS, OPERATIONS, TXNS } from './plain-txns.ts';

const PAGE_ITEMS = 10_000;
const MEMBER_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A year: longer is no lease. */
const MAX_TTL_SECONDS = 31_536_000;

type Fields = Record<string, unknown>;
/** Undefined: valid. Else what is wrong, with the place and the value. */
type Fault = string | undefined;

/** The write, its transactions still packed, or why it is none. */
export function asStoreWrite(data: unknown): Packed<StoreWrite> | string {
  const fault = whyNotWrite(data);
  return fault ?? (data as Packed<StoreWrite>);
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
  if (!(data.txns instanceof Uint8Array)) return `txns is bytes, not ${show(data.txns)}`;
  return arePlain(data.txns) ? undefined : whyNotTxns(data.txns);
}

/** What is not plain is taken apart, to say what is wrong with it, or that it is only unusual. */
function whyNotTxns(packed: Uint8Array): Fault {
  let txns: Txn[];
  try {
    txns = unpackTxns(packed);
  } catch (error) {
    return `txns is ${packed.length} bytes that are no transactions: ${messageOf(error)}`;
  }
  if (txns.length === 0 || txns.length > TXNS) return `txns is a list of 1 to ${TXNS}, not of ${txns.length}`;
  return firstFault(txns, 'txns', whyNotTxn);
}

function whyNotTxn({ sequence, compares, operations, cause }: Txn, at: string): Fault {
  if (sequence === 0) return `${at}.sequence counts from 1`;
  return (
    whyTooMany(`${at}.compares`, compares) ??
    whyTooMany(`${at}.operations`, operations) ??
    firstFault(compares, `${at}.compares`, ({ key }, place) => whyNotKey(`${place}.key`, key)) ??
    firstFault(operations, `${at}.operations`, whyNotOperation) ??
    name(`${at}.cause.span`, cause.span) ??
    name(`${at}.cause.actor`, cause.actor)
  );
}

function whyTooMany(at: string, list: readonly unknown[]): Fault {
  return list.length > OPERATIONS ? `${at} is a list of at most ${OPERATIONS}, not of ${list.length}` : undefined;
}

function whyNotOperation(operation: Operation, at: string): Fault {
  const fault = whyNotKey(`${at}.key`, operation.key);
  if (fault !== undefined || operation.type === 'delete') return fault;
  return operation.lease === '' ? `${at}.lease is empty` : optional(operation.lease, name, `${at}.lease`);
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

function firstFault<T>(list: readonly T[], at: string, check: (each: T, place: string) => Fault): Fault {
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
