// Does: proposes what could come next on the command line: resources of the server, names of objects and actors. Never
// fails: a shell that waits for proposals gets none.
import { resourcePath } from '../../lib/api/resource.ts';

type Proposals = string[];

const OF_OBJECTS = new Set(['get', 'describe', 'delete', 'scale', 'rollout', 'trace']);
const OF_PODS = new Set(['logs', 'exec']);
const OF_UNITS = new Set(['stop', 'start', 'run']);
const ROLLOUT_VERBS = ['status', 'history', 'restart', 'undo', 'pause', 'resume'];

/** What the shell's script asks with: everything typed so far follows it, the program's own name first. */
export const ASK_COMPLETIONS = '--get-yargs-completions';

export interface CommandWords {
  names: readonly string[];
  /** Long options of a command, with their dashes. */
  options(command: string): Promise<string[]>;
}

/** yargs' own way runs the command that is being typed: this one only reads the words. */
export async function completions(typed: readonly string[], commands: CommandWords): Promise<Proposals> {
  const current = typed.at(-1) ?? '';
  const words = typed.slice(1, -1);
  try {
    return matching(current, await propose(current, words, commands));
  } catch {
    return [];
  }
}

async function propose(current: string, words: readonly string[], commands: CommandWords): Promise<string[]> {
  const { command, before, where } = readWords(words);
  if (command === undefined) return [...commands.names];
  if (current.startsWith('-')) return commands.options(command);
  if (OF_UNITS.has(command)) return unitNames(where.home);
  if (OF_PODS.has(command)) return before.length === 0 ? objectNames('pods', where) : [];
  if (command === 'rollout' && before.length === 0) return ROLLOUT_VERBS;
  if (!OF_OBJECTS.has(command)) return [];
  const type = command === 'rollout' ? before[1] : before[0];
  return type === undefined ? typeWords(current, where) : objectNames(type, where);
}

/** The command, its plain words, and the options that say which cluster. */
function readWords(words: readonly string[]): { command: string | undefined; before: string[]; where: Where } {
  const plain: string[] = [];
  const where: Where = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const [, name] = /^--(home|kubeconfig|namespace)$/.exec(word) ?? (word === '-n' ? ['', 'namespace'] : []);
    if (name !== undefined) where[name as keyof Where] = words[++i] ?? '';
    else if (!word.startsWith('-')) plain.push(word);
  }
  return { command: plain[0], before: plain.slice(1), where };
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
