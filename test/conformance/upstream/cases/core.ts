// Requests about objects of the core group, and what they answer when something is wrong with them.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const NS = '/api/v1/namespaces/core';

export const cases: readonly Case[] = [
  ...createNamespace('core'),
  { name: 'config map', m: 'POST', p: `${NS}/configmaps`, b: { metadata: { name: 'one' }, data: { a: '1' } } },
  { name: 'config map of a wrong name', m: 'POST', p: `${NS}/configmaps`, b: { metadata: { name: 'One_' } } },
  { name: 'one config map', p: `${NS}/configmaps/one` },
  { name: 'no such config map', p: `${NS}/configmaps/two` },
  { name: 'config maps', p: `${NS}/configmaps` },
  {
    name: 'pod',
    m: 'POST',
    p: `${NS}/pods`,
    b: { metadata: { generateName: 'web-' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
  { name: 'delete that pod', m: 'DELETE', p: (seen) => `${NS}/pods/${seen('pod').body.metadata.name}` },
];
