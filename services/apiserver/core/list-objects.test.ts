// Shows that a list by an index is the list by looking at everything, that its pages are the whole, and that it looks at no
// more than it must. Never speaks HTTP.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { ApiError } from '../../../lib/base/errors.ts';
import { ClusterCache } from './cache/cluster-cache.ts';
import { encodeContinue } from './continue-token.ts';
import { freshnessOf, listing, listObjects, type Page } from './list-objects.ts';
import { listOptions } from './list-options.ts';
import { ServedKinds } from './served-kinds.ts';
import { keyOf } from './storage-key.ts';

const PODS = new ServedKinds(new ClusterCache([], 0)).table.find('', 'v1', 'pods')!;
const STREAM = 'core/pods';

interface Made {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  node: string;
}

function cacheOf(pods: readonly Made[], changesAfter = 0): ClusterCache {
  const items = pods.map(({ namespace, name, labels, node }, i) => {
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, labels }, spec: { nodeName: node } };
    const value = new TextEncoder().encode(JSON.stringify(object));
    return {
      key: keyOf({ stream: STREAM, namespace, name }),
      value,
      createRevision: i + 1,
      modRevision: i + 1,
      version: 1,
    };
  });
  const cache = new ClusterCache(items, pods.length, 10);
  for (let i = 0; i < changesAfter; i++) cache.apply([change(cache.revision + 1)]);
  return cache;
}

function change(revision: number): Parameters<ClusterCache['apply']>[0][number] {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'z', name: `new-${revision}` } };
  const key = keyOf({ stream: STREAM, namespace: 'z', name: object.metadata.name });
  const value = new TextEncoder().encode(JSON.stringify(object));
  return {
    revision,
    cause: { span: 's', actor: 'a' },
    changes: [{ type: 'put', key, value, createRevision: revision }],
  };
}

const ask = (cache: ClusterCache, query: string, namespace = ''): Page =>
  listObjects(cache, PODS, STREAM, namespace, listOptions(new URLSearchParams(query), PODS, false));
const keys = (page: Page): string[] => page.items.map(({ key }) => key);

const many = (count: number): Made[] =>
  Array.from({ length: count }, (_, i) => ({
    namespace: i % 3 === 0 ? 'a' : 'b',
    name: `pod-${String(i).padStart(5, '0')}`,
    labels: { app: `web-${i % 50}`, all: 'yes', ...(i % 100 === 0 ? { rare: String(i) } : {}) },
    node: `n${i % 40}`,
  }));

const PODS_MADE = many(300);

const SELECTORS = [
  'labelSelector=app%3Dweb-7',
  'labelSelector=app+in+(web-7,web-8)',
  'labelSelector=rare',
  'labelSelector=rare%3E100',
  'labelSelector=app%3Dweb-7,all%3Dyes',
  'labelSelector=all%3Dyes',
  'labelSelector=app!%3Dweb-7',
  'labelSelector=!rare',
  'labelSelector=none%3Dnone',
  'fieldSelector=spec.nodeName%3Dn3',
  'fieldSelector=spec.nodeName%3Dn3&labelSelector=rare',
  'fieldSelector=metadata.name%3Dpod-00004',
];

test('a list by an index is what looking at everything finds, whole and in pages, of all and of one namespace', (t) => {
  const cache = cacheOf(PODS_MADE);
  for (const selector of SELECTORS)
    for (const namespace of ['', 'a', 'b']) {
      const options = listOptions(new URLSearchParams(selector), PODS, false);
      const whole = keys(ask(cache, selector, namespace));
      const expected = PODS_MADE.filter((pod) => namespace === '' || pod.namespace === namespace)
        .filter(({ labels, node, name }) => satisfies(options, { ...labels }, node, name))
        .map((pod) => `${pod.namespace}/${pod.name}`)
        .toSorted();
      t.deepEqual(whole, expected, `${selector} in ${namespace}`);
      t.deepEqual(inPages(cache, selector, namespace), expected, `${selector} in ${namespace}, in pages`);
    }
});

/** By the words of the selector alone, without the code that is tested. */
function satisfies(
  { labels, fields }: ReturnType<typeof listOptions>,
  own: Record<string, string>,
  node: string,
  name: string,
): boolean {
  const label = ({ key, operator, values }: (typeof labels)[number]): boolean => {
    const value = own[key];
    if (operator === '=' || operator === 'in') return value !== undefined && values.includes(value);
    if (operator === '!=') return value === undefined || !values.includes(value);
    if (operator === 'gt') return value !== undefined && Number(value) > Number(values[0]);
    return operator === 'exists' ? value !== undefined : value === undefined;
  };
  const field = ({ field: path, value }: (typeof fields)[number]): boolean =>
    (path === 'metadata.name' ? name : node) === value;
  return labels.every(label) && fields.every(field);
}

