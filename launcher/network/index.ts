// Decides nothing: the one door to the network of a cluster on this machine. Never holds code of its own.
export { bringUp, leftovers, tearDown, tearDownNode } from './bring-up.ts';
export { chooseIndex, conflictsOf, type Taken } from './choose.ts';
export { forwardsIpv4, takenBlocks } from './observe.ts';
export { blockPair, cutNode, healNode, unblockAll } from './partition.ts';
export { planNetwork, type NetworkPlan } from './plan.ts';
