// Decides the defaults and odd name rules of kinds that have nothing else of their own yet: one entry each. A kind that
// grows rules gets a file of its own and leaves this list. Never validates.
import { defineKind, type KindBehaviour, type KubeObject } from '../object.ts';
import { defaultNetworkDisk, defaultPodSpec, fill } from '../pod/defaults.ts';

type Fill = (object: KubeObject) => void;

function defaultsOf(group: string, kind: string, fillIn: Fill, version = 'v1'): KindBehaviour {
  return defineKind<KubeObject>({ group, version, kind, default: fillIn });
}

const resourceRules = (rules: any[] | undefined): void => rules?.forEach((rule) => fill(rule, 'scope', '*'));

function matchResources(match: any): void {
  if (match === undefined) return;
  fill(match, 'matchPolicy', 'Equivalent');
  fill(match, 'namespaceSelector', {});
  fill(match, 'objectSelector', {});
  resourceRules(match.resourceRules);
  resourceRules(match.excludeResourceRules);
}

function webhooks(isMutating: boolean): Fill {
  return (object) => {
    for (const webhook of object['webhooks'] ?? []) {
      fill(webhook, 'failurePolicy', 'Fail');
      fill(webhook, 'matchPolicy', 'Equivalent');
      fill(webhook, 'namespaceSelector', {});
      fill(webhook, 'objectSelector', {});
      fill(webhook, 'timeoutSeconds', 10);
      resourceRules(webhook.rules);
      if (webhook.clientConfig?.service !== undefined) fill(webhook.clientConfig.service, 'port', 443);
      if (isMutating) fill(webhook, 'reinvocationPolicy', 'Never');
    }
  };
}

const admissionPolicy: Fill = ({ spec }: any) => {
  fill(spec, 'failurePolicy', 'Fail');
  matchResources(spec.matchConstraints);
};

function scaling(spec: any): void {
  fill(spec, 'minReplicas', 1);
}

function hpaV2({ spec }: any): void {
  scaling(spec);
  if ((spec.metrics ?? []).length === 0)
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ];
  if (spec.behavior === undefined) return;
  const up = (spec.behavior.scaleUp ??= {});
  fill(up, 'stabilizationWindowSeconds', 0);
  fill(up, 'selectPolicy', 'Max');
  up.policies ??= [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ];
  const down = (spec.behavior.scaleDown ??= {});
  fill(down, 'selectPolicy', 'Max');
  down.policies ??= [{ type: 'Percent', value: 100, periodSeconds: 15 }];
}

function limitRange({ spec }: any): void {
  for (const item of spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    for (const [name, max] of Object.entries(item.max ?? {})) (item.default ??= {})[name] ??= max;
    for (const [name, value] of Object.entries({ ...item.min, ...item.default }))
      (item.defaultRequest ??= {})[name] ??= value;
  }
}

function replicationController(object: any): void {
  const { spec, metadata } = object;
  fill(spec, 'replicas', 1);
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
}

function persistentVolume({ spec, status }: any): void {
  fill(spec, 'persistentVolumeReclaimPolicy', 'Retain');
  fill(spec, 'volumeMode', 'Filesystem');
  if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
  defaultNetworkDisk(spec);
  if (status !== undefined) fill(status, 'phase', 'Pending');
}

function crd({ spec }: any): void {
  fill(spec.names, 'singular', spec.names.kind?.toLowerCase());
  fill(spec.names, 'listKind', `${spec.names.kind}List`);
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) fill(service, 'port', 443);
}

function csiDriver({ spec }: any): void {
  fill(spec, 'attachRequired', true);
  for (const field of ['podInfoOnMount', 'storageCapacity', 'requiresRepublish', 'seLinuxMount'])
    fill(spec, field, false);
  fill(spec, 'fsGroupPolicy', 'ReadWriteOnceWithFSType');
  spec.volumeLifecycleModes ??= ['Persistent'];
}

