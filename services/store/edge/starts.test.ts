// Decides whether a member that cannot start says so and harms nobody, and whether what a disk cannot read any more is given
// up, fetched from the others, and nothing else.
import test, { type ExecutionContext } from 'ava';
import type { StoreStatus } from '../../../lib/bus/messages.ts';
import { subjectOf } from '../../../lib/bus/subjects.ts';
import type { Disk } from '../../../raft/storage/disk.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { StoreCluster } from '../../../test/kit/store-cluster.ts';
import { PATIENT_STARTS, Starts } from './starts.ts';
import { whyAside } from './stand-aside.ts';

const ioError = (call: string, path: string): Error =>
  Object.assign(new Error(`EIO: i/o error, ${call} '${path}'`), { code: 'EIO' });

/** Reading from `sector` on, 4 KiB, of files whose name has `name` in it fails, as of a bad sector. */
function withBadSector(disk: Disk, name: string, sector: number): Disk {
  return {
    ...diskMethods(disk),
    async open(path, options) {
      const file = await disk.open(path, options);
      if (!path.includes(name)) return file;
      const [from, to] = [sector * 4_096, (sector + 1) * 4_096];
      return {
        path,
        async read(offset, length) {
          if (offset < to && Math.min(offset + length, await file.size()) > from) throw ioError('read', path);
          return file.read(offset, length);
        },
        write: (data, offset) => file.write(data, offset),
        datasync: () => file.datasync(),
        size: () => file.size(),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        close: () => file.close(),
      };
    },
  };
}

async function threeWithWrites(
  t: ExecutionContext,
): Promise<{ cluster: StoreCluster; victim: string; revision: number }> {
  const cluster = await StoreCluster.start({ speed: 5 });
  t.teardown(() => cluster.stop());
  const leader = await cluster.leader();
  const client = cluster.client('apiserver-1');
  let revision = 0;
  for (let i = 0; i < 60; i++) {
    const result = await client.put(`/k/${i}`, 'x'.repeat(300));
    revision = result.ok ? result.revision : revision;
  }
  const victim = cluster.names.find((name) => name !== leader)!;
  await cluster.kill(victim);
  return { cluster, victim, revision };
}

async function statusOf(cluster: StoreCluster, member: string): Promise<StoreStatus> {
  const bus = cluster.network.connect('operator');
  const subject = subjectOf('c1', 'storeOperate', { member, from: 'operator' });
  const reply = (await bus.request(subject, { operation: 'status' }, { timeoutMs: 5_000 })) as { status: StoreStatus };
  await bus.close();
  return reply.status;
}

test('a bad sector in the log: it is tried again, told in the status, then given up; the others give back what it held', async (t) => {
  const { cluster, victim, revision } = await threeWithWrites(t);
  const ctx = cluster.contextOf(victim);
  const starts = new Starts(
    () => withBadSector(cluster.disk(victim), 'log-', 2),
    (error) => t.fail(error.message),
  );
  for (let i = 0; i < PATIENT_STARTS; i++) {
    await t.throwsAsync(starts.start(ctx), { message: /EIO/ });
    const { role, alarms } = await statusOf(cluster, victim);
    t.is(role, 'aside');
    t.regex(
      alarms.join(),
      /this member does not run, and tries again by itself: EIO: i\/o error, read .*given up and fetched/,
    );
  }
  const running = await starts.start(ctx);
  t.teardown(() => running.stop());
  await eventually('all is back', () => {
    const { member } = running;
    return member.repairs === '' && member.state.revision === revision;
  });
  t.is((await statusOf(cluster, victim)).role, 'follower');
  const files = await cluster.disk(victim).list(ctx.settings.dataDir);
  t.true(
    files.some((name) => name.startsWith('damaged-')),
    files.join(),
  );
});

test('a directory that cannot be read is not given up, however often: it starts when it can be read again', async (t) => {
  const { cluster, victim, revision } = await threeWithWrites(t);
  const ctx = cluster.contextOf(victim);
  let isGone = true;
  const disk = cluster.disk(victim);
  const list: Disk['list'] = (directory) =>
    isGone
      ? Promise.reject(
          Object.assign(new Error(`EACCES: permission denied, scandir '${directory}'`), { code: 'EACCES' }),
        )
      : disk.list(directory);
  const starts = new Starts(
    () => ({ ...diskMethods(disk), list }),
    (error) => t.fail(error.message),
  );
  for (let i = 0; i < PATIENT_STARTS + 2; i++) await t.throwsAsync(starts.start(ctx), { message: /EACCES/ });
  t.regex((await statusOf(cluster, victim)).alarms.join(), /let the user that it runs as read and write/);
  const client = cluster.client('apiserver-2');
  t.like(await client.put('/while', 'it stands aside'), { ok: true });
  isGone = false;
  const running = await starts.start(ctx);
  t.teardown(() => running.stop());
  await eventually('it has caught up', () => running.member.state.revision === revision + 1);
  const files = await disk.list(ctx.settings.dataDir);
  t.false(
    files.some((name) => name.startsWith('damaged-')),
    files.join(),
  );
});

/** Of an instance of a class, too. */
const diskMethods = (disk: Disk): Disk => ({
  open: (path, options) => disk.open(path, options),
  list: (directory) => disk.list(directory),
  rename: (from, to) => disk.rename(from, to),
  remove: (path) => disk.remove(path),
  makeDirectory: (path) => disk.makeDirectory(path),
  identify: (path) => disk.identify(path),
  syncDirectory: (path) => disk.syncDirectory(path),
});

test('what is wrong is told with what to do about it', (t) => {
  t.is(
    whyAside(Object.assign(new Error("EROFS: read-only file system, open '/d/x'"), { code: 'EROFS' })),
    "does not run, and tries again by itself: EROFS: read-only file system, open '/d/x'; mount its file system for writing",
  );
  t.is(whyAside(new Error('odd')), 'does not run, and tries again by itself: odd');
});
