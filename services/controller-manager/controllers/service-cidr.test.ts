// Shows when a ServiceCIDR is ready, what keeps one that is being deleted, and what lets it go.
import test from 'ava';
import type { ServiceCIDR } from '../../../lib/api/generated/types.ts';
import { containsIp } from '../../../lib/api/ip-range.ts';
import { resourceRef } from '../../../lib/api/resource.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { serviceCidr } from './service-cidr.ts';

const SERVICE_CIDRS = resourceRef('networking.k8s.io', 'v1', 'servicecidrs');
const IP_ADDRESSES = resourceRef('networking.k8s.io', 'v1', 'ipaddresses');

function world() {
  const model = new ApiModel();
  const loops = new ModelLoops(model, [serviceCidr], { lags: false });
  const range = (name: string, ...cidrs: string[]): void =>
    void model.create(SERVICE_CIDRS, { metadata: { name }, spec: { cidrs } });
  const address = (name: string): void =>
    void model.create(IP_ADDRESSES, {
      metadata: { name },
      spec: { parentRef: { resource: 'services', namespace: 'x', name: 's' } },
    });
  const find = (name: string): ServiceCIDR | undefined => model.get<ServiceCIDR>(SERVICE_CIDRS, '', name);
  return { model, loops, range, address, find };
}

/** The range `more` is being deleted, with one address given out of it. */
async function endingWorld(): Promise<ReturnType<typeof world>> {
  const made = world();
  made.range('more', '10.9.0.0/16');
  made.address('10.9.1.1');
  await made.loops.settle();
  made.model.delete(SERVICE_CIDRS, '', 'more');
  await made.loops.settle();
  return made;
}

test('a range is protected and ready', async (t) => {
  const { loops, range, find } = world();
  range('more', '10.9.0.0/16');
  await loops.settle();
  t.deepEqual(find('more')?.metadata.finalizers, ['networking.k8s.io/service-cidr-finalizer']);
  const [ready] = find('more')?.status?.conditions ?? [];
  t.deepEqual([ready?.type, ready?.status, ready?.message], ['Ready', 'True', 'Kubernetes Service CIDR is ready']);
  t.is(await loops.reconcileAll([serviceCidr]), 0, 'and nothing is written twice');
});

test('a range goes with its last address', async (t) => {
  const { model, loops, find } = await endingWorld();
  t.is(find('more')?.status?.conditions?.[0]?.reason, 'Terminating');
  model.delete(IP_ADDRESSES, '', '10.9.1.1');
  await loops.settle();
  t.is(find('more'), undefined);
});

test('a range goes when another holds its addresses too', async (t) => {
  const { loops, range, find } = await endingWorld();
  t.truthy(find('more'));
  range('wider', '10.0.0.0/8');
  await loops.settle();
  t.is(find('more'), undefined);
});

test('an address is in a range of its own family', (t) => {
  t.true(containsIp('10.0.0.0/8', '10.255.0.1'));
  t.true(containsIp('2001:db8::/64', '2001:db8::1:2'));
  t.true(containsIp('::ffff:10.0.0.0/104', '::ffff:10.1.1.1'));
  t.true(containsIp('0.0.0.0/0', '1.2.3.4'));
  for (const [range, ip] of [
    ['10.0.0.0/8', '11.0.0.1'],
    ['2001:db8::/64', '2001:db8:0:1::1'],
    ['10.0.0.0/8', '2001:db8::1'],
    ['10.0.0.0/8', 'x'],
  ] as const)
    t.false(containsIp(range, ip), `${range} ${ip}`);
});
