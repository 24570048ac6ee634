// Decides how an expression reads to the library: regular expressions go to RE2 (the library's own can explode), the functions
// of a namespace (`sets.contains`) to one name each, `has` to a function (the library's own knows no field of an element), and objects that are made (`Object.spec{replicas: 1}`) to a function that makes
// them. Never changes what is inside a text.
import { ownValue } from '../../base/records.ts';
import { isFunctionName } from './cost/overloads.ts';

/** Texts, raw and triple-quoted ones too; names in backticks; numbers need no care. */
const TOKEN =
  /[rRbB]{0,2}("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`[^`\n]*`|\/\/[^\n]*|[A-Za-z_]\w*|\s+|[\s\S]/g;

/** `sets.contains` is one function; a variable may have the name of a namespace. */
const isInNamespace = (namespace: string | undefined, name: string | undefined): boolean =>
  namespace === 'jsonpatch' || (namespace !== 'optional' && isFunctionName(`${namespace}.${name}`));

/** What the library has otherwise than cel-go: the name of ours. */
const OURS: Readonly<Record<string, string>> = {
  matches: 'matchesRe2',
  ...Object.fromEntries(
    ['indexOf', 'lastIndexOf', 'lowerAscii', 'upperAscii', 'split', 'string', 'substring', 'trim'].map((name) => [
      name,
      `${name}Text`,
    ]),
  ),
};
const THEIRS = Object.fromEntries(Object.entries(OURS).map(([name, ours]) => [ours, name]));

/** As whoever wrote the expression calls it. */
export const nameOfCalled = (name: string): string => ownValue(THEIRS, name) ?? name;

/** Types that an expression may make values of. */
const MADE = new Set(['Object', 'JSONPatch']);

const isSpace = (token: string | undefined): boolean => token !== undefined && /^(\s+|\/\/.*)$/.test(token);
const isName = (token: string | undefined): token is string =>
  token !== undefined && /^([A-Za-z_]\w*|`[^`\n]*`)$/.test(token);

export function rewrite(expression: string): string {
  return new Rewriter(expression.match(TOKEN) ?? []).run();
}

/** As it reads to the checker of types: each part stays where it is. */
export function rewriteForCheck(expression: string): string {
  const tokens = expression.match(TOKEN) ?? [];
  const isAfterDot = (i: number): boolean => tokens[i - 1] === '.';
  return tokens
    .map((token, i) => {
      if (token === 'has' && tokens[i + 1] === '(' && !isAfterDot(i)) return 'hsa';
      if (token === '.' && !isAfterDot(i - 1) && isInNamespace(tokens[i - 1], tokens[i + 1])) return '_';
      return token;
    })
    .join('');
}

class Rewriter {
  readonly #tokens: readonly string[];
  readonly #out: string[] = [];
  /** What each open bracket is. */
  readonly #open: Array<'object' | 'other'> = [];
  /** Last token that means something. */
  #last = '';
  /** A ? stands before the field. */
  #isOptional = false;
  /** Dots before the fields that are looked for by `has`, to where the fields are. */
  readonly #looked = new Map<number, number>();

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  run(): string {
    for (let i = 0; i < this.#tokens.length;) {
      const token = this.#tokens[i]!;
      if (isSpace(token)) {
        this.#out.push(token);
        i++;
        continue;
      }
      i = this.#take(token, i);
      this.#last = this.#tokens[i - 1]!;
    }
    return this.#out.join('');
  }

  /** Index of the next token that means something. */
  #next(i: number): number {
    while (isSpace(this.#tokens[i])) i++;
    return i;
  }

  /** Writes what begins at `i`; gives where to go on. */
  #take(token: string, i: number): number {
    const after = this.#next(i + 1);
    const following = this.#tokens[after];
    if (this.#isFieldOfObject()) return this.#takeField(token, i);
    const field = this.#looked.get(i);
    if (field !== undefined) {
      this.#out.push(`, ${JSON.stringify(this.#tokens[field])}`);
      return field + 1;
    }
    const ours = following === '(' ? ownValue(OURS, token) : undefined;
    if (ours !== undefined && (token === 'matches' || (this.#last === '.') === (token !== 'string')))
      this.#out.push(ours);
    else if (token === 'has' && following === '(' && this.#last !== '.' && this.#looksFor(after))
      this.#out.push('hasField');
    // The library loses the type of an optional's value where that is not known beforehand: ours gives `dyn`.
    else if (
      token === 'value' &&
      following === '(' &&
      this.#tokens[this.#next(after + 1)] === ')' &&
      this.#last === '.'
    )
      this.#out.push('valueOfAny');
    else if (following === '.' && this.#last !== '.' && isInNamespace(token, this.#tokens[this.#next(after + 1)])) {
      const name = this.#next(after + 1);
      this.#out.push(`${token}_${this.#tokens[name] ?? ''}`);
      return name + 1;
    } else if (MADE.has(token) && this.#last !== '.') return this.#takeObject(i);
    else this.#bracket(token);
    return i + 1;
  }

  #bracket(token: string): void {
    this.#out.push(token);
    if (token === '{' || token === '[' || token === '(') this.#open.push('other');
    else if (token === '}' || token === ']' || token === ')') {
      if (this.#open.pop() === 'object') this.#out.push(')');
    }
  }

  /** Whether the brackets that open at `from` hold something with a field. */
  #looksFor(from: number): boolean {
    const inside: number[] = [];
    for (let i = from, depth = 0; i < this.#tokens.length; i++) {
      const token = this.#tokens[i]!;
      if (token === '(' || token === '[' || token === '{') depth++;
      if ((token === ')' || token === ']' || token === '}') && --depth === 0) break;
      if (!isSpace(token)) inside.push(i);
    }
    const [dot = -1, field = -1] = inside.slice(-2);
    if (this.#tokens[dot] !== '.' || !isName(this.#tokens[field])) return false;
    this.#looked.set(dot, field);
    return true;
  }

  #isFieldOfObject(): boolean {
    return this.#open.at(-1) === 'object' && (this.#last === '{' || this.#last === ',' || this.#isOptional);
  }

  /** `name:`, or `?name:` for one that may be absent. */
  #takeField(token: string, i: number): number {
    if (token === '?') {
      this.#isOptional = true;
      return i + 1;
    }
    const name = token.startsWith('`') ? token.slice(1, -1) : token;
    if (isName(token)) this.#out.push(JSON.stringify(this.#isOptional ? `?${name}` : name));
    else this.#bracket(token);
    this.#isOptional = false;
    return i + 1;
  }

  /** `Object.spec.template{`: the type's name becomes a text. */
  #takeObject(i: number): number {
    const names = [this.#tokens[i]!];
    let at = this.#next(i + 1);
    while (this.#tokens[at] === '.' && isName(this.#tokens[this.#next(at + 1)])) {
      const name = this.#next(at + 1);
      names.push(this.#tokens[name]!.replaceAll('`', ''));
      at = this.#next(name + 1);
    }
    if (this.#tokens[at] !== '{') {
      this.#out.push(this.#tokens[i]!);
      return i + 1;
    }
    this.#out.push(`newObject(${JSON.stringify(names.join('.'))}, {`);
    this.#open.push('object');
    return at + 1;
  }
}
