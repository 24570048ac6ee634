// Decides which spans a person asked for: as much of it as a subject can say is asked of the bus, the rest of each span.
// Never subscribes.
import { ACTORS, type ActorName, type SubjectParameters } from '../../../lib/bus/subjects.ts';
import type { Span } from '../../../lib/bus/messages.ts';
import { UsageError } from '../resources.ts';

export interface TraceFilter {
  /** `scheduler`, or one instance: `kubelet-node-2`. */
  actor?: string | undefined;
  /** As spans spell it: `Pod`. */
  kind?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  /** Also what looked and left things as they are. */
  unchanged: boolean;
  /** Also requests that only look. */
  reads?: boolean;
}

/** Parameters of the subject `trace`: what is left out is any. */
export function subjectOfFilter(filter: TraceFilter): Partial<SubjectParameters<'trace'>> {
  const { kind, namespace, name } = filter;
  return {
    ...(filter.actor === undefined ? {} : { actor: actorOf(filter.actor) }),
    ...(kind === undefined ? {} : { kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

export function passes(filter: TraceFilter, span: Span): boolean {
  const { actor, kind, namespace, name, unchanged, reads = false } = filter;
  return (
    (actor === undefined || span.actor === actor || span.instance === actor) &&
    (kind === undefined || span.kind === kind) &&
    (namespace === undefined || span.namespace === namespace) &&
    (name === undefined || span.name === name) &&
    (unchanged || span.outcome !== 'unchanged' || (reads && span.request !== undefined))
  );
}

function actorOf(word: string): ActorName {
  const found = ACTORS.find((actor) => word === actor || word.startsWith(`${actor}-`));
  if (found !== undefined) return found;
  throw new UsageError(
    `--actor ${word}: there is no such actor; there are ${ACTORS.join(', ')}, or one instance of them`,
  );
}

interface KindRow {
  kind: string;
  plural: string;
  shortNames?: string[];
}

/** `pod`, `pods`, `po`, `Pod`; a word that is no built-in kind is taken as it is: spans also tell of stores and custom kinds. */
export function kindOf(word: string, rows: readonly KindRow[]): string {
  const wanted = word.toLowerCase();
  const means = ({ kind, plural, shortNames = [] }: KindRow): boolean =>
    kind.toLowerCase() === wanted || plural === wanted || shortNames.includes(wanted);
  return rows.find(means)?.kind ?? word;
}
