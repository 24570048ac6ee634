// Shows which of 79 recorded answers of a real kube-apiserver 1.20 ours match, and names why the others differ: a match that
// is lost fails, and so does a difference that is gone but still listed.
import test from 'ava';
import { startApi } from '../kit/api-server.ts';
import { others } from './others.ts';
import { readCases, replay } from './replay.ts';

const TOKEN_VOLUME = 'since 1.24 a pod gets a projected token volume, and since 1.33 it counts generations';

const KNOWN_DIFFERENCES: Record<string, string> = {
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

test('recorded answers of a real API server', async (t) => {
  t.timeout(600_000);
  const api = await startApi();
  t.teardown(() => api.stop());
  const cases = readCases();
  const results = await replay(api, cases, others(api, cases));
  const differing = results.filter(({ differences }) => differences.length > 0);
  const surprises = differing.filter(({ name }) => KNOWN_DIFFERENCES[name] === undefined);
  t.deepEqual(surprises, [], 'answers that matched, or should');
  const gone = Object.keys(KNOWN_DIFFERENCES).filter((name) => !differing.some((one) => one.name === name));
  t.deepEqual(gone, [], 'listed as different, but they match now');
  t.log(`${results.length - differing.length} of ${results.length} recorded answers match`);
});
