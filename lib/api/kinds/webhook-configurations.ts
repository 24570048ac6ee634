// Decides what the two lists of admission webhooks are: whom to call, for which writes, and what to do when nobody answers.
// Never calls one.
import { ageOf } from '../age.ts';
import { duplicate, invalidValue, notSupported, oneOf, required, type FieldError } from '../field-error.ts';
import { isSubdomain } from '../formats.ts';
import type { RuleWithOperations } from '../generated/types.ts';
import { defineKind, type KindBehaviour } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { validateSelector } from '../selectors.ts';
import { defaultRuleScopes, validateMatchConditions } from './match-rules.ts';
import { validateWebhookService, validateWebhookUrl } from './webhook-client.ts';

export const ADMISSION = 'admissionregistration.k8s.io';
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

interface Configuration {
  metadata: { name: string; creationTimestamp?: string };
  webhooks?: any[];
}

function fillIn(object: Configuration, isMutating: boolean): void {
  for (const webhook of object.webhooks ?? []) {
    fill(webhook, 'failurePolicy', 'Fail');
    fill(webhook, 'matchPolicy', 'Equivalent');
    fill(webhook, 'namespaceSelector', {});
    fill(webhook, 'objectSelector', {});
    fill(webhook, 'timeoutSeconds', 10);
    defaultRuleScopes(webhook.rules);
    if (webhook.clientConfig?.service !== undefined) fill(webhook.clientConfig.service, 'port', 443);
    if (isMutating) fill(webhook, 'reinvocationPolicy', 'Never');
  }
}

function validateList(list: readonly string[] | undefined, path: string, alone: string): FieldError[] {
  const values = list ?? [];
  if (values.length === 0) return [required(path)];
  return values.length > 1 && values.includes(alone)
    ? [invalidValue(path, values, `if '${alone}' is present, must not specify other ${path.split('.').at(-1)}`)]
    : [];
}

export function validateRule(rule: RuleWithOperations, path: string): FieldError[] {
  const errors = [
    ...validateList(rule.operations, `${path}.operations`, '*'),
    ...(rule.operations ?? []).flatMap((operation, i) =>
      OPERATIONS.includes(operation) ? [] : [notSupported(`${path}.operations[${i}]`, operation, OPERATIONS)],
    ),
    ...validateList(rule.apiGroups, `${path}.apiGroups`, '*'),
    ...validateList(rule.apiVersions, `${path}.apiVersions`, '*'),
    ...validateList(rule.resources, `${path}.resources`, '*/*'),
  ];
  return [...errors, ...oneOf(`${path}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced'])];
}

function validateClientConfig(config: any, path: string): FieldError[] {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined))
    return [required(path, 'exactly one of url or service is required')];
  return url === undefined
    ? validateWebhookService(service, `${path}.service`)
    : validateWebhookUrl(url, `${path}.url`);
}

function validateVersions(versions: readonly string[] | undefined, path: string): FieldError[] {
  const all = versions ?? [];
  if (all.length === 0) return [required(path, 'must specify one of v1, v1beta1')];
  const errors = all.flatMap((version, i) => (all.indexOf(version) < i ? [duplicate(`${path}[${i}]`, version)] : []));
  return all.some((version) => version === 'v1' || version === 'v1beta1')
    ? errors
    : [...errors, invalidValue(path, all, 'must include at least one of v1, v1beta1')];
}

function validateWebhook(webhook: any, path: string): FieldError[] {
  const name: string = webhook.name ?? '';
  const errors: FieldError[] = [];
  if (!isSubdomain(name) || name.split('.').length < 3)
    errors.push(
      invalidValue(`${path}.name`, name, 'should be a domain with at least three segments separated by dots'),
    );
  (webhook.rules ?? []).forEach((rule: RuleWithOperations, i: number) =>
    errors.push(...validateRule(rule, `${path}.rules[${i}]`)),
  );
  errors.push(...oneOf(`${path}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore']));
  errors.push(...oneOf(`${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']));
  if (webhook.sideEffects === undefined)
    errors.push(required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
  else errors.push(...oneOf(`${path}.sideEffects`, webhook.sideEffects, ['None', 'NoneOnDryRun']));
  if (webhook.timeoutSeconds !== undefined && (webhook.timeoutSeconds < 1 || webhook.timeoutSeconds > 30))
    errors.push(
      invalidValue(
        `${path}.timeoutSeconds`,
        webhook.timeoutSeconds,
        'the timeout value must be between 1 and 30 seconds',
      ),
    );
  return [
    ...errors,
    ...validateVersions(webhook.admissionReviewVersions, `${path}.admissionReviewVersions`),
    ...validateSelector(webhook.namespaceSelector, `${path}.namespaceSelector`),
    ...validateSelector(webhook.objectSelector, `${path}.objectSelector`),
    ...validateClientConfig(webhook.clientConfig, `${path}.clientConfig`),
    ...validateMatchConditions(webhook.matchConditions, `${path}.matchConditions`),
  ];
}

function configuration(kind: 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration'): KindBehaviour {
  return defineKind<Configuration>({
    group: ADMISSION,
    version: 'v1',
    kind,
    default: (object) => fillIn(object, kind === 'MutatingWebhookConfiguration'),
    validate(object) {
      const webhooks = object.webhooks ?? [];
      return webhooks.flatMap((webhook, i) => [
        ...validateWebhook(webhook, `webhooks[${i}]`),
        ...(webhooks.findIndex((one) => one.name === webhook.name) < i
          ? [duplicate(`webhooks[${i}].name`, webhook.name)]
          : []),
      ]);
    },
    cells: (object, now) => [
      object.metadata.name,
      (object.webhooks ?? []).length,
      ageOf(object.metadata.creationTimestamp, now),
    ],
  });
}

export const webhookConfigurations: readonly KindBehaviour[] = [
  configuration('ValidatingWebhookConfiguration'),
  configuration('MutatingWebhookConfiguration'),
];
