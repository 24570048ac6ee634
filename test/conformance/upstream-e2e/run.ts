// Does: runs the suite by area against a cluster that is up, and writes down what came out:
// `npm run conformance -- --dir DIR --home HOME [--area sig-auth …]`. Never builds, never brings a cluster up.
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Cluster } from '../../../launcher/core/cluster.ts';
import { containerdNamespace } from '../../../launcher/core/actor-files.ts';
import { homeLayout } from '../../../launcher/core/home.ts';
import { resultsOf, type Report, type Result } from './results.ts';
import { keepResults } from './table.ts';

const AREAS = [
  'sig-api-machinery',
  'sig-auth',
  'sig-architecture',
  'sig-instrumentation',
  'sig-cli',
  'sig-node',
  'sig-network',
  'sig-storage',
  'sig-apps',
  'sig-scheduling',
];

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    home: { type: 'string' },
    area: { type: 'string', multiple: true, default: AREAS },
    /** A regular expression within the area: only these are run, and only their results are replaced. */
    focus: { type: 'string', default: '' },
    skip: { type: 'string', default: '' },
    /** Those that are no conformance tests: told, not kept, as many need what nobody has who does not ask for it. */
    beyond: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '120' },
    kubectl: { type: 'string', default: 'kubectl' },
  },
});
if (values.dir === undefined || values.home === undefined)
  throw new Error('usage: run.ts --dir DIR (what fetch.ts made) --home HOME (of a cluster with containers that is up)');
const dir = resolve(values.dir);
const home = homeLayout(resolve(values.home));
const cluster = JSON.parse(readFileSync(home.cluster, 'utf8')) as Cluster;

for (const node of cluster.nodes) importImages(node);
for (const area of values.area) {
  const report = await runArea(area);
  if (values.beyond) tell(resultsOf(report, true).filter(({ result }) => result !== 'not run'));
  else keepResults(resultsOf(report));
}

function tell(ran: readonly Result[]): void {
  const failed = ran.filter(({ result }) => result === 'failed');
  console.log(`${ran.length - failed.length} of ${ran.length} passed`);
  for (const { name, why } of failed) console.log(`${name}\n    ${why}`);
}

/** The suite's pods find them there: nothing asks a registry for an image that the node has. */
function importImages(node: string): void {
  const ctr = ['--address', home.containerdSocket(node), '--namespace', containerdNamespace(cluster, node)];
  const has = execFileSync('ctr', [...ctr, 'images', 'ls', '-q'], { encoding: 'utf8' });
  if (has.includes('/agnhost:')) return;
  console.log(`the images of the suite go to ${node}`);
  execFileSync('ctr', [...ctr, 'images', 'import', join(dir, 'images.tar')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function runArea(area: string): Promise<Report[]> {
  const out = join(dir, 'reports', `${area}-${process.pid}`);
  mkdirSync(out, { recursive: true });
  console.log(`${area}: what it says is in ${out}/log`);
  const conformance = '\\[Conformance\\]';
  const focus = `\\[${area}\\].*${values.focus}${values.beyond ? '' : `.*${conformance}`}`;
  const skip = [values.skip, values.beyond ? `${conformance}|Feature:OffByDefault|Alpha` : ''].filter(
    (one) => one !== '',
  );
  const child = spawn(
    join(dir, 'e2e.test'),
    [
      '--provider=skeleton',
      `--kubeconfig=${home.kubeconfig}`,
      `--kubectl-path=${values.kubectl}`,
      `--ginkgo.focus=${focus}`,
      ...skip.map((one) => `--ginkgo.skip=${one}`),
      `--ginkgo.timeout=${values.minutes}m`,
      `--ginkgo.json-report=${out}/report.json`,
      '--ginkgo.no-color',
      '--disable-log-dump',
      '--dump-logs-on-failure=false',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = createWriteStream(join(out, 'log'));
  for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
  await new Promise((ended) => child.once('close', ended));
  return JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report[];
}
