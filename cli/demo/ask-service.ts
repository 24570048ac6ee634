// Does: asks a Service from inside a node, as a program there would: over its cluster IP, or over its name, which the
// cluster's DNS resolves. Never asks from the machine's own network where nodes have theirs.
import { systemExec } from '../../lib/exec/system-exec.ts';
import { describeFailure } from '../../lib/exec/exec.ts';
import type { RunningCluster } from '../../launcher/up.ts';

const TRIES = 60;
const ASK_MS = 30_000;

/** Runs in the node: a new connection for each request, until everyone expected has answered. */
const SCRIPT = `
const [host, dnsServer, dnsPort, expected, tries] = process.argv.slice(1);
const { Resolver } = await import('node:dns/promises');
const http = await import('node:http');
const resolver = new Resolver({ timeout: 1000, tries: 3 });
resolver.setServers([dnsServer + ':' + dnsPort]);
const find = async (until) => {
  for (;;) {
    try {
      return (await resolver.resolve4(host))[0];
    } catch (error) {
      // The Service is a moment old: its name and the rules to the DNS may be on their way.
      if (Date.now() > until) throw error;
      await new Promise((go) => setTimeout(go, 100));
    }
  }
};
const address = /^[0-9.]+$/.test(host) ? host : await find(Date.now() + 10_000);
const ask = () => new Promise((resolve, reject) => {
  const request = http.get({ host: address, port: 80, path: '/', agent: false, timeout: 2000, headers: { host } }, (response) => {
    let text = '';
    response.on('data', (part) => (text += part));
    response.on('end', () => resolve(text.trim()));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 2 s')));
  request.on('error', reject);
});
const counts = {};
const wanted = expected.split(',');
for (let i = 0; i < Number(tries) && !wanted.every((name) => counts[name]); i++) {
  const name = await ask();
  counts[name] = (counts[name] ?? 0) + 1;
}
console.log(JSON.stringify(counts));
`;

/** How many requests each pod answered. */
export async function askService(
  { cluster, places }: RunningCluster,
  host: string,
  expected: readonly string[],
): Promise<Map<string, number>> {
  const [node] = places.nodes;
  const enter = node?.netns === undefined ? [] : ['nsenter', `--net=/run/netns/${node.netns}`];
  // The Service's port, except where no Service forwards to the DNS: there the actor listens on the address itself.
  const dnsPort = node?.netns === undefined ? cluster.ports.dns : 53;
  const result = await systemExec.run(
    [
      ...enter,
      process.execPath,
      '--input-type=module',
      '-e',
      SCRIPT,
      host,
      cluster.facts.dnsIp,
      String(dnsPort),
      expected.join(','),
      String(TRIES),
    ],
    { timeoutMs: ASK_MS },
  );
  if (result.exitCode !== 0) {
    const said = result.stderr.split('\n').find((line) => /Error/.test(line));
    throw new Error(said?.trim() ?? describeFailure(result));
  }
  return new Map(Object.entries(JSON.parse(result.stdout) as Record<string, number>));
}
