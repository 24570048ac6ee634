// Decides what of the core its driver may use. Never holds behaviour.
export { createRaft, describeSnapshot, type RaftState } from './state.ts';
export { step } from './step.ts';
export { raftStatus, type RaftStatus } from './status.ts';
export {
  decodeConfiguration,
  describe as describeConfiguration,
  membersOf,
  simpleConfiguration,
} from './configuration.ts';
export * from './types.ts';