function networkPolicy({ spec }: any): void {
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
    for (const port of rule.ports ?? []) fill(port, 'protocol', 'TCP');
  if ((spec.policyTypes ?? []).length === 0)
    spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function priorityLevel({ spec }: any): void {
  if (spec.exempt !== undefined) {
    fill(spec.exempt, 'nominalConcurrencyShares', 0);
    fill(spec.exempt, 'lendablePercent', 0);
  }
  if (spec.limited === undefined) return;
  fill(spec.limited, 'nominalConcurrencyShares', 30);
  fill(spec.limited, 'lendablePercent', 0);
  const queuing = spec.limited.limitResponse?.queuing;
  if (queuing === undefined) return;
  fill(queuing, 'queues', 64);
  fill(queuing, 'handSize', 8);
  fill(queuing, 'queueLengthLimit', 50);
}

const ADMISSION = 'admissionregistration.k8s.io';
const FLOW = 'flowcontrol.apiserver.k8s.io';
const STORAGE = 'storage.k8s.io';

export const OTHERS: readonly KindBehaviour[] = [
  defaultsOf('', 'LimitRange', limitRange),
  defaultsOf('', 'ReplicationController', replicationController),
  defaultsOf('', 'PodTemplate', ({ template }: any) => template?.spec !== undefined && defaultPodSpec(template.spec)),
  defaultsOf('', 'PersistentVolume', persistentVolume),
  defaultsOf('', 'PersistentVolumeClaim', ({ spec, status }: any) => {
    fill(spec, 'volumeMode', 'Filesystem');
    if (status !== undefined) fill(status, 'phase', 'Pending');
  }),
  defaultsOf(STORAGE, 'StorageClass', (object) => {
    fill(object, 'reclaimPolicy', 'Delete');
    fill(object, 'volumeBindingMode', 'Immediate');
  }),
  defaultsOf(STORAGE, 'CSIDriver', csiDriver),
  defaultsOf('scheduling.k8s.io', 'PriorityClass', (object) =>
    fill(object, 'preemptionPolicy', 'PreemptLowerPriority'),
  ),
  defaultsOf(
    'networking.k8s.io',
    'IngressClass',
    ({ spec }: any) => spec?.parameters !== undefined && fill(spec.parameters, 'scope', 'Cluster'),
  ),
  defaultsOf('networking.k8s.io', 'NetworkPolicy', networkPolicy),
  defaultsOf('autoscaling', 'HorizontalPodAutoscaler', ({ spec }: any) => scaling(spec)),
  defaultsOf('autoscaling', 'HorizontalPodAutoscaler', hpaV2, 'v2'),
  defaultsOf('apiextensions.k8s.io', 'CustomResourceDefinition', crd),
  defaultsOf(
    'apiregistration.k8s.io',
    'APIService',
    ({ spec }: any) => spec.service !== undefined && fill(spec.service, 'port', 443),
  ),
  defaultsOf(ADMISSION, 'ValidatingWebhookConfiguration', webhooks(false)),
  defaultsOf(ADMISSION, 'MutatingWebhookConfiguration', webhooks(true)),
  defaultsOf(ADMISSION, 'ValidatingAdmissionPolicy', admissionPolicy),
  defaultsOf(ADMISSION, 'MutatingAdmissionPolicy', admissionPolicy),
  defaultsOf(ADMISSION, 'ValidatingAdmissionPolicyBinding', ({ spec }: any) => matchResources(spec.matchResources)),
  defaultsOf(ADMISSION, 'MutatingAdmissionPolicyBinding', ({ spec }: any) => matchResources(spec.matchResources)),
  defaultsOf(FLOW, 'FlowSchema', ({ spec }: any) => {
    if (!spec.matchingPrecedence) spec.matchingPrecedence = 1000;
  }),
  defaultsOf(FLOW, 'PriorityLevelConfiguration', priorityLevel),
];
