// Decides what validating and mutating policies have in common: what a policy and its binding are about, with which parameters,
// and the variables that expressions share. Never decides what follows from it.
import { OutOfBudget, type Budget } from '../../../../lib/api/cel/budget.ts';
import { CelError } from '../../../../lib/api/cel/cel.ts';
import type { Kind } from '../../../../lib/api/kind.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { selects } from '../../../../lib/api/selectors.ts';
import { viewAs } from '../cache/view-as.ts';
import type { WriteRequest } from '../pipeline/plan.ts';
import { streamOfKind } from '../served-kinds.ts';
import type { Variables } from './match-conditions.ts';
import { matchedKind, type Matching, type Subject } from './matching.ts';

export function matchingOf({ matchConstraints = {} }: any): Matching {
  const { resourceRules: rules, excludeResourceRules: excludeRules, ...rest } = matchConstraints;
  return { ...rest, rules, excludeRules };
}

/** A binding only ever narrows its policy: without rules of its own it takes the policy's. */
export function bindingMatches(binding: KubeObject, policy: Matching, subject: Subject): boolean {
  const own = binding['spec']?.matchResources;
  if (own === undefined) return true;
  const matching = matchingOf({ matchConstraints: own });
  return (
    matchedKind(
      (matching.rules ?? []).length === 0 ? { ...matching, rules: policy.rules ?? [] } : matching,
      subject,
    ) !== undefined
  );
}

/** Each is evaluated when it is first used, and may use those before it; all are paid from `budget`. */
export function composed(
  list: ReadonlyArray<{ name: string; expression: string }>,
  variables: Variables,
  budget: Budget,
): object {
  const out: Record<string, unknown> = {};
  for (const { name, expression } of list) {
    let value: unknown;
    let isKnown = false;
    Object.defineProperty(out, name, {
      enumerable: true,
      get: () => {
        if (!isKnown) value = valueOf(name, () => budget.evaluate(expression, { ...variables, variables: out }));
        isKnown = true;
        return value;
      },
    });
  }
  return out;
}

function valueOf(name: string, evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    if (!(error instanceof CelError) || error instanceof OutOfBudget) throw error;
    throw new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`);
  }
}

/** One round for each object that the binding names; null: the policy takes none. */
export function paramsOf(subject: Subject, spec: any, binding: KubeObject): Array<KubeObject | null> {
  if (spec.paramKind === undefined) return [null];
  const ref = binding['spec']?.paramRef;
  if (ref === undefined) return [null];
  const kind = paramKind(subject.request, spec.paramKind);
  if (kind === undefined)
    throw new CelError(
      `failed to find resource referenced by paramKind: '${spec.paramKind.apiVersion}, Kind=${spec.paramKind.kind}'`,
    );
  const found = paramObjects(subject, kind, ref);
  if (found.length > 0) return found;
  if (ref.parameterNotFoundAction === 'Allow') return [];
  throw new CelError(
    'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
  );
}

function paramKind(
  { kinds }: WriteRequest,
  { apiVersion, kind }: { apiVersion: string; kind: string },
): Kind | undefined {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return kinds?.kinds.find(({ ref }) => ref.group === group && ref.version === version && ref.kind === kind);
}

function paramObjects({ request, object, old }: Subject, kind: Kind, ref: any): KubeObject[] {
  const home = kind.ref.namespaced ? (ref.namespace ?? (object ?? old)?.metadata.namespace ?? '') : '';
  const stream = streamOfKind(kind);
  if (ref.name !== undefined) {
    const item = request.view.get({ stream, namespace: home, name: ref.name });
    return item === undefined ? [] : [viewAs(kind, item).object];
  }
  return [...request.view.list(stream, home)]
    .map((item) => viewAs(kind, item).object)
    .filter(({ metadata }) => selects(ref.selector ?? {}, metadata.labels));
}
