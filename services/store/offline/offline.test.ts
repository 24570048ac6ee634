// Shows what can be done with a store's data while no member runs: check it, save it, begin again from it.
import test, { type ExecutionContext } from 'ava';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededChance } from '../../../lib/base/chance.ts';
import { StoreCluster } from '../../../test/kit/store-cluster.ts';
import { beginAnew } from './begin-anew.ts';
import { readDirectory, type ReadDirectory } from './read-directory.ts';
import { saveDirectory } from './save-directory.ts';
import { readSnapshotFile } from './snapshot-file.ts';

const SAVED_AT = '2026-11-22T10:00:00Z';

function scratch(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-offline-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Three members that have written snapshots, compacted, held leases, deleted; stopped, all with everything. */
async function stoppedStore(t: ExecutionContext): Promise<{ directory: string; revision: number; hash: string }> {
  const directory = scratch(t);
  const snapshots = { entries: 60, bytes: 1_000_000 };
  const raftLimits = { retainedEntries: 10 };
  const store = await StoreCluster.start({ directory, speed: 10, member: { snapshots, raftLimits } });
  const client = store.client();
  await store.operate({ operation: 'leaseGrant', id: 'l1', ttlSeconds: 3_600 });
  await client.txn([{ type: 'put', key: '/leased', value: Buffer.from('x'), lease: 'l1' }]);
  for (let i = 0; i < 150; i++) await client.put(`/k/${i % 40}`, `value ${i}`.padEnd(200));
  await client.txn([{ type: 'delete', key: '/k/3' }]);
  const revision = await store.converged();
  // The time that leases live in goes on until the last of them has stopped.
  const hash = store.member('store-1').member.state.keysHash;
  await store.stop();
  return { directory, revision, hash };
}

/** A member that was stopped just then has two snapshots, and that is said, too. */
const damageOf = ({ findings }: Pick<ReadDirectory, 'findings'>): object[] =>
  findings.filter(({ kind }) => kind === 'damage');

test('a whole directory is found whole, with the state that its member had', async (t) => {
  const { directory, revision, hash } = await stoppedStore(t);
  for (const name of ['store-1', 'store-2', 'store-3']) {
    const read = await readDirectory(join(directory, name), 'all');
    t.deepEqual(damageOf(read), []);
    t.like(read.identity, { member: name, clusterId: 'c1-id' });
    t.true((read.snapshot?.index ?? 0) > 0);
    t.is(read.state?.revision, revision);
    t.is(read.state?.keysHash, hash);
  }
});

test('whatever byte of a log or a snapshot is flipped, the file is named, or the byte was of no account', async (t) => {
  const { directory, hash } = await stoppedStore(t);
  const member = join(directory, 'store-2');
  const chance = seededChance(7);
  const names = readdirSync(member).filter((name) => /segment$|^snapshot-/.test(name));
  let named = 0;
  for (let round = 0; round < 60; round++) {
    const name = names[round % names.length]!;
    const path = join(member, name);
    const bytes = readFileSync(path);
    // What lies behind the last record, or between a header and the state, holds nothing.
    const used = name.startsWith('snapshot') ? bytes.length - 8_192 : bytes.findLastIndex((byte) => byte !== 0) - 600;
    const at = (name.startsWith('snapshot') ? 8_192 : 0) + chance.int(Math.max(1, used));
    const broken = Buffer.from(bytes);
    broken[at] = broken[at]! ^ (1 << chance.int(8));
    writeFileSync(path, broken);
    const { findings, state } = await readDirectory(member, 'all');
    const isNamed = findings.some((finding) => finding.kind === 'damage' && finding.path === path);
    // Between two records lie up to seven bytes that nobody reads.
    if (isNamed) t.is(state, undefined);
    else t.is(state?.keysHash, hash, `byte ${at} of ${name}: ${JSON.stringify(findings)}`);
    named += isNamed ? 1 : 0;
    writeFileSync(path, bytes);
  }
  t.true(named > 45, `${named} of 60`);
  t.deepEqual(damageOf(await readDirectory(member, 'committed')), []);
});

test('an unfinished write is a note, a missing file is damage', async (t) => {
  const { directory } = await stoppedStore(t);
  const member = join(directory, 'store-1');
  const segment = readdirSync(member).findLast((name) => name.endsWith('.segment'))!;
  const bytes = readFileSync(join(member, segment));
  const torn = bytes.subarray(
    0,
    bytes.findLastIndex((byte) => byte !== 0),
  );
  writeFileSync(join(member, segment), torn);
  const read = await readDirectory(member, 'committed');
  t.deepEqual(
    read.findings.map(({ kind }) => kind),
    ['note'],
  );
  t.regex(read.findings[0]!.what, /unfinished write/);
  const log = readdirSync(member).filter((name) => name.endsWith('.segment'));
  for (const name of log) rmSync(join(member, name));
  const without = await readDirectory(member, 'committed');
  t.true(without.findings.some(({ kind, what }) => kind === 'damage' && /no log/.test(what)));
});

test('a saved file begins a new cluster: the same keys, no revision twice, old ones told to be compacted', async (t) => {
  const { directory, revision, hash } = await stoppedStore(t);
  const file = join(directory, 'saved');
  const head = await saveDirectory(join(directory, 'store-3'), file, SAVED_AT);
  t.false(existsSync(`${file}.part`));
  t.like(head, { member: 'store-3', clusterId: 'c1-id', savedAt: SAVED_AT });
  const { state } = await readSnapshotFile(file);
  t.is(state.keysHash, hash);
  const fresh = join(directory, 'fresh');
  const members = ['store-1', 'store-2', 'store-3'];
  const begun = await beginAnew(
    state,
    'another-id',
    members.map((member) => ({ member, directory: join(fresh, member) })),
    members,
  );
  t.is(begun.revision, revision + 1_000_000_000);
  t.is(begun.hash, hash);
  const store = await StoreCluster.start({ directory: fresh, clusterId: 'another-id', speed: 10 });
  t.teardown(() => store.stop());
  const client = store.client();
  const leader = await store.leader();
  t.like(await client.ask(leader, { query: 'history', since: revision, limit: 10 }), {
    compacted: { oldest: begun.revision },
  });
  t.is((await client.read('/k/')).length, 39);
  const written = await client.put('/new', '1');
  t.like(written, { ok: true, revision: begun.revision + 1 });
  // Its lease lives on: when it ends, the key goes.
  await store.operate({ operation: 'leaseRevoke', id: 'l1' });
  t.deepEqual(await client.read('/leased'), []);
  await store.converged();
  // Its own directory is whole, too.
  await store.stop();
  t.deepEqual(damageOf(await readDirectory(join(fresh, 'store-1'), 'all')), []);
  const again = { member: 'store-1', directory: join(fresh, 'store-1') };
  await t.throwsAsync(beginAnew(state, 'x', [again], ['store-1']), { message: /is not empty/ });
});

test('a survivor alone begins a new store with every write that it had', async (t) => {
  const { directory, hash } = await stoppedStore(t);
  const { state } = await readDirectory(join(directory, 'store-2'), 'all');
  const fresh = join(directory, 'fresh');
  await beginAnew(state!, 'recovered', [{ member: 'store-1', directory: join(fresh, 'store-1') }], ['store-1']);
  const store = await StoreCluster.start({ directory: fresh, clusterId: 'recovered', speed: 10, members: 1 });
  t.teardown(() => store.stop());
  t.is(await store.leader(), 'store-1');
  t.is(store.member('store-1').member.state.keysHash, hash);
  t.true((await store.client().put('/a', '1')).ok);
  await store.startNew('store-4');
  t.deepEqual(await store.operate({ operation: 'addMember', member: 'store-4' }), { done: true });
  while ((await store.status(await store.leader())).voters.length < 2) await store.client().put('/tick', '1');
  await store.converged();
});

test('a saved file with any byte changed or missing is refused', async (t) => {
  const { directory } = await stoppedStore(t);
  const file = join(directory, 'saved');
  await saveDirectory(join(directory, 'store-1'), file, SAVED_AT);
  const bytes = readFileSync(file);
  const chance = seededChance(3);
  const headEnd = bytes.indexOf('\n\n');
  for (let round = 0; round < 40; round++) {
    const broken = Buffer.from(bytes);
    const at = round % 2 === 0 ? chance.int(headEnd) : 4_096 + chance.int(bytes.length - 4_096);
    broken[at] = broken[at]! ^ (1 << chance.int(8));
    writeFileSync(file, broken);
    await t.throwsAsync(readSnapshotFile(file), undefined, `byte ${at}`);
  }
  writeFileSync(file, bytes.subarray(0, bytes.length - 1));
  await t.throwsAsync(readSnapshotFile(file), { message: /not whole/ });
});
