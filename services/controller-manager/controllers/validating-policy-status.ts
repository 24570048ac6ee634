// Decides what a ValidatingAdmissionPolicy's status says of the types in its expressions: each is checked against every kind that
// the policy names, once for each generation. Never changes what the policy does.
import { TypeChecker } from '../../../lib/api/cel/type-check.ts';
import { declareBuiltIn, declareCustom, type TypeDeclarations } from '../../../lib/api/cel/types.ts';
import type {
  CustomResourceDefinition,
  ExpressionWarning,
  ParamKind,
  ValidatingAdmissionPolicy,
} from '../../../lib/api/generated/types.ts';
import type { JsonSchema } from '../../../lib/api/custom/json-schema.ts';
import { KINDS } from '../../../lib/api/kind.ts';
import { RESOURCES, resourceRef } from '../../../lib/api/resource.ts';
import { selfKey, type Controller, type KubeObject, type View } from '../../../lib/reconcile/controller.ts';
import { updateOf } from '../core/actions.ts';

const POLICIES = resourceRef('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies');
const MOST_TYPES = 10;

type Policy = ValidatingAdmissionPolicy & KubeObject;

export const validatingPolicyStatus: Controller = {
  name: 'validatingadmissionpolicy-status',
  kind: 'ValidatingAdmissionPolicy',
  account: 'validatingadmissionpolicy-status-controller',
  watches: [{ ref: POLICIES, keys: selfKey }],
  reads: [RESOURCES.customResourceDefinitions],
  reconcile(view, { name }) {
    const policy = view.get<Policy>(POLICIES, '', name);
    if (policy === undefined) return { actions: [], saw: 'no such policy' };
    const generation = policy.metadata.generation ?? 0;
    if (generation <= (policy.status?.observedGeneration ?? 0)) return { actions: [], saw: 'checked' };
    const warnings = warningsOf(view, policy);
    const typeChecking = warnings.length === 0 ? {} : { expressionWarnings: warnings };
    const status = { ...policy.status, observedGeneration: generation, typeChecking };
    return { actions: [updateOf(POLICIES, { ...policy, status }, 'updateStatus')], saw: `${warnings.length} warnings` };
  },
};

/** One kind that a policy is about, with types that are made for it. */
interface Subject {
  /** `apps/v1, Kind=Deployment` */
  title: string;
  checker: TypeChecker;
}

function warningsOf(view: View, policy: Policy): ExpressionWarning[] {
  const subjects = kindsOf(view, policy).map((kind): Subject => {
    const checker = checkerFor(view, policy, kind);
    for (const { name, expression } of policy.spec?.variables ?? []) checker.declare(name, expression);
    return { title: kind.title, checker };
  });
  const warn = (fieldRef: string, expression: string | undefined): ExpressionWarning[] => {
    if (!expression) return [];
    const problems = subjects.flatMap(({ title, checker }) => {
      const problem = checker.problem(expression);
      return problem === undefined ? [] : [`${title}: ${problem}\n`];
    });
    return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join('\n') }];
  };
  return (policy.spec?.validations ?? []).flatMap(({ expression, messageExpression }, i) => [
    ...warn(`spec.validations[${i}].expression`, expression),
    ...warn(`spec.validations[${i}].messageExpression`, messageExpression),
  ]);
}

interface KnownKind {
  title: string;
  group: string;
  version: string;
  kind: string;
  /** Gives the name of its type. */
  declare(types: TypeDeclarations): string;
}

function checkerFor(view: View, policy: Policy, kind: KnownKind): TypeChecker {
  const types: TypeDeclarations = new Map();
  const object = kind.declare(types);
  const { paramKind } = policy.spec ?? {};
  return new TypeChecker(types, {
    object,
    oldObject: object,
    request: declareRequest(types),
    namespaceObject: declareBuiltIn('core.v1.Namespace', types),
    ...(paramKind === undefined ? {} : { params: paramType(view, paramKind, types) }),
  });
}

function paramType(view: View, param: ParamKind, types: TypeDeclarations): string {
  const { apiVersion = '' } = param;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const found = known(view, (one) => one.group === group && one.version === version && one.kind === param.kind)[0];
  return found?.declare(types) ?? 'dyn';
}

const REQUEST = 'kubernetes.AdmissionRequest';

function declareRequest(types: TypeDeclarations): string {
  const kind = declareNamed('kubernetes.GroupVersionKind', ['group', 'version', 'kind'], types);
  const resource = declareNamed('kubernetes.GroupVersionResource', ['group', 'version', 'resource'], types);
  types.set('kubernetes.UserInfo', {
    username: 'string',
    uid: 'string',
    groups: 'list<string>',
    extra: 'map<string, list<string>>',
  });
  types.set(REQUEST, {
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    userInfo: 'kubernetes.UserInfo',
    dryRun: 'bool',
    options: 'dyn',
    ...strings(['subResource', 'requestSubResource', 'name', 'namespace', 'operation']),
  });
  return REQUEST;
}

function declareNamed(name: string, fields: readonly string[], types: TypeDeclarations): string {
  types.set(name, strings(fields));
  return name;
}

const strings = (fields: readonly string[]): Record<string, string> =>
  Object.fromEntries(fields.map((field) => [field, 'string']));

/** Those that rules name without a star; in the order of group, version and kind. */
function kindsOf(view: View, policy: Policy): KnownKind[] {
  const found = new Map<string, KnownKind>();
  for (const rule of policy.spec?.matchConstraints?.resourceRules ?? []) {
    const { apiGroups = [], apiVersions = [], resources = [] } = rule;
    if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) continue;
    const plain = resources.filter((name) => !/[*/]/.test(name));
    const matching = known(
      view,
      ({ group, version, resource }) =>
        apiGroups.includes(group) && apiVersions.includes(version) && plain.includes(resource),
    );
    for (const kind of matching.slice(0, MOST_TYPES)) found.set(kind.title, kind);
  }
  return [...found.values()]
    .toSorted((a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind))
    .slice(0, MOST_TYPES);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function known(view: View, is: (kind: KnownKind & { resource: string }) => boolean): KnownKind[] {
  return [...builtIns(), ...customs(view)].filter(is);
}

const titled = (group: string, version: string, kind: string): string => `${group}/${version}, Kind=${kind}`;

function* builtIns(): Generator<KnownKind & { resource: string }> {
  for (const { ref, typeName } of KINDS)
    if (typeof typeName === 'string') {
      const { group, version, kind, resource } = ref;
      const title = titled(group, version, kind);
      yield { title, group, version, kind, resource, declare: (types) => declareBuiltIn(typeName, types) };
    }
}

function* customs(view: View): Generator<KnownKind & { resource: string }> {
  for (const { spec } of view.list<CustomResourceDefinition & KubeObject>(RESOURCES.customResourceDefinitions))
    for (const { name: version, served, schema } of spec.versions) {
      const { group, names } = spec;
      const whole = schema?.openAPIV3Schema as JsonSchema | undefined;
      if (!served || whole === undefined) continue;
      const { kind, plural: resource } = names;
      const declare = (types: TypeDeclarations): string =>
        whole['x-kubernetes-preserve-unknown-fields'] === true
          ? 'dyn'
          : declareCustom(`${group}.${version}.${kind}`, whole, types);
      yield { title: titled(group, version, kind), group, version, kind, resource, declare };
    }
}
