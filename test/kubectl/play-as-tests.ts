// Does: plays stories on a cluster of their own, each as a test. Never decides which.
import type { TestFn } from 'ava';
import { TestCluster } from '../kit/cluster.ts';
import { tellOnFailure } from '../kit/tell-on-failure.ts';
import type { Outcome } from './play-story.ts';
import { namespaceOf, playAll, tell, type Part } from './suite.ts';

/** `args` of `flotilla up`: what kind of cluster these stories need. */
export function playAsTests(test: TestFn, name: string, args: readonly string[], parts: readonly Part[]): void {
  const cluster = new TestCluster({ name: `${name}-${process.pid}`, args });
  let outcomes: Array<Promise<Outcome>> = [];
  tellOnFailure(test, cluster);

  test.before('one cluster, on which all versions play their stories beside each other', async (t) => {
    t.timeout(600_000);
    await cluster.up();
    outcomes = parts.length === 0 ? [] : playAll(parts, { folder: cluster.home });
  });

  test.after.always('the cluster goes', async () => {
    await Promise.allSettled(outcomes);
    await cluster.down();
  });

  test('a kubectl is there to play', (t) => {
    t.true(parts.length > 0, 'no kubectl on this machine: install one, or put it on the PATH');
  });

  for (const [index, part] of parts.entries())
    test(`kubectl ${part.kubectl.version}: ${part.story.name}`, async (t) => {
      t.timeout(1_800_000);
      const { passed, differences } = await outcomes[index]!;
      t.is(differences.map((difference) => `${namespaceOf(part)} ${tell(difference)}`).join('\n'), '');
      t.is(passed, part.story.commands.length);
    });
}
