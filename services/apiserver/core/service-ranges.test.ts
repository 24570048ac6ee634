// Shows which keys of an earlier version may go: none whose Service has nothing else to hold its address.
import test from 'ava';
import type { KeyValue } from '../../../lib/bus/messages.ts';
import { ClusterCache } from './cache/cluster-cache.ts';
import { SERVICES } from './service-addresses.ts';
import { addressKey, oldAddressKey, spentAddressKeys } from './service-ranges.ts';

const REVISION = 9;
const keyValue = (key: string, object: unknown, modRevision: number): KeyValue => ({
  key,
  value: new TextEncoder().encode(JSON.stringify(object)),
  createRevision: modRevision,
  modRevision,
});
const service = (name: string, clusterIP: string, revision: number): KeyValue =>
  keyValue(
    `/registry/core/services/x/${name}`,
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'x' }, spec: { clusterIP } },
    revision,
  );
const address = (ip: string, revision: number): KeyValue =>
  keyValue(
    addressKey(ip),
    { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: ip }, spec: {} },
    revision,
  );
const old = (ip: string, revision: number): KeyValue => keyValue(oldAddressKey(ip), {}, revision);

test('an old key goes with its IPAddress there, or with no Service left; else it stays', (t) => {
  const [held, alone, nobodys, news] = ['10.96.0.11', '10.96.0.12', '10.96.0.13', '10.96.0.14'] as const;
  const view = new ClusterCache([service('a', held, 3), address(held, 5), service('b', alone, 4)], REVISION);
  const items = [old(held, 3), old(alone, 4), old(nobodys, 6), old(news, REVISION + 1)];
  t.deepEqual(
    [...spentAddressKeys(view, items, SERVICES)],
    [
      {
        compares: [
          { key: oldAddressKey(held), revision: 3 },
          { key: addressKey(held), revision: 5 },
        ],
        operations: [{ type: 'delete', key: oldAddressKey(held) }],
      },
      {
        compares: [{ key: oldAddressKey(nobodys), revision: 6 }],
        operations: [{ type: 'delete', key: oldAddressKey(nobodys) }],
      },
    ],
  );
});
