// Decides which decoders are fuzzed. To add one: a `decoder(...)` in the file of its room, or a file here and its line.
import type { Decoder } from '../decoder.ts';
import { bodies } from './bodies.ts';
import { definitions } from './definitions.ts';
import { names } from './names.ts';
import { patches } from './patches.ts';
import { queries } from './queries.ts';

/** Never two of one name: results are kept by it. */
export const DECODERS: readonly Decoder[] = [...bodies, ...patches, ...queries, ...definitions, ...names];
