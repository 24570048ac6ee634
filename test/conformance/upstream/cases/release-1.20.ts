// The 79 requests that a real kube-apiserver 1.20.2 answered on a cluster with controllers and kubelets, whose part is played.
// Never a place for more of them: what has a 1.33 to ask is another area's.
import type { Case } from '../area.ts';
import { playedBefore } from '../older/played.ts';
import { readOlder, requestOf } from '../older/recorded.ts';

export { renewed } from '../older/renewed.ts';

const older = readOlder();

export const recorded = older.map(({ recorded: answer }) => answer);

export const cases: Case[] = older.flatMap((one, i) => [
  ...playedBefore(one.recorded, recorded),
  requestOf(one, recorded.slice(0, i)),
]);

const TOKEN_VOLUME = 'since 1.24 a pod gets a projected token volume, and since 1.33 it counts generations';

export const differs = {
  'pod immutable field': 'the list of changeable fields in the message is longer in newer versions',
  'pod create minimal': TOKEN_VOLUME,
  'pod create rich': TOKEN_VOLUME,
  'set selector': TOKEN_VOLUME,
  'delete pod default grace': TOKEN_VOLUME,
  'delete pod grace 0': TOKEN_VOLUME,
  'table get': TOKEN_VOLUME,
  'deploy table': 'columns are not described here, and the table is of another moment of the rollout',
  'svc put without rv': 'an update that leaves out the cluster IP keeps it since 1.21; 1.20 complained twice',
  'job create': 'labels are prefixed with batch.kubernetes.io/ and more fields are defaulted since 1.27',
  'token request': 'newer versions tell the name of the account',
  'watch bookmarks': 'a watch that ends by its timeout says how far it came',
};
