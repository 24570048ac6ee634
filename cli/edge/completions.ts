// Does: proposes what could come next on the command line: resources of the server, names of objects and actors. Never
// fails: a shell that waits for proposals gets none.
import { resourcePath } from '../../lib/api/resource.ts';

type Proposals = string[];

const OF_OBJECTS = new Set(['get', 'describe', 'delete', 'scale', 'rollout', 'trace']);
const OF_PODS = new Set(['logs', 'exec']);
const OF_UNITS = new Set(['stop', 'start', 'run']);

/** yargs' own proposals (commands, options) unless a word of ours is to be completed. */
export async function completions(
  current: string,
  argv: { _: Array<string | number>; home?: string; namespace?: string; kubeconfig?: string },
  filter: (done: (error: Error | null, proposals: Proposals | undefined) => void) => void,
): Promise<Proposals> {
  const words = argv._.map(String);
  const [, command = '', ...rest] = words[0] === 'flotilla' ? words : ['', ...words];
  const before = rest.filter((word) => word !== current && word !== '');
  try {
    if (!current.startsWith('-')) {
      if (OF_UNITS.has(command)) return matching(current, await unitNames(argv.home));
      if (OF_PODS.has(command) && before.length === 0) return matching(current, await objectNames('pods', argv));
      const type = command === 'rollout' ? before[1] : before[0];
      if (OF_OBJECTS.has(command) && !(command === 'rollout' && before.length === 0))
        return matching(current, type === undefined ? await typeWords(current, argv) : await objectNames(type, argv));
    }
  } catch {
    return [];
  }
  return new Promise((resolve) => filter((_error, proposals) => resolve(proposals ?? [])));
}

function matching(current: string, words: readonly string[]): Proposals {
  return words.filter((word) => word.startsWith(current));
}

type Where = { home?: string; namespace?: string; kubeconfig?: string };

async function typeWords(current: string, where: Where): Promise<string[]> {
  const slash = current.indexOf('/');
  if (slash > 0) {
    const type = current.slice(0, slash);
    return (await objectNames(type, where)).map((name) => `${type}/${name}`);
  }
  const session = await open(where);
  return (await session.resources()).all.filter(({ verbs }) => verbs.includes('list')).map(({ resource }) => resource);
}

async function objectNames(type: string, where: Where): Promise<string[]> {
  const session = await open(where);
  const resource = (await session.resources()).find(type);
  const path = resourcePath(resource, { namespace: session.namespace });
  const { items } = await session.send<{ items: Array<{ metadata: { name: string } }> }>({ method: 'GET', path });
  return items.map(({ metadata }) => metadata.name);
}

async function open(where: Where) {
  const { openSession } = await import('./session.ts');
  return openSession({
    home: where.home ?? process.env['FLOTILLA_HOME'] ?? '~/.flotilla',
    namespace: where.namespace,
    kubeconfig: where.kubeconfig,
  });
}

async function unitNames(home = process.env['FLOTILLA_HOME'] ?? '~/.flotilla'): Promise<string[]> {
  const [{ readUnits }, { openHome }] = await Promise.all([
    import('../../launcher/edge/plan-file.ts'),
    import('../../launcher/up.ts'),
  ]);
  return readUnits(openHome(home)).map(({ name }) => name);
}
