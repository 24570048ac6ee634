// Decides nothing: requests that bring objects into a state and ask for their rows in a Table. Never asks a server.
import type { Case } from './area.ts';

export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

/** The server's own are not asked for. */
const OF_ROWS = 'of-rows';

/** What an object is made of, and what controllers or kubelets would then say of it. */
export interface State {
  metadata: { name: string; labels?: object; [field: string]: unknown };
  status?: object;
  [field: string]: unknown;
}

/** Made one after the other, then asked for at once; cells alone: what else is in an object is compared elsewhere. */
export const rowsOf = (what: string, path: string, states: readonly State[]): Case[] => [
  ...states.flatMap((state) => inState(what, path, state)),
  listed(what, path),
];

export const listed = (what: string, path: string, query = `labelSelector=${OF_ROWS}`): Case => ({
  name: `rows of ${what}`,
  p: `${path}?includeObject=None&${query}`,
  h: { accept: TABLE },
});

export function inState(what: string, path: string, { status, ...object }: State): Case[] {
  const { name, labels } = object.metadata;
  const b = { ...object, metadata: { ...object.metadata, labels: { ...labels, [OF_ROWS]: '' } } };
  const made = { name: `${what} ${name}`, m: 'POST', p: path, b, isSetup: true as const };
  return status === undefined ? [made] : [made, told(what, `${path}/${name}`, { status })];
}

/** Of one that is there. */
export const told = (what: string, own: string, b: object, part = 'status'): Case => ({
  name: `${what} ${own.split('/').at(-1)}: ${part}`,
  m: 'PATCH',
  p: `${own}/${part}`,
  h: { 'content-type': 'application/merge-patch+json' },
  b,
  isSetup: true,
});

/** It stays while it has finalizers, or a node that lets it end. */
export const ending = (what: string, own: string): Case => ({
  name: `${what} ${own.split('/').at(-1)} ends`,
  m: 'DELETE',
  p: own,
  isSetup: true,
});