function inPages(cache: ClusterCache, selector: string, namespace: string): string[] {
  const found: string[] = [];
  for (let token = '', more = true; more;) {
    const page = ask(cache, `${selector}&limit=23${token === '' ? '' : `&continue=${token}`}`, namespace);
    found.push(...keys(page));
    token = page.continue;
    more = token !== '';
  }
  return found;
}

test('what an index knows is looked up, not looked for', (t) => {
  const cache = cacheOf(many(5_000));
  const stepsOf = (query: string): number => {
    const options = listOptions(new URLSearchParams(query), PODS, false);
    const steps = listing({ cache, kind: PODS, stream: STREAM, namespace: '', options });
    let count = 0;
    while (steps.next().done !== true) count++;
    return count;
  };
  // A step is made after some hundred objects that were looked at one by one.
  t.is(stepsOf('labelSelector=app%3Dweb-7'), 0);
  t.is(stepsOf('labelSelector=app%3Dweb-7&limit=500'), 0);
  t.is(stepsOf('labelSelector=none+in+(x,y)'), 0);
  t.is(stepsOf('labelSelector=nowhere'), 0);
  t.is(stepsOf('fieldSelector=spec.nodeName%3Dnone'), 0);
  t.is(stepsOf('fieldSelector=metadata.name%3Dpod-00004'), 0);
  t.true(stepsOf('limit=500') < 6);
  t.true(stepsOf('labelSelector=app!%3Dweb-7') > 15, 'all are looked at, in steps');
});

test('the rest of a list is counted, and only without a selector', (t) => {
  const cache = cacheOf(PODS_MADE);
  t.is(ask(cache, 'limit=10').remaining, 290);
  t.is(ask(cache, 'limit=10', 'a').remaining, 90);
  t.is(ask(cache, 'limit=10&labelSelector=all').remaining, undefined);
  t.is(ask(cache, 'limit=300').continue, '');
  t.is(ask(cache, 'limit=100', 'a').remaining, undefined);
});

test('a revision with a limit is meant exactly, and one that is forgotten is told in the words of the real server', (t) => {
  const cache = cacheOf(many(20), 15);
  const then = cache.revision - 3;
  t.is(ask(cache, `resourceVersion=${then}&limit=500`).items.length, 32);
  t.is(ask(cache, `resourceVersion=${then}&limit=500`).revision, then);
  t.is(ask(cache, `resourceVersion=${then}`).items.length, 35);
  t.is(ask(cache, 'resourceVersion=0&limit=500').items.length, 35);
  const error = t.throws(() => ask(cache, 'resourceVersion=5&resourceVersionMatch=Exact'), { instanceOf: ApiError });
  t.is(error?.message, 'The resourceVersion for the provided list is too old.');
  t.is(error?.code, 410);
});

test('a page waits for the revision of its token, and one that goes on anew for all that is acknowledged', (t) => {
  const options = (query: string): ReturnType<typeof listOptions> =>
    listOptions(new URLSearchParams(query), PODS, false);
  t.is(freshnessOf(options('')), '');
  t.is(freshnessOf(options('resourceVersion=7')), '7');
  t.is(freshnessOf(options(`continue=${encodeContinue({ revision: 9, after: 'a/b' })}`)), '9');
  t.is(freshnessOf(options(`continue=${encodeContinue({ revision: -1, after: 'a/b' })}&resourceVersion=0`)), '');
});

test('property: pages are the whole, however small, while others write', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.boolean(), { maxLength: 8 }), (limit, writes) => {
      const cache = cacheOf(many(25));
      const whole = keys(ask(cache, ''));
      const found: string[] = [];
      for (let token = '', more = true, i = 0; more; i++) {
        const page = ask(cache, `limit=${limit}${token === '' ? '' : `&continue=${token}`}`);
        found.push(...keys(page));
        if (writes[i] === true) cache.apply([change(cache.revision + 1)]);
        token = page.continue;
        more = token !== '';
      }
      t.deepEqual(found, whole);
    }),
    { numRuns: 50 },
  );
});

test('a page of a state that is let go of is refused with a token for the rest, though nothing has changed', (t) => {
  const cache = cacheOf(many(10));
  const first = ask(cache, 'limit=4');
  cache.apply([{ revision: 11, cause: { span: 's', actor: 'a' }, changes: [] }]);
  cache.forgetStates(10);
  t.deepEqual(keys(ask(cache, `limit=4&continue=${first.continue}`)), keys(ask(cache, 'limit=8')).slice(4));
  cache.forgetStates(11);
  const refused = t.throws(() => ask(cache, `limit=4&continue=${first.continue}`), { instanceOf: ApiError });
  const { reason, metadata } = refused.toStatus();
  t.is(reason, 'Expired');
  const rest = ask(cache, `continue=${metadata!.continue}`);
  t.deepEqual([...keys(first), ...keys(rest)], keys(ask(cache, '')));
  t.is(rest.revision, 11);
  const exact = t.throws(() => ask(cache, 'resourceVersion=10&resourceVersionMatch=Exact'), { instanceOf: ApiError });
  t.is(exact.toStatus().reason, 'Expired');
});
