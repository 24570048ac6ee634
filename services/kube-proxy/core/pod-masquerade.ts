// Decides how pods reach the world outside the cluster: with their node's address. Never touches traffic between pods,
// nor services (kube-proxy's own table does).
import { blockOf } from '../../../lib/base/ipv4.ts';
import { blockText, withoutNested } from './addresses.ts';
import type { NodeFacts } from './service-rules.ts';

export const MASQUERADE_TABLE = 'ip kube-proxy-masquerade';

/** The table as an nft program; loading it again replaces it. */
export function podMasqueradeProgram(facts: NodeFacts): string {
  const inside = withoutNested([facts.podCidr, ...facts.nonMasqueradeCidrs].flatMap((cidr) => blockOf(cidr) ?? []));
  const rule = `ip saddr ${facts.nodePodCidr} ip daddr != { ${inside.map(blockText).join(', ')} } masquerade fully-random`;
  const lines = [
    `table ${MASQUERADE_TABLE}`,
    `delete table ${MASQUERADE_TABLE}`,
    `table ${MASQUERADE_TABLE} {`,
    ' chain postrouting {',
    // Behind kube-proxy's own hook: what that has translated stays as it is.
    '  type nat hook postrouting priority 101; policy accept;',
    `  ${rule}`,
    ' }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}
