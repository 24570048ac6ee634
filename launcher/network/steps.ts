// Decides the exact commands that bring a planned network up and take it down, as data. Never runs one. Everything is
// repeatable: a step either replaces what is there, or names the command that tells whether it is done.
import type { NetworkPlan, NodePlan } from './plan.ts';

/** A program and what it reads on its standard input. */
export interface Command {
  argv: readonly string[];
  stdin?: string;
}

export interface Step {
  what: string;
  /** All succeed: the step is done. */
  doneIf?: readonly Command[];
  /** Run before; failures mean that there was nothing to clear. */
  clear?: readonly Command[];
  run: readonly Command[];
}

/** Phases follow each other; the steps of one phase may run side by side. */
export interface Phase {
  name: string;
  steps: readonly Step[];
}

export const IP = '/usr/sbin/ip';
/** Absolute on purpose: npm packages bring programs of the same name. */
export const NFT = '/usr/sbin/nft';

export function upPhases(plan: NetworkPlan): Phase[] {
  return [
    // The first `ip netns add` of a machine makes /run/netns a mount point: two at once would race for it.
    { name: 'fabric', steps: [namespaceStep(plan.fabric.netns)] },
    { name: 'namespaces', steps: [bridgeStep(plan), ...plan.nodes.map((node) => namespaceStep(node.netns))] },
    { name: 'links', steps: [hostLinkStep(plan), ...plan.nodes.map((node) => nodeLinkStep(plan, node))] },
    {
      name: 'addresses',
      steps: [
        fabricPortsStep(plan),
        hostStep(plan),
        machineStep(plan),
        ...plan.nodes.map((node) => nodeStep(plan, node)),
        masqueradeStep(plan),
      ],
    },
  ];
}

/** Failures of these mean that the thing was gone already. Links go first: a process may still hold its namespace. */
export function downPhases(plan: NetworkPlan): Phase[] {
  const gone = (what: string, ...run: Command[]): Step => ({ what, run });
  return [
    {
      name: 'host',
      steps: [
        gone(`remove table ${plan.host.nftTable}`, { argv: [NFT, 'delete', 'table', 'ip', plan.host.nftTable] }),
        gone(`remove ${plan.host.device}`, { argv: [IP, 'link', 'del', plan.host.device] }),
        gone(
          'remove the ports',
          batch(
            plan.fabric.netns,
            [
              ...plan.nodes.map((node) => `link del ${node.port}`),
              `link del ${plan.fabric.hostPort}`,
              `link del ${plan.fabric.bridge}`,
            ],
            true,
          ),
        ),
      ],
    },
    {
      name: 'namespaces',
      steps: [plan.host.netns, plan.fabric.netns, ...plan.nodes.map((node) => node.netns)].map((netns) =>
        gone(`remove namespace ${netns}`, { argv: [IP, 'netns', 'del', netns] }),
      ),
    },
  ];
}

/** One node alone: its port, its namespace and the host's route to its pods. */
export function downNodePhases(plan: NetworkPlan, node: NodePlan): Phase[] {
  return [
    {
      name: node.name,
      steps: [
        {
          what: `remove node ${node.name}`,
          run: [
            { argv: [IP, 'route', 'del', node.podCidr] },
            batch(plan.fabric.netns, [`link del ${node.port}`]),
            { argv: [IP, 'netns', 'del', node.netns] },
          ],
        },
      ],
    },
  ];
}

/** Services of a host process go through one node; this moves them, should that node be gone. */
function serviceRoute(plan: NetworkPlan, node: NodePlan): Command {
  return { argv: [IP, 'route', 'replace', plan.serviceCidr, 'via', node.ip, 'dev', plan.host.device] };
}

/** Docker sets the policy of FORWARD to DROP: our device needs its own accept then. */
export function forwardAccepts(plan: NetworkPlan): string[][] {
  return [
    ['FORWARD', '-i', plan.host.device, '-j', 'ACCEPT'],
    ['FORWARD', '-o', plan.host.device, '-j', 'ACCEPT'],
  ];
}

/** A killed `ip netns add` leaves a plain file that is no namespace: entering it fails, and it has to go first. */
function namespaceStep(netns: string): Step {
  return {
    what: `namespace ${netns}`,
    doneIf: [{ argv: [IP, '-n', netns, 'link', 'show', 'lo'] }],
    clear: [{ argv: [IP, 'netns', 'del', netns] }],
    run: [{ argv: [IP, 'netns', 'add', netns] }],
  };
}

function bridgeStep(plan: NetworkPlan): Step {
  const { netns, bridge } = plan.fabric;
  return {
    what: `bridge ${bridge}`,
    doneIf: [{ argv: [IP, '-n', netns, 'link', 'show', bridge] }],
    run: [{ argv: [IP, '-n', netns, 'link', 'add', bridge, 'type', 'bridge'] }],
  };
}

function hostLinkStep(plan: NetworkPlan): Step {
  const { netns, hostPort } = plan.fabric;
  const { device } = plan.host;
  return {
    what: `host port ${device}`,
    doneIf: [{ argv: [IP, 'link', 'show', device] }, { argv: [IP, '-n', netns, 'link', 'show', hostPort] }],
    clear: [{ argv: [IP, 'link', 'del', device] }],
    run: [{ argv: [IP, 'link', 'add', device, 'type', 'veth', 'peer', 'name', hostPort, 'netns', netns] }],
  };
}

