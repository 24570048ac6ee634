// Decides what the conditions of a webhook or policy (CEL) say of a write. Never decides what follows from it.
import { Budget, MOST_OF_CONDITIONS, OutOfBudget } from '../../../../lib/api/cel/budget.ts';
import { CelError } from '../../../../lib/api/cel/cel.ts';
import { Authorizer } from '../../../../lib/api/cel/authorizer.ts';
import { celOf } from '../../../../lib/api/cel/values.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import { serviceAccountUser } from '../auth/user.ts';
import { admissionRequest, namespaceOf, shown, type Subject } from './matching.ts';

export interface MatchCondition {
  name: string;
  expression: string;
}

export type Variables = Record<string, unknown>;

export function variablesOf(subject: Subject, matched: Kind): Variables {
  const { request, object, old } = subject;
  return {
    object: celOf(subject.sent?.object ?? shown(subject, matched, object) ?? null),
    oldObject: celOf(shown(subject, matched, old) ?? null),
    request: celOf(admissionRequest(subject, matched)),
    namespaceObject: celOf(namespaceOf(request, object ?? old) ?? null),
    authorizer: authorizerOf(subject),
  };
}

/** Asks as the one who makes the request, or as an account. What nobody can say is an error that the expression may look at. */
function authorizerOf({ request, object, old }: Subject): Authorizer {
  const { group, resource, subresource, namespace } = request.info;
  const name = (object ?? old)?.metadata.name ?? '';
  return new Authorizer(
    ({ serviceAccount, ...asked }) => {
      if (request.authorize === undefined) throw new Error('nobody decides here who may do what');
      const user = serviceAccount && serviceAccountUser(serviceAccount.namespace, serviceAccount.name);
      return request.authorize({ ...asked, user: user ?? request.user });
    },
    { group, resource, subresource, namespace, name },
  );
}

/** All must be true; a false one wins over a broken one, and a budget that does not suffice over both. Throws CelError. */
export function meets(conditions: readonly MatchCondition[] | undefined, variables: Variables): boolean {
  const broken: string[] = [];
  const budget = new Budget(MOST_OF_CONDITIONS);
  let isMet = true;
  for (const { expression } of conditions ?? []) {
    try {
      if (budget.evaluate(expression, variables) !== true) isMet = false;
    } catch (error) {
      if (!(error instanceof CelError) || error instanceof OutOfBudget) throw error;
      broken.push(`expression '${expression}' resulted in error: ${error.message}`);
    }
  }
  if (isMet && broken.length > 0) throw new CelError(broken.length === 1 ? broken[0]! : `[${broken.join(', ')}]`);
  return isMet;
}
