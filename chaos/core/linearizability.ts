// Decides whether a history of concurrent operations could have happened one at a time (Wing & Gong's search with Lowe's
// memo, as in "Testing for linearizability", 2017). Never guesses: an operation without an answer may have happened at any
// time after its call, or not at all.

export interface Operation<Input, Output> {
  client: string;
  input: Input;
  /** undefined: the client never learnt it. */
  output: Output | undefined;
  call: number;
  /** Ignored without an output. */
  return: number;
}

/** What one object does; histories of several objects are partitioned first: linearizability is local. */
export interface Model<State, Input, Output> {
  initial: State;
  /** The next state if this input may give this output (any output where undefined), else undefined. */
  step(state: State, input: Input, output: Output | undefined): { state: State } | undefined;
  /** Equal states have equal texts. */
  text(state: State): string;
}

export type Verdict<Input, Output> =
  | { linearizable: true; steps: number }
  /** The operations that no order explains, given everything before them. */
  | { linearizable: false; steps: number; stuck: Array<Operation<Input, Output>> };

interface Event {
  /** Index of the operation. */
  op: number;
  isCall: boolean;
  time: number;
  before: Event | undefined;
  after: Event | undefined;
  match: Event | undefined;
}

export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: ReadonlyArray<Operation<Input, Output>>,
): Verdict<Input, Output> {
  const head = eventsOf(operations);
  const done = new Bits(operations.length);
  const seen = new Set<string>();
  const taken: Array<{ event: Event; state: State }> = [];
  let left = operations.filter((operation) => operation.output !== undefined).length;
  let state = model.initial;
  let event = head.after;
  let deepest = left;
  let stuck: Array<Operation<Input, Output>> = [];
  let steps = 0;
  while (left > 0) {
    if (event?.isCall === true) {
      steps++;
      const operation = operations[event.op]!;
      const next = model.step(state, operation.input, operation.output);
      if (next !== undefined && isNew(seen, done, event.op, model.text(next.state))) {
        taken.push({ event, state });
        state = next.state;
        lift(event);
        if (operation.output !== undefined) left--;
        if (left < deepest) [deepest, stuck] = [left, []];
        event = head.after;
      } else {
        done.clear(event.op);
        event = event.after;
      }
      continue;
    }
    // A return whose call is not placed yet, or the end: the last choice was wrong.
    if (event !== undefined && left === deepest && stuck.length === 0) stuck = pending(head, event, operations);
    const last = taken.pop();
    if (last === undefined) return { linearizable: false, steps, stuck };
    state = last.state;
    done.clear(last.event.op);
    if (operations[last.event.op]!.output !== undefined) left++;
    unlift(last.event);
    event = last.event.after;
  }
  return { linearizable: true, steps };
}

/** Checks each key on its own; the first that fails is the verdict. */
export function checkPerKey<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: ReadonlyArray<Operation<Input, Output>>,
  keyOf: (input: Input) => string,
): Verdict<Input, Output> & { key?: string } {
  let steps = 0;
  for (const [key, own] of Map.groupBy(operations, (operation) => keyOf(operation.input))) {
    const verdict = checkLinearizable(model, own);
    steps += verdict.steps;
    if (!verdict.linearizable) return { ...verdict, steps, key };
  }
  return { linearizable: true, steps };
}

/** A doubly linked list of calls and returns by time, behind a head that is no event. Calls come before returns. */
function eventsOf(operations: ReadonlyArray<Operation<unknown, unknown>>): Event {
  const events: Event[] = [];
  for (const [op, operation] of operations.entries()) {
    const call: Event = {
      op,
      isCall: true,
      time: operation.call,
      before: undefined,
      after: undefined,
      match: undefined,
    };
    events.push(call);
    if (operation.output === undefined) continue;
    call.match = { op, isCall: false, time: operation.return, before: undefined, after: undefined, match: call };
    events.push(call.match);
  }
  events.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  const head: Event = { op: -1, isCall: false, time: -1, before: undefined, after: undefined, match: undefined };
  let last = head;
  for (const event of events) {
    last.after = event;
    event.before = last;
    last = event;
  }
  return head;
}

function lift(call: Event): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

/** Exactly the reverse order of `lift`, or the neighbours would be wrong. */
function unlift(call: Event): void {
  if (call.match !== undefined) relink(call.match);
  relink(call);
}

function unlink(event: Event): void {
  event.before!.after = event.after;
  if (event.after !== undefined) event.after.before = event.before;
}

function relink(event: Event): void {
  event.before!.after = event;
  if (event.after !== undefined) event.after.before = event;
}

/** Marks the operation as placed; false when this set of operations has already led to this state. */
function isNew(seen: Set<string>, done: Bits, op: number, state: string): boolean {
  done.set(op);
  const id = `${done.text()} ${state}`;
  if (seen.has(id)) return false;
  seen.add(id);
  return true;
}

/** Calls that stand before this return: those that could have been next. */
function pending<Input, Output>(
  head: Event,
  end: Event,
  operations: ReadonlyArray<Operation<Input, Output>>,
): Array<Operation<Input, Output>> {
  const found: Array<Operation<Input, Output>> = [];
  for (let event = head.after; event !== undefined && event !== end; event = event.after)
    if (event.isCall) found.push(operations[event.op]!);
  return found;
}

class Bits {
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  set(bit: number): void {
    this.#words[bit >>> 5]! |= 1 << (bit & 31);
  }

  clear(bit: number): void {
    this.#words[bit >>> 5]! &= ~(1 << (bit & 31));
  }

  text(): string {
    return this.#words.join();
  }
}
