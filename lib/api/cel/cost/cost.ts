// Decides what an expression may cost at most, given how large its variables may be. Never says how much that may be.
import { Environment } from '@marcbachmann/cel-js';
import type { Declared } from './declared.ts';
import { estimateCost } from './estimate.ts';
import { treeOf } from './tree.ts';
import { inferTypes, simple, type CelType } from './types.ts';

let environment: Environment | undefined;

/** Of an expression in `self` and `oldSelf` that compiles. */
export function costOf(expression: string, self: Declared, isOldOptional = false): bigint {
  environment ??= new Environment({ enableOptionalTypes: true });
  const tree = treeOf(environment.parse(expression).ast);
  const oldSelf: CelType = isOldOptional ? simple('optional', self.type) : self.type;
  inferTypes(tree, new Map([['self', self.type]]).set('oldSelf', oldSelf));
  return estimateCost(tree, self);
}
