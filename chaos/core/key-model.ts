// Decides what one key of the store does, for the linearizability check: put, create, compare-and-put, delete, read, with
// the revisions that clients saw. Never knows about members or messages.
import type { Model } from './linearizability.ts';

export type KeyInput =
  | { type: 'read'; key: string }
  | { type: 'put'; key: string; value: string }
  /** Succeeds only if the key's revision of last change is this (0: absent). */
  | { type: 'compare'; key: string; revision: number; value: string }
  | { type: 'delete'; key: string };

export type KeyOutput =
  | { type: 'read'; value: string | undefined; revision: number }
  | { type: 'changed'; revision: number }
  /** A comparison that failed changed nothing. */
  | { type: 'conflict' };

interface KeyState {
  value: string | undefined;
  /** undefined: a write whose answer was lost gave it a revision that nobody knows yet. */
  revision: number | undefined;
}

export const keyModel: Model<KeyState, KeyInput, KeyOutput> = {
  initial: { value: undefined, revision: 0 },
  step(state, input, output) {
    switch (input.type) {
      case 'read':
        return stepRead(state, output);
      case 'put':
        return changed(state, input.value, output);
      case 'delete':
        // Deleting what is not there changes nothing and is told so.
        return state.value === undefined
          ? output === undefined || output.type === 'conflict'
            ? { state }
            : undefined
          : changed(state, undefined, output);
      case 'compare':
        return stepCompare(state, input, output);
    }
  },
  text: (state) => `${state.revision} ${state.value}`,
};

function stepRead(state: KeyState, output: KeyOutput | undefined): { state: KeyState } | undefined {
  if (output === undefined) return { state };
  if (output.type !== 'read' || output.value !== state.value) return undefined;
  if (state.value === undefined) return { state };
  if (state.revision !== undefined) return state.revision === output.revision ? { state } : undefined;
  return { state: { value: state.value, revision: output.revision } };
}

function stepCompare(
  state: KeyState,
  input: Extract<KeyInput, { type: 'compare' }>,
  output: KeyOutput | undefined,
): { state: KeyState } | undefined {
  const present = state.value === undefined ? 0 : state.revision;
  const mayMatch = present === undefined || present === input.revision;
  if (output?.type === 'conflict') return present === input.revision ? undefined : { state };
  return mayMatch ? changed(state, input.value, output) : output === undefined ? { state } : undefined;
}

function changed(
  state: KeyState,
  value: string | undefined,
  output: KeyOutput | undefined,
): { state: KeyState } | undefined {
  if (output === undefined) return { state: { value, revision: undefined } };
  if (output.type !== 'changed') return undefined;
  if (state.revision !== undefined && output.revision <= state.revision) return undefined;
  return { state: { value, revision: output.revision } };
}
