// Decides how the fields of a scenario are read: one at a time, each mistake with its path, what stands there and what would
// be right. Never stops at the first mistake.
import { isRecord } from '../../lib/base/records.ts';
import { durationOf } from '../../lib/base/duration.ts';

type Json = Record<string, unknown>;

/** What `choice` may be asked for. */
export type Choices<T extends string> = readonly T[];

export class Fields {
  readonly #from: Json;
  readonly #path: string;
  readonly #errors: string[];
  readonly #known = new Set<string>();

  constructor(from: unknown, path: string, errors: string[]) {
    this.#path = path;
    this.#errors = errors;
    if (!isRecord(from)) errors.push(`${path || 'the scenario'}: must be a map of fields, not ${JSON.stringify(from)}`);
    this.#from = isRecord(from) ? from : {};
  }

  has(name: string): boolean {
    this.#known.add(name);
    return this.#from[name] !== undefined;
  }

  raw(name: string): unknown {
    this.#known.add(name);
    return this.#from[name];
  }

  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    return this.wrong(name, value, 'a text');
  }

  must<T>(name: string, value: T | undefined, otherwise: T): T {
    if (value === undefined && !this.has(name)) this.#errors.push(`${this.#at(name)}: is missing`);
    return value ?? otherwise;
  }

  duration(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    return durationOf(value) ?? this.wrong(name, value, 'a duration: 500ms, 10s, 2m');
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= least && value <= most) return value;
    return this.wrong(name, value, `a number from ${least} to ${most}`);
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.wrong(name, value, 'true or false');
  }

  choice<T extends string>(name: string, choices: Choices<T>): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    return found ?? this.wrong(name, value, `one of ${choices.join(', ')}`);
  }

  /** Each element of a list, or of none. */
  each<T>(name: string, read: (fields: Fields) => T): T[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.wrong(name, value, 'a list') ?? [];
    return value.map((element, i) => {
      const fields = new Fields(element, `${this.#at(name)}[${i}]`, this.#errors);
      const result = read(fields);
      fields.end();
      return result;
    });
  }

  /** The map below a name; empty where there is none. */
  inner<T>(name: string, read: (fields: Fields) => T): T {
    const fields = new Fields(this.raw(name) ?? {}, this.#at(name), this.#errors);
    const value = read(fields);
    fields.end();
    return value;
  }

  names(): string[] {
    return Object.keys(this.#from);
  }

  /** Nobody writes a field in order that it is ignored. */
  end(): void {
    for (const name of Object.keys(this.#from))
      if (!this.#known.has(name))
        this.#errors.push(`${this.#at(name)}: there is no such field here; known: ${[...this.#known].join(', ')}`);
  }

  wrong(name: string, value: unknown, right: string): undefined {
    this.say(name, `${JSON.stringify(value)} must be ${right}`);
    return undefined;
  }

  say(name: string, what: string): void {
    this.#errors.push(`${this.#at(name)}: ${what}`);
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
