// Decides whether what clients saw could come from one store that does one thing at a time: by revisions against the
// committed truth, and without any knowledge of it by the linearizability check. Never looks into a member.
import { keyModel, type KeyInput, type KeyOutput } from '../../chaos/core/key-model.ts';
import { checkPerKey, type Operation } from '../../chaos/core/linearizability.ts';
import { LEASED } from './lease-holder.ts';
import { TWINS } from './twins.ts';
import type { Done, DoneRead, DoneTxn } from './sim-client.ts';
import type { StoreModel } from './store-model.ts';

type KeyOperation = Operation<KeyInput, KeyOutput>;

/** Throws what is wrong with the history. */
export function checkHistory(done: readonly Done[], model: StoreModel): void {
  for (const each of done) {
    if (each.type === 'txn') checkTxn(each, model);
    else checkRead(each, model);
  }
  const revisions = new Map(model.txns.map(({ span, revision }) => [span, revision]));
  const verdict = checkPerKey(
    keyModel,
    done.flatMap((each) => (each.type === 'txn' ? txnOperations(each, revisions, model) : readOperations(each))),
    (input) => input.key,
  );
  if (verdict.linearizable) return;
  const stuck = verdict.stuck.map((operation) => JSON.stringify(operation)).join('\n  ');
  throw new Error(`the history of ${verdict.key} is not linearizable; nothing explains\n  ${stuck}`);
}

function checkTxn({ session, txn, result, floor }: DoneTxn, model: StoreModel): void {
  if (result === undefined) return;
  const id = `${session}#${txn.sequence}`;
  if (!model.mayAnswer(session, result))
    throw new Error(`${id} is answered ${JSON.stringify(result)}, which no committed entry says`);
  if (!result.ok) return;
  if (result.revision < floor) throw new Error(`${id} has revision ${result.revision}, ${floor} was seen before it`);
}

function checkRead({ client, prefix, answer, floor }: DoneRead, model: StoreModel): void {
  if (answer === undefined) return;
  const { revision, items } = answer;
  const read = `a read of ${prefix} by ${client}`;
  if (revision < floor) throw new Error(`${read} is of revision ${revision}, ${floor} was seen before it`);
  const wrong = model.whyWrongItems(prefix, revision, items);
  if (wrong !== undefined) throw new Error(`${read}: ${wrong}`);
}

/**
 * What a client never learnt is looked up: it happened with this revision, at any time after its call, or it did not. Left open,
 * a dozen of such writes on one key would have the search try every order of them.
 */
function txnOperations(done: DoneTxn, revisions: ReadonlyMap<string, number>, model: StoreModel): KeyOperation[] {
  const { client, txn, result, call, return: end } = done;
  const isKnown = result?.ok === true || (result?.ok === false && result.reason === 'conflict');
  const base = { client, call, return: isKnown ? end : Infinity };
  if (result?.ok === false && result.reason === 'conflict') {
    const compare = txn.compares.find(({ key }) => key === result.key)!;
    const input: KeyInput = { type: 'compare', key: compare.key, revision: compare.revision, value: '' };
    return [{ ...base, input, output: { type: 'conflict' } }];
  }
  const happened = revisions.get(txn.cause.span);
  if (!isKnown && happened === undefined) return [];
  const revision = result?.ok === true ? result.revision : happened!;
  // Whether a delete found something is not said in the answer, but what it changed is in the history.
  const changes = happened === undefined ? [] : model.txns[happened]!.changes;
  return txn.operations.flatMap((operation): KeyOperation[] => {
    const { key } = operation;
    const compare = txn.compares.find((each) => each.key === key);
    const value = operation.type === 'put' ? Buffer.from(operation.value).toString('latin1') : '';
    const input: KeyInput =
      operation.type === 'delete'
        ? { type: 'delete', key }
        : compare === undefined
          ? { type: 'put', key, value }
          : { type: 'compare', key, value, revision: compare.revision };
    const did = operation.type === 'put' || changes.some((change) => change.startsWith(`delete ${key} `));
    if (!did && !isKnown) return [];
    return [{ ...base, input, output: did ? { type: 'changed', revision } : { type: 'conflict' } }];
  });
}

function readOperations({ client, prefix, answer, call, return: end }: DoneRead): KeyOperation[] {
  // Of a prefix only what was found counts here: that the rest was absent is checked by revision; and what others than clients
  // write, by revision only.
  const found = answer?.items.map(({ key }) => key).filter((key) => !key.startsWith(LEASED) && !key.startsWith(TWINS));
  const keys = prefix === '/' ? (found ?? []) : [prefix];
  if (answer === undefined) return [];
  return keys.map((key) => {
    const item = answer.items.find((each) => each.key === key);
    const value = item === undefined ? undefined : Buffer.from(item.value).toString('latin1');
    return {
      client,
      input: { type: 'read', key },
      output: { type: 'read', value, revision: item?.modRevision ?? 0 },
      call,
      return: end,
    };
  });
}
