// Shows that clusters that are brought up at the same moment, and started again at the same moment, do not take each other's
// ports or addresses. Never needs a container.
import test from 'ava';
import { TestCluster } from '../kit/cluster.ts';

const args = ['--runtime', 'hollow', '--nodes', '1', '--stores', '1'];

test('two ups at once both succeed, the second time too', async (t) => {
  const clusters = ['one', 'two'].map((name) => new TestCluster({ name: `twins-${name}`, args }));
  t.teardown(() => Promise.all(clusters.map((cluster) => cluster.down())));
  await Promise.all(clusters.map((cluster) => cluster.up()));
  const ports = clusters.map(({ port }) => port);
  t.not(ports[0], ports[1]);
  for (const cluster of clusters) await cluster.must('down');
  await Promise.all(clusters.map((cluster) => cluster.up()));
  t.deepEqual(
    clusters.map(({ port }) => port),
    ports,
  );
  for (const cluster of clusters) {
    const { items } = await cluster.get<{ items: Array<{ metadata: { name: string } }> }>('nodes');
    t.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['node-1'],
    );
  }
});
