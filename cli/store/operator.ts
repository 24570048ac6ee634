// Does: joins a running cluster's bus as the owner of its store, for one piece of work. Never asks anything itself.
import { StoreOperator } from '../../launcher/edge/store-operator.ts';
import { joinBus } from '../edge/cluster-bus.ts';

export async function withOperator<T>(home: string, work: (operator: StoreOperator) => Promise<T>): Promise<T> {
  const { bus, cluster } = await joinBus(home);
  try {
    return await work(new StoreOperator(bus, cluster.name, cluster.stores));
  } finally {
    await bus.close();
  }
}
