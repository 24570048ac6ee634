// Requests of server-side apply: who owns what, who is refused, and what is no configuration.
import type { Case } from '../area.ts';
import { createNamespace } from '../make.ts';

const MAPS = '/api/v1/namespaces/apply/configmaps';
const MERGE = { 'content-type': 'application/merge-patch+json' };

const apply = (name: string, manager: string, body: unknown, query = '', at = 'a'): Case => ({
  name,
  m: 'PATCH',
  p: `${MAPS}/${at}?fieldManager=${manager}${query}`,
  b: typeof body === 'string' ? body : JSON.stringify(body),
  h: { 'content-type': 'application/apply-patch+yaml' },
});
const map = (data: unknown, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...metadata },
  data,
});

export const cases: readonly Case[] = [
  ...createNamespace('apply'),
  apply('create', 'one', map({ x: '1', y: '2' })),
  apply('shared', 'two', map({ x: '1', z: '3' })),
  apply('conflict', 'three', map({ x: '9' })),
  apply('conflict with several', 'three', map({ x: '9', z: '9' })),
  apply('force', 'three', map({ x: '9' }), '&force=true'),
  apply('what is left out goes', 'one', map({})),
  { name: 'updated', m: 'PATCH', p: `${MAPS}/a?fieldManager=updater`, b: { data: { z: 'up' } }, h: MERGE },
  apply('conflict with an update', 'two', map({ z: '3' })),
  apply('another name', 'one', { ...map({}), metadata: { name: 'b' } }),
  apply('another kind', 'one', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }),
  apply('owners in the body', 'one', map({}, { managedFields: [{ manager: 'q' }] })),
  apply('no map', 'one', map('x')),
  apply('no text', 'one', map({ x: 5 })),
  apply('an unknown field', 'one', { ...map({}), foo: 1 }),
  apply('a list', 'one', '- a\n'),
  apply('nothing', 'one', 'null'),
];

export const differs: Readonly<Record<string, string>> = {
  conflict: 'the real server names the managers of one field in no order',
};
