// Decides the part of the table that is the same on every node: the hooks, and the order in which packets meet them.
// Never holds the address of a service, nor their ranges.
import { MASQUERADE_MARK } from './chains.ts';
import { MAP_NAMES, MAPS } from './elements.ts';
import type { NodeFacts } from './service-rules.ts';

export const TABLE = 'ip kube-proxy';

/** Name of a chain, its hook if it has one, its rules. */
interface Chain {
  name: string;
  hook?: string;
  rules: string[];
}

const CALLED = 'ip daddr . meta l4proto . th dport';

export function fixedChains(facts: NodeFacts): Chain[] {
  return [
    {
      name: 'reject-chain',
      rules: ['meta l4proto tcp reject with tcp reset', 'reject'],
    },
    // This node's own processes may use endpoints elsewhere: see chains.ts.
    { name: 'drop-external', rules: ['fib saddr type local return', 'drop'] },
    { name: 'endpoints-check', rules: [`${CALLED} vmap @no-endpoint-services`] },
    {
      name: 'services',
      rules: [
        `${CALLED} vmap @service-ips`,
        'ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @service-nodeports',
      ],
    },
    {
      name: 'masquerading',
      rules: [`meta mark set meta mark & 0xffffbfff`, 'masquerade fully-random'],
    },
    {
      name: 'filter-prerouting',
      hook: 'filter hook prerouting priority -110',
      rules: [`${CALLED} @lb-restricted ${CALLED} . ip saddr != @lb-sources drop`],
    },
    {
      name: 'filter-input',
      hook: 'filter hook input priority -110',
      rules: ['ct state new meta l4proto . th dport vmap @no-endpoint-nodeports', 'ct state new jump endpoints-check'],
    },
    {
      name: 'filter-forward',
      hook: 'filter hook forward priority -110',
      rules: ['ct state new jump endpoints-check'],
    },
    {
      name: 'filter-output',
      hook: 'filter hook output priority -110',
      rules: ['ct state new jump endpoints-check'],
    },
    // After NAT: a service's address that is still there is a port, or an address, that nobody defined. Refusing the
    // whole of each service block also ends the circle between a host that routes it here and our default route to that host.
    ...['forward priority 0', 'output priority -90'].map((hook) => ({
      name: `filter-${hook.split(' ')[0]}-late`,
      hook: `filter hook ${hook}`,
      rules: [
        'ct state new ip daddr @cluster-ips goto reject-chain',
        'ct state new ip daddr @service-cidrs goto reject-chain',
      ],
    })),
    {
      name: 'nat-prerouting',
      hook: 'nat hook prerouting priority -100',
      rules: [
        // Callers outside get their answer through this node, or they would not know it.
        `ip daddr @cluster-ips ip saddr != ${facts.nodePodCidr} meta mark set meta mark | ${MASQUERADE_MARK}`,
        'jump services',
      ],
    },
    { name: 'nat-output', hook: 'nat hook output priority -100', rules: ['jump services'] },
    {
      name: 'nat-postrouting',
      hook: 'nat hook postrouting priority 100',
      rules: [
        `meta mark & ${MASQUERADE_MARK} != 0 goto masquerading`,
        'ip saddr . ip daddr @hairpin-ips masquerade fully-random',
      ],
    },
  ];
}

/** The empty table, as lines of an nft file. */
export function fixedTable(facts: NodeFacts): string[] {
  return [
    `table ${TABLE} {`,
    ...MAP_NAMES.flatMap(declaration),
    // Whose work the table is: the hash of all elements, renewed by every change.
    ...block('set state', ['type mark . mark']),
    ...block('map affinity', [
      'type ipv4_addr . ipv4_addr . inet_proto . inet_service : mark',
      'size 65535',
      'flags dynamic,timeout',
      'timeout 3h',
    ]),
    ...fixedChains(facts).flatMap(({ name, hook, rules }) =>
      block(`chain ${name}`, [...(hook === undefined ? [] : [`type ${hook}; policy accept;`]), ...rules]),
    ),
    '}',
  ];
}

function declaration(name: (typeof MAP_NAMES)[number]): string[] {
  const map: { kind: string; type: string; flags?: string } = MAPS[name];
  if (map.kind === 'chains') return [];
  return block(`${map.kind} ${name}`, [`type ${map.type}`, ...(map.flags === undefined ? [] : [`flags ${map.flags}`])]);
}

function block(head: string, lines: readonly string[]): string[] {
  return [` ${head} {`, ...lines.map((line) => `  ${line}`), ' }'];
}
