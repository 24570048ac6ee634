// Does: lists everything of a cluster that could stay behind on the machine. Never cleans up: a test compares.
import { readdirSync, readFileSync } from 'node:fs';
import { run } from './cluster.ts';
import { eventually } from './eventually.ts';

const SETTLE_MS = 20_000;

/** Lines like `mount /…`, `process 123 …`, `netns …`: what there is now that holds one of the words. */
export async function leftovers(...words: string[]): Promise<string[]> {
  const has = (line: string): boolean => words.some((word) => line.includes(word));
  const of = async (what: string, argv: string[]): Promise<string[]> =>
    (await run(argv)).stdout
      .split('\n')
      .filter(has)
      .map((line) => `${what} ${line.trim()}`);
  return [
    ...(await of('netns', ['ip', 'netns', 'list'])),
    ...(await of('link', ['ip', '-o', 'link'])),
    ...(await of('route', ['ip', 'route'])),
    ...(await of('nft', ['/usr/sbin/nft', 'list', 'tables'])),
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter(has)
      .map((line) => `mount ${line}`),
    ...processes().filter(has),
    ...cgroups().filter(has),
  ].toSorted();
}

/** What is left when the kernel has had its time: it takes namespaces, mounts and devices apart behind who asked for it. */
export async function settledLeftovers(before: readonly string[], ...words: string[]): Promise<string[]> {
  let left: string[] = [];
  const isSettled = async (): Promise<boolean> => (left = await leftovers(...words)).join() === before.join();
  await eventually('nothing is left', isSettled, SETTLE_MS).catch(() => {});
  return left;
}

function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        return [`process ${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return []; // it ended while we looked
      }
    });
}

function cgroups(): string[] {
  return readdirSync('/sys/fs/cgroup').flatMap((controller) => {
    try {
      return readdirSync(`/sys/fs/cgroup/${controller}`).map((name) => `cgroup ${controller}/${name}`);
    } catch {
      return [];
    }
  });
}
