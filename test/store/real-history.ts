// Decides whether what clients of a real store saw could come from one store that does one thing at a time, and whether its
// history holds what they were told. Never asks a member.
import { keyModel, type KeyInput, type KeyOutput } from '../../chaos/core/key-model.ts';
import { checkPerKey, type Operation } from '../../chaos/core/linearizability.ts';
import type { CommittedTxn, TxnResult } from '../../lib/bus/messages.ts';

export interface Asked {
  client: string;
  input: KeyInput;
  call: number;
  return: number;
  /** Of a write; undefined: nobody knows what became of it. */
  result?: TxnResult | undefined;
  /** Of a read. */
  found?: { value: string | undefined; revision: number } | undefined;
}

export interface Judged {
  asked: number;
  acknowledged: number;
  unanswered: number;
  steps: number;
}

const valueOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1').split(' ')[0]!;

/** `committed`: everything after the revision at which the first of `all` began, without a gap. Throws what is wrong. */
export function judge(all: readonly Asked[], committed: readonly CommittedTxn[]): Judged {
  checkGaps(committed);
  const truth = new Truth(committed);
  const operations = all.flatMap((asked) => operationOf(asked, truth));
  const verdict = checkPerKey(keyModel, operations, (input) => input.key);
  if (!verdict.linearizable) {
    const stuck = verdict.stuck.map((operation) => JSON.stringify(operation)).join('\n  ');
    throw new Error(`the history of ${verdict.key} is not linearizable; nothing explains\n  ${stuck}`);
  }
  const writes = all.filter(({ input }) => input.type !== 'read');
  const acknowledged = writes.filter(({ result }) => result?.ok === true).length;
  return { asked: all.length, acknowledged, unanswered: all.filter(isOpen).length, steps: verdict.steps };
}

const isOpen = ({ input, result, found }: Asked): boolean =>
  input.type === 'read' ? found === undefined : result === undefined;

function checkGaps(committed: readonly CommittedTxn[]): void {
  for (const [i, { revision }] of committed.entries())
    if (i > 0 && revision !== committed[i - 1]!.revision + 1)
      throw new Error(`revision ${revision} comes after ${committed[i - 1]!.revision} in the history`);
}

/** Who changed which key to what, as the store itself tells it. */
class Truth {
  private readonly puts = new Map<string, number>();
  private readonly deletes = new Map<string, number[]>();

  constructor(committed: readonly CommittedTxn[]) {
    for (const { revision, cause, changes } of committed)
      for (const { type, key, value } of changes) {
        if (type === 'put') {
          const id = `${key} ${valueOf(value)}`;
          if (this.puts.has(id)) throw new Error(`${id} was written twice, at ${this.puts.get(id)} and ${revision}`);
          this.puts.set(id, revision);
        } else {
          const id = `${key} ${cause.actor}`;
          this.deletes.set(id, [...(this.deletes.get(id) ?? []), revision]);
        }
      }
  }

  put(key: string, value: string): number | undefined {
    return this.puts.get(`${key} ${value}`);
  }

  /** The deletions of a key by one client that no answer is known to be about, oldest first. */
  deleted(key: string, client: string): number[] {
    return this.deletes.get(`${key} ${client}`) ?? [];
  }
}

/** What its client never learnt is looked up: it happened at any time after its call, with that revision, or it did not. */
function operationOf(asked: Asked, truth: Truth): Operation<KeyInput, KeyOutput>[] {
  const { client, input, call, result, found } = asked;
  const known = { client, input, call, return: asked.return };
  if (input.type === 'read') return found === undefined ? [] : [{ ...known, output: { type: 'read', ...found } }];
  if (result?.ok === false && result.reason === 'conflict') return [{ ...known, output: { type: 'conflict' } }];
  if (input.type === 'delete') return deletion(asked, truth);
  const revision = truth.put(input.key, input.value);
  if (result?.ok === true && result.revision !== revision)
    throw new Error(
      `${client} was told that ${input.key} = ${input.value} has revision ${result.revision}; it has ${revision ?? 'none: it is lost'}`,
    );
  if (revision === undefined) return [];
  const end = result?.ok === true ? asked.return : Infinity;
  return [{ ...known, return: end, output: { type: 'changed', revision } }];
}

/**
 * Whether it found something is not said in the answer. One that found nothing is told the latest revision, which may be that of
 * the deletion before it: each is about one answer only.
 */
function deletion({ client, input, call, return: end, result }: Asked, truth: Truth): Operation<KeyInput, KeyOutput>[] {
  const own = truth.deleted(input.key, client);
  const isKnown = result?.ok === true;
  // A client has one open question at a time, and a new name after one that was never answered: the last is this one.
  const at = isKnown ? own.indexOf(result.revision) : own.length - 1;
  const [revision] = at === -1 ? [] : own.splice(at, 1);
  if (revision === undefined && !isKnown) return [];
  const output: KeyOutput = revision === undefined ? { type: 'conflict' } : { type: 'changed', revision };
  return [{ client, input, call, return: isKnown ? end : Infinity, output }];
}
