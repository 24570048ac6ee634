// Decides nothing: cases that many areas begin with. Never asks a server.
import type { Case } from './area.ts';

/** With what controllers would put into it: nobody plays them here. */
export const createNamespace = (name: string): Case[] => [
  { name: `namespace ${name}`, m: 'POST', p: '/api/v1/namespaces', b: { metadata: { name } } },
  {
    name: `service account of ${name}`,
    m: 'POST',
    p: `/api/v1/namespaces/${name}/serviceaccounts`,
    b: { metadata: { name: 'default' } },
  },
];
