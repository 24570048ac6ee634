// Does: makes every stuck case on a hollow cluster and records the facts that `why` decides on, for its unit tests. Never
// asserts. Run: `node test/trace/record-stuck.ts`, and review the changes of cli/core/why/testdata.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Facts } from '../../cli/core/why/facts.ts';
import { why } from '../../cli/core/why/why.ts';
import { TestCluster } from '../kit/cluster.ts';
import { eventually } from '../kit/eventually.ts';
import { factsOf, make } from './ask-why.ts';
import { STUCK_CASES, type StuckCase } from './stuck-cases.ts';

const directory = new URL('../../cli/core/why/testdata/', import.meta.url);
const cluster = new TestCluster({ name: 'trc-record', args: ['--runtime', 'hollow', '--nodes', '2', '--stores', '1'] });

/** What no rule looks at, and what would make each recording differ. */
const LEFT_OUT = new Set(['managedFields', 'images', 'nodeInfo', 'volumeMounts']);

function slim(facts: Facts): Facts {
  const spans = facts.spans.filter(
    ({ verb, wrote }) => verb !== 'request' || wrote.some(({ verb: did }) => did === 'delete'),
  );
  const allPods = facts.allPods.map(({ metadata: { name, namespace }, spec: { nodeName, containers }, status }) => ({
    metadata: { name, namespace },
    spec: {
      nodeName,
      containers: containers.map(({ name: container, image, resources }) => ({ name: container, image, resources })),
    },
    status: { phase: status?.phase },
  })) as Facts['allPods'];
  const text = JSON.stringify({ ...facts, allPods, spans: spans.slice(-4) }, (key, value: unknown) =>
    LEFT_OUT.has(key) ? undefined : value,
  );
  return JSON.parse(text) as Facts;
}

async function record(one: StuckCase): Promise<void> {
  let facts: Facts | undefined;
  await eventually(
    () => `${one.name}: ${facts === undefined ? 'no facts' : JSON.stringify(why(facts))}`,
    async () => {
      facts = await factsOf(cluster.home, one);
      return why(facts).code === one.code && one.tells.every((text) => JSON.stringify(why(facts!)).includes(text));
    },
    30_000,
  ).catch((error: unknown) => console.error((error as Error).message));
  if (facts !== undefined) writeFileSync(new URL(`${one.name}.json`, directory), `${JSON.stringify(slim(facts))}\n`);
}

try {
  mkdirSync(directory, { recursive: true });
  await cluster.up();
  const made = await Promise.allSettled(STUCK_CASES.map((one) => make(cluster.home, one)));
  for (const [i, one] of made.entries()) if (one.status === 'rejected') console.error(STUCK_CASES[i]!.name, one.reason);
  for (const one of STUCK_CASES) await record(one);
} finally {
  await cluster.down();
}
