// Does: asks a server the cases of an area, one after the other, and keeps its answers. Never judges one.
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../../kit/patience.ts';
import type { HttpAnswer, HttpOptions } from '../../kit/api-server.ts';
import type { Answer, Case, Seen } from './area.ts';

export interface Asked {
  http(method: string, path: string, options?: HttpOptions): Promise<HttpAnswer>;
}

const PAUSE_MS = 50;
const LIMIT_MS = 60_000;
/** What update and apply write down as their manager. */
const USER_AGENT = 'conformance/1.0';
/** Said by HTTP itself, or of the moment. */
const SAID_BY_TRANSPORT = new Set('date content-length connection keep-alive transfer-encoding'.split(' '));
/** Of the moment, or of the server: that they are said is what counts. */
const ONLY_SAID = new Set(
  `audit-id etag expires last-modified x-kubernetes-pf-flowschema-uid x-kubernetes-pf-prioritylevel-uid`.split(' '),
);

export async function askAll(server: Asked, cases: readonly Case[]): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const seen: Seen = (name) => {
    const answer = answers.get(name);
    if (answer === undefined) throw new Error(`no case before this one has the name ${JSON.stringify(name)}`);
    return answer;
  };
  for (const one of cases) answers.set(one.name, await askUntil(server, one, seen));
  return answers;
}

async function askUntil(server: Asked, one: Case, seen: Seen): Promise<Answer> {
  for (const goesOn = patience(LIMIT_MS); ;) {
    const answer = await ask(server, one, seen);
    if (one.until === undefined || one.until(answer) || !goesOn()) return kept(one, answer);
    await sleep(PAUSE_MS);
  }
}

const kept = ({ isSetup }: Case, answer: Answer): Answer =>
  isSetup === true && answer.code < 300 ? { code: answer.code, headers: {} } : answer;

async function ask(server: Asked, one: Case, seen: Seen): Promise<Answer> {
  const path = typeof one.p === 'function' ? one.p(seen) : one.p;
  const body: unknown = typeof one.b === 'function' ? (one.b as (seen: Seen) => unknown)(seen) : one.b;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  return answerOf(
    await server.http(one.m ?? 'GET', path, {
      ...(body === undefined ? {} : isRaw ? { raw: body } : { body }),
      token: one.user ?? 'admin',
      headers: { 'user-agent': USER_AGENT, ...one.h },
    }),
  );
}

/** What of an answer is kept. */
export function answerOf({ code, headers, text }: Pick<HttpAnswer, 'code' | 'headers' | 'text'>): Answer {
  const told = Object.entries(headers)
    .filter(([name]) => !SAID_BY_TRANSPORT.has(name))
    .map(([name, value]) => [name, ONLY_SAID.has(name) ? 'said' : value]);
  return { code, headers: Object.fromEntries(told) as Answer['headers'], ...bodyOf(text) };
}

function bodyOf(text: string): Pick<Answer, 'body' | 'text'> {
  try {
    const isWatch = text.startsWith('{"type":');
    const lines = isWatch ? text.trim().split('\n') : [text];
    const values = lines.map((line) => JSON.parse(line) as unknown);
    return { body: isWatch ? values : values[0] };
  } catch {
    return { text };
  }
}
