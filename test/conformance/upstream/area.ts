// Does: says what a case and an area of cases are, finds the areas, and reads and writes what the real server answered. Never
// asks a server.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ApiserverSettings } from '../../../lib/actor/settings.ts';

export interface Answer {
  code: number;
  headers: Record<string, string | string[]>;
  /** The body where it is JSON, the events of a watch as a list. */
  body?: any;
  /** Any other body. */
  text?: string;
}

/** Earlier answers of the same server, by the name of their case. */
export type Seen = (name: string) => Answer;

/** A request. Short names, since there are hundreds: method (GET), path, body, headers. */
export interface Case {
  name: string;
  m?: string;
  p: string | ((seen: Seen) => string);
  /** A text or bytes are sent as they are, anything else as JSON. */
  b?: unknown;
  h?: Record<string, string>;
  /** As in tokens.csv; '' sends no token. Absent: admin. */
  user?: string;
  /** Asked again until the answer is so: for what the server does by itself later. */
  until?: (answer: Answer) => boolean;
  /** It only makes what others ask for: its code is all that is kept of it, unless it is refused. */
  isSetup?: true;
  /** What a controller or a kubelet did to the real server here: asked of ours alone, and not compared. */
  isPlayed?: true;
}

export interface Area {
  name: string;
  cases: readonly Case[];
  /** Answers of ours that are not the real ones, by the name of their case, and why. */
  differs: Readonly<Record<string, string>>;
  /** More flags for the real server, and the same for ours. */
  flags?: readonly string[];
  settings?: Partial<ApiserverSettings>;
  /** Of another release: never recorded again. Absent: those of recorded/. */
  recorded?: readonly Recorded[];
  /** What this release would have answered in the place of that one, by what is known to be new; where unknown, as it was. */
  renewed?: (real: Answer, ours: Answer) => Answer;
}

export interface Recorded extends Answer {
  name: string;
  /** Of the request: a case that was changed must be recorded again. */
  of: string;
}

const here = (path: string): URL => new URL(path, import.meta.url);

export function areaNames(): string[] {
  return readdirSync(here('cases'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
}

export async function readArea(name: string): Promise<Area> {
  const { cases, differs = {}, ...rest } = (await import(here(`cases/${name}.ts`).href)) as Omit<Area, 'name'>;
  const twice = cases.find((one, i) => cases.findIndex((other) => other.name === one.name) !== i);
  if (twice !== undefined) throw new Error(`cases/${name}.ts has two cases of the name ${JSON.stringify(twice.name)}`);
  return { ...rest, name, cases, differs };
}

export const comparedCases = ({ cases }: Area): Case[] => cases.filter(({ isPlayed }) => isPlayed !== true);

export function readRecorded({ name, recorded }: Area): readonly Recorded[] {
  if (recorded !== undefined) return recorded;
  const file = here(`recorded/${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recorded[]) : [];
}

/** One answer a line, so that a difference between two recordings can be read. */
export function writeRecorded(name: string, answers: readonly Recorded[]): void {
  mkdirSync(here('recorded'), { recursive: true });
  const lines = answers.map((answer) => JSON.stringify(answer)).join(',\n');
  writeFileSync(here(`recorded/${name}.json`), `[\n${lines}\n]\n`);
}

export function digestOf(one: Case): string {
  const { name: _, until: _until, ...request } = one;
  const text = JSON.stringify(request, (_key, value: unknown) => (typeof value === 'function' ? String(value) : value));
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
