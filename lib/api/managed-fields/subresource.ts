// Decides which fields a writer can come to own: not what the server keeps itself, nothing of the status on the object
// proper, and nothing but status and metadata on `/status`. Never decides who owns what.
import { difference, recursiveDifference, setOf, type Fields } from './fields.ts';
import { SELF } from './path-element.ts';

const metadata = (name: string): string[] => ['f:metadata', `f:${name}`];

/** Never owned, though clients must send some of them. */
const SERVER_OWNED = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...'name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion'
    .split(' ')
    .map(metadata),
);
const STATUS = setOf(['f:status']);
const KEPT_BY_STATUS = new Set(['f:status', 'f:metadata']);

export const withoutServerOwned = (fields: Fields): Fields => difference(fields, SERVER_OWNED);

/** What a write to this subresource can change at all; '' is the object proper. */
export function withinSubresource(fields: Fields, subresource: string): Fields {
  if (subresource === '') return recursiveDifference(fields, STATUS);
  if (subresource !== 'status') return fields;
  return Object.fromEntries(
    Object.entries(fields).filter(([element]) => element !== SELF && KEPT_BY_STATUS.has(element)),
  );
}
