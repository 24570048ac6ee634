// Does: reads what a kube-apiserver of another release was asked and answered as cases and recorded answers. Never judges one.
import { readFileSync } from 'node:fs';
import { digestOf, type Case, type Recorded, type Seen } from '../area.ts';
import { answerOf } from '../ask.ts';

interface Line {
  name: string;
  req: { m: string; p: string; b?: unknown; h?: Record<string, string> };
  res: { code: number; headers: Record<string, string>; body: unknown };
}

export interface Older {
  request: Line['req'];
  recorded: Recorded;
}

/** The pure functions of lib/api are asked the same. */
const FILE = new URL('../../../../lib/api/testdata/cases-1.20.json', import.meta.url);

export function readOlder(): Older[] {
  return (JSON.parse(readFileSync(FILE, 'utf8')) as Line[]).map(({ name, req, res: { code, headers, body } }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const recorded = { name, of: '', ...answerOf({ code, headers, text }) };
    return { request: req, recorded };
  });
}

/** With our own uid, page and generated name wherever the request has one that was chosen before. */
export function requestOf({ request: { m, p, b, h }, recorded }: Older, earlier: readonly Recorded[]): Case {
  const body = b === undefined ? undefined : ours(textOf(b), earlier);
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const one: Case = { name: recorded.name, m, p: ours(p, earlier), b: body, h: { ...json, ...h } };
  recorded.of = digestOf(one);
  return one;
}

/** Times of the recording are not ours: an update that repeats one would rightly be refused. */
function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  const { metadata } = body as { metadata?: { creationTimestamp?: string } };
  const { creationTimestamp: _, ...rest } = metadata ?? {};
  return JSON.stringify(metadata === undefined ? body : { ...(body as object), metadata: rest });
}

function ours(text: string, earlier: readonly Recorded[]): string | ((seen: Seen) => string) {
  const named = earlier.filter((answer) => chosen(answer).some((value) => value !== undefined && text.includes(value)));
  if (named.length === 0) return text;
  return (seen) => {
    let out = text;
    for (const answer of named)
      chosen(answer).forEach((value, i) => {
        if (value !== undefined) out = out.replaceAll(value, chosen(seen(answer.name))[i] ?? value);
      });
    return out;
  };
}

function chosen({ body }: Pick<Recorded, 'body'>): Array<string | undefined> {
  const { uid, continue: page, generateName, name } = body?.metadata ?? {};
  return [uid, page, generateName === undefined ? undefined : name];
}
