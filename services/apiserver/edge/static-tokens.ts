// Does: knows the users of the token file, and reads it again when it changes. Never writes it.
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { Log } from '../../../lib/base/log.ts';
import { authenticated, type User } from '../core/auth/user.ts';

const LOOK_MS = 1_000;

export class StaticTokens {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #users = new Map<string, User>();
  #version = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(file: string, clock: Clock, log: Log) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
  }

  userOf(token: string): User | undefined {
    this.#look();
    return this.#users.get(hash(token));
  }

  #look(): void {
    const now = this.#clock.monotonic();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    try {
      const { mtimeMs, size, ino } = statSync(this.#file);
      const version = `${ino}/${mtimeMs}/${size}`;
      if (version === this.#version) return;
      this.#users = parseTokens(readFileSync(this.#file, 'utf8'));
      this.#version = version;
    } catch (error) {
      // The users that are known stay: a file that is being replaced must lock nobody out.
      this.#log.warn({ file: this.#file, error: messageOf(error) }, 'the token file cannot be read');
    }
  }
}

/** Lines `token,user,uid,"group1,group2"`; the groups may be left out. Tokens are kept as hashes, compared as such. */
export function parseTokens(text: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const line of text.split('\n')) {
    const match = /^([^,"]+),([^,"]+),([^,"]*)(?:,(?:"([^"]*)"|([^,"]*)))?\s*$/.exec(line.trim());
    if (line.trim() === '' || line.startsWith('#') || match === null) continue;
    const [, token, name, uid, quoted, plain] = match;
    // An empty list is one empty group, as upstream reads it.
    const groups = (quoted ?? plain)?.split(',') ?? [];
    users.set(hash(token!), authenticated(name!, groups, uid === '' ? {} : { uid: uid! }));
  }
  return users;
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
