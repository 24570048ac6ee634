// Requests about FlowSchemas and PriorityLevelConfigurations: those that a cluster is born with, and what is refused.
import type { Case } from '../area.ts';

const GROUP = '/apis/flowcontrol.apiserver.k8s.io/v1';
const LEVELS = `${GROUP}/prioritylevelconfigurations`;
const SCHEMAS = `${GROUP}/flowschemas`;

const level = (name: string, spec: object): Case => ({
  name: `level ${name}`,
  m: 'POST',
  p: LEVELS,
  b: { metadata: { name }, spec },
});
const schema = (name: string, spec: object): Case => ({
  name: `schema ${name}`,
  m: 'POST',
  p: SCHEMAS,
  b: { metadata: { name }, spec },
});
const to = (name: string): object => ({ priorityLevelConfiguration: { name } });
const everyone = {
  subjects: [{ kind: 'Group', group: { name: '*' } }],
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
};

export const cases: readonly Case[] = [
  { name: 'levels of every cluster', p: LEVELS },
  { name: 'schemas of every cluster', p: SCHEMAS },
  level('rejecting', {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } },
  }),
  level('queuing', { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } }),
  level('rejecting-queues', {
    type: 'Limited',
    limited: { limitResponse: { type: 'Reject', queuing: { queues: 1, handSize: 1, queueLengthLimit: 1 } } },
  }),
  level('of-too-large-a-hand', {
    type: 'Limited',
    limited: { limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 9, queueLengthLimit: 0 } } },
  }),
  level('lending-too-much', {
    type: 'Limited',
    limited: { lendablePercent: 101, borrowingLimitPercent: -1, limitResponse: { type: 'Reject' } },
  }),
  level('of-no-type', { type: 'Some' }),
  level('exempt-and-limited', { type: 'Exempt', limited: { limitResponse: { type: 'Reject' } } }),
  schema('defaults', { ...to('queuing'), rules: [everyone] }),
  schema('to-nobody', { ...to(''), rules: [] }),
  schema('of-a-precedence', { ...to('queuing'), matchingPrecedence: 10_001, rules: [everyone] }),
  schema('of-nobody', { ...to('queuing'), rules: [{ subjects: [], resourceRules: [] }] }),
  schema('of-a-distinguisher', { ...to('queuing'), distinguisherMethod: { type: 'ByColour' }, rules: [everyone] }),
];
