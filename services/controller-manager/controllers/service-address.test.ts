// Shows what the repair of addresses puts right, what it leaves alone, and that it does nothing on half of the news.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import type { IPAddress, Service } from '../../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef } from '../../../lib/api/resource.ts';
import { serviceAddress, serviceOf } from '../../../lib/api/service-address.ts';
import { seededChance } from '../../../lib/base/chance.ts';
import { ModelLoops, type LoopOptions } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { addressRepair, serviceAddressRepair } from './service-address.ts';

const IP_ADDRESSES = resourceRef('networking.k8s.io', 'v1', 'ipaddresses');
const LOOPS = [serviceAddressRepair, addressRepair];

function world(options: LoopOptions = {}) {
  let now = 0;
  const model = new ApiModel({ now: () => now });
  const loops = new ModelLoops(model, LOOPS, options);
  const at = (name: string) => ({ metadata: { name, namespace: 'x' } });
  return {
    model,
    loops,
    service: (name: string, clusterIP: string): void =>
      void model.create(RESOURCES.services, { ...at(name), spec: { clusterIP, ports: [{ port: 80 }] } }),
    /** As the API gives it out: to `name`. */
    address: (ip: string, name: string): void => void model.create(IP_ADDRESSES, serviceAddress(at(name), ip)),
    owner: (ip: string): string | undefined => {
      const found = model.get<IPAddress>(IP_ADDRESSES, '', ip);
      return found === undefined ? undefined : (serviceOf(found)?.name ?? 'none');
    },
    /** All that has an appointment within this time has had it. */
    async pass(ms: number): Promise<void> {
      await loops.settle();
      for (const end = now + ms; loops.nextAt !== undefined && loops.nextAt <= end;) {
        now = loops.nextAt;
        loops.fire();
        await loops.settle();
      }
      now += ms;
    },
    reasons: (): string[] => loops.events.map(({ reason }) => reason),
  };
}

test('what is as it should be is left alone', async (t) => {
  const { loops, service, address, pass, reasons } = world();
  service('web', '10.96.0.7');
  address('10.96.0.7', 'web');
  service('headless', 'None');
  await pass(120_000);
  t.is(await loops.reconcileAll(LOOPS), 0);
  t.is(loops.writes, 0);
  t.deepEqual(reasons(), []);
});

test('a Service without an IPAddress gets one, and again when somebody deletes it', async (t) => {
  const { model, loops, service, owner, reasons } = world();
  service('web', '10.96.0.7');
  await loops.settle();
  t.is(owner('10.96.0.7'), 'web');
  t.deepEqual(reasons(), ['ClusterIPNotAllocated']);
  t.is(loops.events[0]!.message, 'Cluster IP [IPv4]: 10.96.0.7 is not allocated; repairing');
  model.delete(IP_ADDRESSES, '', '10.96.0.7');
  await loops.settle();
  t.is(owner('10.96.0.7'), 'web');
});

test('an IPAddress without its Service goes after a minute; one that another allocator made stays', async (t) => {
  const { model, address, owner, pass, reasons } = world();
  address('10.96.0.7', 'nobody');
  model.create(IP_ADDRESSES, {
    metadata: { name: '10.96.0.8' },
    spec: { parentRef: { resource: 'services', namespace: 'x', name: 'nobody' } },
  });
  await pass(59_000);
  t.is(owner('10.96.0.7'), 'nobody');
  await pass(2_000);
  t.is(owner('10.96.0.7'), undefined);
  t.is(owner('10.96.0.8'), 'nobody');
  t.deepEqual(reasons(), ['IPAddressNotAllocated']);
});

test('an IPAddress whose Service comes within the minute stays', async (t) => {
  const { service, address, owner, pass, reasons } = world();
  address('10.96.0.7', 'web');
  await pass(50_000);
  service('web', '10.96.0.7');
  await pass(120_000);
  t.is(owner('10.96.0.7'), 'web');
  t.deepEqual(reasons(), []);
});

test('an IPAddress that tells of the wrong one is made anew', async (t) => {
  const { model, loops, service, address, owner, reasons } = world();
  address('10.96.0.7', 'gone');
  service('web', '10.96.0.7');
  await loops.settle();
  t.is(owner('10.96.0.7'), 'web');
  service('other', '10.96.0.9');
  address('10.96.0.9', 'other');
  address('10.96.0.10', 'other');
  await loops.settle();
  t.is(owner('10.96.0.10'), undefined, 'its Service has another address');
  t.deepEqual(reasons(), ['ClusterIPNotAllocated', 'IPAddressWrongReference']);
  model.change<IPAddress>(IP_ADDRESSES, '', '10.96.0.9', ({ metadata }) => {
    metadata.labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
  });
  await loops.settle();
  t.is(
    model.get<IPAddress>(IP_ADDRESSES, '', '10.96.0.9')?.metadata.labels?.['ipaddress.kubernetes.io/ip-family'],
    'IPv4',
  );
});

test('two Services with one address are told, and keep it; so is one outside of all ranges', async (t) => {
  const { model, loops, service, address, owner, reasons } = world();
  model.create(RESOURCES.serviceCidrs, { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } });
  service('web', '10.96.0.7');
  address('10.96.0.7', 'web');
  service('twin', '10.96.0.7');
  await loops.settle();
  t.is(owner('10.96.0.7'), 'web');
  t.deepEqual([...new Set(reasons())], ['ClusterIPAlreadyAllocated']);
  service('far', '10.97.0.7');
  address('10.97.0.7', 'far');
  await loops.settle();
  t.true(reasons().includes('ClusterIPOutOfRange'));
});

test('news in any order: as long as nothing is wrong, nothing is written and nothing is told', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(fc.record({ name: fc.constantFrom('a', 'b'), ip: fc.constantFrom('1', '2'), steps: fc.nat(6) }), {
        maxLength: 12,
      }),
      async (seed, moves) => {
        const { model, loops, service, address, pass, reasons } = world({ lags: true, chance: seededChance(seed) });
        const taken = new Map<string, string>();
        for (const { name, ip: last, steps } of moves) {
          const ip = `10.96.0.${last}`;
          const has = model.get<Service>(RESOURCES.services, 'x', name);
          if (has !== undefined) {
            model.delete(RESOURCES.services, 'x', name);
            model.delete(IP_ADDRESSES, '', has.spec.clusterIP!);
            taken.delete(has.spec.clusterIP!);
          } else if (!taken.has(ip) && model.get(IP_ADDRESSES, '', ip) === undefined) {
            address(ip, name);
            service(name, ip);
            taken.set(ip, name);
          }
          // Whatever else may wake them: an appointment, a restart.
          for (const each of ['a', 'b']) loops.wake(serviceAddressRepair, { namespace: 'x', name: each });
          for (const each of ['1', '2']) loops.wake(addressRepair, { namespace: '', name: `10.96.0.${each}` });
          for (let i = 0; i < steps; i++) await loops.step();
        }
        await pass(200_000);
        for (const [ip, name] of taken) {
          const found = model.get<IPAddress>(IP_ADDRESSES, '', ip);
          if (found === undefined || serviceOf(found)?.name !== name) throw new Error(`${ip} is not ${name}'s`);
        }
        if (loops.writes > 0 || reasons().length > 0) throw new Error(`nothing was wrong: ${reasons().join()}`);
      },
    ),
    { numRuns: 100 },
  );
  t.pass();
});
