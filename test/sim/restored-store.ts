// Decides whether a saved state can begin a new life in another cluster: every key is there, no revision means two things, and
// it takes writes. Never looks at the cluster that it was saved from.
import { simpleConfiguration } from '../../raft/core/index.ts';
import { layDown } from '../../raft/storage/lay-down.ts';
import { rebase } from '../../services/store/core/rebase.ts';
import { encodeSnapshot } from '../../services/store/core/snapshot.ts';
import type { StateMachine } from '../../services/store/core/state-machine.ts';
import { isRefusal, write } from './asking.ts';
import { Machine, type Fleet } from './machine.ts';
import { Process } from './process.ts';

const CLUSTER = 'c2';
const FIRST = { index: 1, term: 1 };
const BUMP = 1_000;
const PATIENCE_MS = 8_000;

export async function restoreElsewhere(fleet: Fleet, saved: StateMachine): Promise<void> {
  const { world, network } = fleet;
  world.note('restore elsewhere');
  const names = ['restored-1', 'restored-2', 'restored-3'];
  const turns = rebase(saved, FIRST.index, BUMP);
  let turn = turns.next();
  while (turn.done !== true) turn = turns.next();
  const next = turn.value;
  const machines = names.map((name) => new Machine({ ...fleet, cluster: CLUSTER, names, invariants: undefined }, name));
  const configuration = simpleConfiguration(names);
  for (const { name, disk } of machines) {
    const first = { clusterId: `${CLUSTER}-id`, member: name, configuration, ...FIRST };
    await layDown(disk.memory, '/data', first, encodeSnapshot(next));
  }
  for (const machine of machines) machine.start();
  const bus = network.connect(new Process(world, 'apiserver-51', { rate: 1, wallOffsetMs: 0 }, () => {}));
  const asking = { world, bus, cluster: CLUSTER, members: names };
  const operations = [{ type: 'delete' as const, key: '/restored' }];
  const cause = { span: 'restored#1', actor: bus.instance };
  const txns = [{ sequence: 1, compares: [], operations, cause }];
  let revision: number | undefined;
  void write(asking, { session: 'restored', acknowledged: 0, txns }, PATIENCE_MS).then((reply) => {
    const result = reply === undefined || isRefusal(reply) ? undefined : reply.results[0];
    revision = result?.ok === true ? result.revision : -1;
  });
  await world.run(PATIENCE_MS, () => revision !== undefined);
  // Its leases go on: what they take with them comes after the saved state.
  if (revision === undefined || revision < saved.revision + BUMP)
    throw new Error(`a restored store answers with revision ${revision}, it was saved at ${saved.revision}`);
  for (const { name, member } of machines) {
    const state = member?.state;
    const isWhole = state === undefined || state.revision > next.revision || state.keysHash === next.keysHash;
    if (!isWhole) throw new Error(`${name} was restored with another state than the saved one`);
  }
  world.count('restored-elsewhere');
}
