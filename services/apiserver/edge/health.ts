// Does: answers whether this server lives and is ready, as a whole and check by check, in upstream's words. Never asks the store:
// it knows how the last question for its newest revision went.
import type { Answer, Call } from './call.ts';
import type { ApiParts } from './parts.ts';

export const HEALTH: ReadonlySet<string> = new Set(['healthz', 'livez', 'readyz']);
export const NO_SNIFFING = { 'x-content-type-options': 'nosniff' };

interface Check {
  name: string;
  problem: string | undefined;
}

/** Undefined: no such check. */
export function health(parts: ApiParts, call: Call, path: string): Answer | undefined {
  const [which = '', ...rest] = path.slice(1).split('/');
  const all = checks(parts, which);
  const told = ({ name, problem }: Check): void => parts.metrics.checked(name, which, problem === undefined);
  if (rest.length === 0) return together(all, which, call.query, told);
  const one = all.find(({ name }) => name === rest.join('/'));
  if (one === undefined) return undefined;
  told(one);
  return one.problem === undefined ? text(200, 'ok', {}) : text(500, `internal server error: ${one.problem}\n`);
}

function together(all: readonly Check[], which: string, query: URLSearchParams, told: (check: Check) => void): Answer {
  const excluded = query.getAll('exclude');
  const isLeftOut = ({ name }: Check): boolean => excluded.includes(name);
  const failed = all.filter((check) => check.problem !== undefined && !isLeftOut(check));
  for (const check of all) if (!isLeftOut(check)) told(check);
  const lines = all.map((check) => {
    if (isLeftOut(check)) return `[+]${check.name} excluded: ok`;
    return check.problem === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: ${check.problem}`;
  });
  const unknown = excluded.filter((name) => !all.some((check) => check.name === name));
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name)).join(', ');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  if (failed.length > 0) return text(500, `${[...lines, `${which} check failed`].join('\n')}\n`);
  return text(200, query.has('verbose') ? `${[...lines, `${which} check passed`].join('\n')}\n` : 'ok');
}

/** Pages of all checks and of each. */
export function healthPaths(parts: ApiParts): string[] {
  return [...HEALTH].flatMap((which) => [`/${which}`, ...checks(parts, which).map(({ name }) => `/${which}/${name}`)]);
}

function checks({ freshness, bootstrap }: ApiParts, which: string): Check[] {
  const alive = [{ name: 'ping', problem: undefined }];
  if (which === 'livez') return alive;
  return [
    ...alive,
    {
      name: 'store',
      problem: freshness.hasQuorum ? undefined : 'the store did not answer the last question for its newest revision',
    },
    {
      name: 'bootstrap',
      problem: bootstrap.isDone ? undefined : (bootstrap.problem ?? 'the first objects are not there yet'),
    },
  ];
}

const text = (code: number, content: string, headers: Record<string, string> = NO_SNIFFING): Answer => ({
  type: 'bytes',
  code,
  contentType: 'text/plain; charset=utf-8',
  bytes: Buffer.from(content),
  headers,
});
