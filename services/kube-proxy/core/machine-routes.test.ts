// Shows which routes the machine gets to further ranges, and that nothing else of the machine is touched.
import test from 'ava';
import { blockOf } from '../../../lib/base/ipv4.ts';
import { PROTOCOL, routeChanges, type RouteRow } from './machine-routes.ts';

const WAY = { device: 'fl-demo', via: '10.200.0.11' };
const MACHINE: RouteRow[] = [
  { dst: 'default', dev: 'eth0', gateway: '192.0.2.1' },
  { dst: '0.0.0.0/1', dev: 'tun0' },
  { dst: '192.0.2.0/24', dev: 'eth0' },
  { dst: '127.0.0.0/8', dev: 'lo' },
  { dst: '10.96.0.0/16', dev: 'fl-demo', gateway: '10.200.0.11', protocol: 'boot' },
  { dst: '10.244.1.0/24', dev: 'fl-demo', gateway: '10.200.0.11', protocol: 'boot' },
];
const blocks = (...cidrs: string[]) => cidrs.map((cidr) => blockOf(cidr)!);
const ours = (dst: string, gateway = WAY.via): RouteRow => ({ dst, dev: 'fl-demo', gateway, protocol: PROTOCOL });
const replace = (dst: string): string => `route replace ${dst} via 10.200.0.11 dev fl-demo proto 196`;
const del = (dst: string): string => `route del ${dst} dev fl-demo proto 196`;

test('a further range gets a route through this node, once', (t) => {
  const wanted = blocks('10.112.0.0/16', '10.120.0.7/32');
  t.deepEqual(routeChanges(wanted, MACHINE, WAY), [replace('10.112.0.0/16'), replace('10.120.0.7')]);
  t.deepEqual(routeChanges(wanted, [...MACHINE, ours('10.112.0.0/16'), ours('10.120.0.7')], WAY), []);
});

test('the route of a range that is gone goes; those of others stay', (t) => {
  t.deepEqual(routeChanges([], [...MACHINE, ours('10.112.0.0/16')], WAY), [del('10.112.0.0/16')]);
});

test('a route through another node is laid anew', (t) => {
  const there = [...MACHINE, ours('10.112.0.0/16', '10.200.0.12')];
  t.deepEqual(routeChanges(blocks('10.112.0.0/16'), there, WAY), [replace('10.112.0.0/16')]);
});

test('where the machine finds something else, it goes on finding it', (t) => {
  t.deepEqual(routeChanges(blocks('192.0.0.0/8', '127.3.0.0/16'), MACHINE, WAY), []);
  const other = { ...ours('10.112.0.0/16'), dev: 'fl-other' };
  t.deepEqual(routeChanges(blocks('10.112.0.0/16'), [...MACHINE, other], WAY), [], 'another cluster has it');
});
