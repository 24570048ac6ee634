// Decides that replicas of one owner prefer nodes with fewer of them: losing a node loses few. Never rules out.
import type { Plugin } from '../core/plugin.ts';

export const ownerSpread: Plugin = {
  name: 'OwnerSpread',
  prefer: {
    // Outweighs the two allocation scores together: three replicas go to three nodes even where one node is emptier.
    weight: 5,
    normalize: 'least',
    score: ({ owner }, { owners }) => (owner === undefined ? 0 : (owners.get(owner) ?? 0)),
  },
};
