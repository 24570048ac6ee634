// Decides how an expression reads to the library: regular expressions go to RE2 (the library's own can explode), and the
// functions of a namespace (`sets.contains`) to one name each. Never changes what is inside a text.

/** Texts, raw and triple-quoted ones too; numbers need no care. */
const TOKEN =
  /[rRbB]{0,2}("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\/\/[^\n]*|[A-Za-z_]\w*|\s+|[\s\S]/g;

export function rewrite(expression: string): string {
  const tokens = expression.match(TOKEN) ?? [];
  const out: string[] = [];
  const isSpace = (token: string | undefined): boolean => token !== undefined && /^\s+$/.test(token);
  const next = (i: number): number => {
    while (isSpace(tokens[i])) i++;
    return i;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const after = next(i + 1);
    if (token === 'matches' && tokens[after] === '(') out.push('matchesRe2');
    // The library loses the type of an optional's value where that is not known beforehand: ours gives `dyn`.
    else if (token === 'value' && tokens[after] === '(' && tokens[next(after + 1)] === ')' && out.at(-1) === '.')
      out.push('valueOfAny');
    else if (token === 'sets' && tokens[after] === '.' && out.at(-1) !== '.') {
      const name = next(after + 1);
      out.push(`sets_${tokens[name] ?? ''}`);
      i = name;
    } else out.push(token);
  }
  return out.join('');
}
