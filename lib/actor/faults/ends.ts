// Decides who says a message and whom it is for, as far as the subject map and the message tell. Never guesses: where a
// message goes to whoever listens, it has no receiver.
import { decodeToken } from '../../base/ids.ts';
import { parseSubject, SUBJECTS, type SubjectName, type SubjectRule } from '../../bus/subjects.ts';

export interface Ends {
  from?: string | undefined;
  to?: string | undefined;
}

/** `message`: what was said on the subject; of an answer, undefined. */
export function endsOf(subject: string, message: unknown): Ends {
  for (const [name, rule] of Object.entries(SUBJECTS) as Array<[SubjectName, SubjectRule]>) {
    const tokens = parseSubject(name, subject) as Record<string, string> | undefined;
    if (tokens === undefined) continue;
    const named = (key: string): string | undefined =>
      tokens[key] === undefined ? undefined : decodeToken(tokens[key]);
    if (rule.category === 'evt')
      return { from: named('member') ?? named('instance') ?? speakerIn(message), to: undefined };
    const node = named('node');
    return {
      from: named('from'),
      to: named('to') ?? named('member') ?? named('instance') ?? (node === undefined ? undefined : `kubelet-${node}`),
    };
  }
  return {};
}

/** Events of API actors and spans name who says them inside. */
function speakerIn(message: unknown): string | undefined {
  const { apiserver, instance } = (message ?? {}) as { apiserver?: unknown; instance?: unknown };
  return [apiserver, instance].find((name) => typeof name === 'string');
}
