// Decides which kinds have behaviour of their own: one file and one line each. Kinds without a line keep the generic
// strategy (lib/api/kind.ts). Never holds behaviour itself.
import type { KindBehaviour } from '../object.ts';

export const BEHAVIOURS: readonly KindBehaviour[] = [];
