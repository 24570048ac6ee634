// Shows which kinds a policy's expressions are checked against, what its status says then, and that it is said once.
import test from 'ava';
import type { ValidatingAdmissionPolicy } from '../../../lib/api/generated/types.ts';
import { resourceRef } from '../../../lib/api/resource.ts';
import { ModelLoops } from '../../../test/kit/api-model-loops.ts';
import { ApiModel } from '../../../test/kit/api-model.ts';
import { validatingPolicyStatus } from './validating-policy-status.ts';

const POLICIES = resourceRef('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies');
const DEFINITIONS = resourceRef('apiextensions.k8s.io', 'v1', 'customresourcedefinitions');

async function checked(rule: object, more: object = {}) {
  const model = new ApiModel();
  const loops = new ModelLoops(model, [validatingPolicyStatus], { lags: false });
  model.create(DEFINITIONS, {
    metadata: { name: 'widgets.x.io' },
    spec: {
      group: 'x.io',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: { replicas: { type: 'string' } } } },
            },
          },
        },
      ],
    },
  });
  model.create(POLICIES, {
    metadata: { name: 'p' },
    spec: {
      matchConstraints: { resourceRules: [{ operations: ['CREATE'], ...rule }] },
      validations: [
        { expression: 'object.spec.replicas > 1', messageExpression: 'object.nope' },
        { expression: 'true' },
      ],
      ...more,
    },
  });
  await loops.settle();
  const status = model.get<ValidatingAdmissionPolicy>(POLICIES, '', 'p')?.status;
  return { status, again: () => loops.reconcileAll([validatingPolicyStatus]) };
}

const rule = (apiGroups: string[], apiVersions: string[], resources: string[]): object => ({
  apiGroups,
  apiVersions,
  resources,
});

test('each expression is checked against each kind that is named', async (t) => {
  const { status, again } = await checked(
    rule(['x.io', 'apps'], ['v1'], ['widgets', 'deployments', 'deployments/scale']),
  );
  t.is(status?.observedGeneration, 1);
  const [first, second, ...others] = status?.typeChecking?.expressionWarnings ?? [];
  t.is(first?.fieldRef, 'spec.validations[0].expression');
  t.is(
    first?.warning,
    "x.io/v1, Kind=Widget: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(string, int)'\n | object.spec.replicas > 1\n | .....................^\n",
  );
  t.is(second?.fieldRef, 'spec.validations[0].messageExpression');
  t.regex(second!.warning, /^apps\/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'nope'[^]*\n\nx.io\/v1, /);
  t.deepEqual(others, []);
  t.is(await again(), 0);
});

test('what is named by a star, or not known, is not checked', async (t) => {
  for (const one of [
    rule(['*'], ['v1'], ['deployments']),
    rule(['apps'], ['*'], ['deployments']),
    rule(['apps'], ['v1'], ['*', 'deployments/status']),
    rule(['nobody.io'], ['v1'], ['things']),
  ])
    t.deepEqual((await checked(one)).status, { observedGeneration: 1, typeChecking: {} });
});

test('parameters are of the type of their kind', async (t) => {
  const { status } = await checked(rule(['apps'], ['v1'], ['deployments']), {
    paramKind: { apiVersion: 'x.io/v1', kind: 'Widget' },
    variables: [{ name: 'wanted', expression: 'params.spec.replicas' }],
    validations: [{ expression: 'variables.wanted == request.dryRun' }, { expression: 'params.spec.replicas == "1"' }],
  });
  t.deepEqual(
    status?.typeChecking?.expressionWarnings?.map(({ fieldRef }) => fieldRef),
    ['spec.validations[0].expression'],
  );
});