/** The old port may lead into a deleted namespace that a process still holds: a new node gets a new pair. */
function nodeLinkStep(plan: NetworkPlan, node: NodePlan): Step {
  const fabric = [IP, '-n', plan.fabric.netns, 'link'];
  return {
    what: `port of ${node.name}`,
    doneIf: [{ argv: [IP, '-n', node.netns, 'link', 'show', 'eth0'] }, { argv: [...fabric, 'show', node.port] }],
    clear: [{ argv: [...fabric, 'del', node.port] }, { argv: [IP, '-n', node.netns, 'link', 'del', 'eth0'] }],
    run: [{ argv: [...fabric, 'add', node.port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', node.netns] }],
  };
}

function fabricPortsStep(plan: NetworkPlan): Step {
  const { netns, bridge, hostPort } = plan.fabric;
  const ports = [hostPort, ...plan.nodes.map((node) => node.port)];
  return {
    what: 'ports on the bridge',
    run: [
      batch(netns, [
        'link set lo up',
        `link set ${bridge} up`,
        ...ports.map((port) => `link set ${port} master ${bridge} up`),
      ]),
    ],
  };
}

function hostStep(plan: NetworkPlan): Step {
  const { device, ip } = plan.host;
  const first = plan.nodes[0];
  return {
    what: `host address ${ip}`,
    run: [
      batch(undefined, [
        `addr replace ${ip}/${plan.fabric.bits} dev ${device}`,
        `link set ${device} up`,
        ...plan.nodes.map((node) => `route replace ${node.podCidr} via ${node.ip} dev ${device}`),
      ]),
      ...(first === undefined ? [] : [serviceRoute(plan, first)]),
      write(undefined, '1', ['/proc/sys/net/ipv4/ip_forward']),
    ],
  };
}

/** A program in a node's namespace has no other way to name the machine's. `mount` is in it, as whoever runs these steps is. */
function machineStep(plan: NetworkPlan): Step {
  const { netns, device } = plan.host;
  return {
    what: `namespace ${netns}`,
    doneIf: [{ argv: [IP, '-n', netns, 'link', 'show', device] }],
    clear: [{ argv: [IP, 'netns', 'del', netns] }],
    run: [
      { argv: ['/usr/bin/touch', `/run/netns/${netns}`] },
      { argv: ['/usr/bin/mount', '--bind', '/proc/self/ns/net', `/run/netns/${netns}`] },
    ],
  };
}

/** Asymmetric ways (a service through node 1, the answer straight back) are normal here: no reverse path filter. */
function nodeStep(plan: NetworkPlan, node: NodePlan): Step {
  const others = plan.nodes.filter((other) => other.number !== node.number);
  const ipv4 = '/proc/sys/net/ipv4';
  return {
    what: `addresses of ${node.name}`,
    run: [
      batch(node.netns, [
        'link set lo up',
        `addr replace ${node.ip}/${plan.fabric.bits} dev eth0`,
        'link set eth0 up',
        `route replace default via ${plan.host.ip} dev eth0`,
        ...others.map((other) => `route replace ${other.podCidr} via ${other.ip} dev eth0`),
      ]),
      write(node.netns, '1', [`${ipv4}/ip_forward`]),
      write(node.netns, '0', [
        `${ipv4}/conf/all/rp_filter`,
        `${ipv4}/conf/default/rp_filter`,
        `${ipv4}/conf/eth0/rp_filter`,
      ]),
    ],
  };
}

/** What leaves the machine must bear the machine's address: nobody outside knows the way back to the fabric. */
function masqueradeStep(plan: NetworkPlan): Step {
  const table = `ip ${plan.host.nftTable}`;
  const inside = `${plan.fabric.cidr}, ${plan.podCidr}`;
  const rule = `ip saddr { ${inside} } ip daddr != { ${inside}, ${plan.serviceCidr} } masquerade`;
  const lines = [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    ' chain postrouting {',
    '  type nat hook postrouting priority 100;',
    `  ${rule}`,
    ' }',
    '}',
  ];
  return { what: 'masquerade to the outside', run: [{ argv: [NFT, '-f', '-'], stdin: `${lines.join('\n')}\n` }] };
}

/** Many `ip` commands in one process. `force` goes on after a failure. */
function batch(netns: string | undefined, lines: readonly string[], force = false): Command {
  const where = netns === undefined ? [] : ['-n', netns];
  const how = force ? ['-force'] : [];
  return { argv: [IP, ...where, ...how, '-batch', '-'], stdin: `${lines.join('\n')}\n` };
}

/** Sysctls without procps: /proc/sys/net is that of the writer's namespace. */
function write(netns: string | undefined, value: string, files: readonly string[]): Command {
  const enter = netns === undefined ? [] : ['/usr/bin/nsenter', `--net=/run/netns/${netns}`];
  return { argv: [...enter, '/usr/bin/tee', ...files], stdin: value };
}
