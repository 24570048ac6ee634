// Decides what an autoscaler is, in its two versions: v2 is stored, v1 is another look at the same object, whose further
// metrics travel in annotations. Never scales anything.
import { ageOf } from '../age.ts';
import { invalidValue, required, type FieldError } from '../field-error.ts';
import type {
  AutoscalingV2HorizontalPodAutoscaler as Autoscaler,
  HorizontalPodAutoscaler as AutoscalerV1,
  AutoscalingV2MetricSpec as MetricSpec,
  AutoscalingV2MetricStatus as MetricStatus,
} from '../generated/types.ts';
import { defineKind, type KindBehaviour, type KubeObject } from '../object.ts';
import { fill } from '../pod/defaults.ts';
import { validateMetrics, validateReference, validateScalingRules } from './autoscaler-rules.ts';
import { NEGATIVE, notNegative } from './workload.ts';

const IN_ANNOTATIONS = 'autoscaling.alpha.kubernetes.io/';
const BLOCKS: Record<string, keyof MetricSpec> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};
/** Of who asks for no metric at all. */
const CPU_PERCENT = 80;
const CPU_80 = (): MetricSpec[] => [
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_PERCENT } } },
];

function validateBounds(
  spec: Pick<AutoscalerV1['spec'], 'scaleTargetRef' | 'minReplicas' | 'maxReplicas'>,
): FieldError[] {
  const errors: FieldError[] = [];
  const { minReplicas, maxReplicas } = spec;
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalidValue('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if ((maxReplicas ?? 0) < 1) errors.push(invalidValue('spec.maxReplicas', maxReplicas ?? 0, 'must be greater than 0'));
  if (minReplicas !== undefined && (maxReplicas ?? 0) < minReplicas)
    errors.push(invalidValue('spec.maxReplicas', maxReplicas ?? 0, 'must be greater than or equal to `minReplicas`'));
  return [...errors, ...validateReference(spec.scaleTargetRef, 'spec.scaleTargetRef')];
}

const validateStatus = ({ status }: { status?: AutoscalerV1['status'] | Autoscaler['status'] }): FieldError[] => [
  ...notNegative(status?.currentReplicas, 'status.currentReplicas'),
  ...notNegative(status?.desiredReplicas, 'status.desiredReplicas'),
];

function defaultBehavior(spec: Autoscaler['spec']): void {
  if (spec?.behavior === undefined) return;
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

/** `cpu: 12%/80%`: what is, of what is wanted, one metric after the other. */
function targetsText({ spec, status }: Autoscaler): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const told = metrics.slice(0, 2).map((metric, i) => metricText(metric, (status?.currentMetrics ?? [])[i]));
  return told.join(', ') + (metrics.length > 2 ? ` + ${metrics.length - 2} more...` : '');
}

function metricText(metric: MetricSpec, current: MetricStatus | undefined): string {
  const block = BLOCKS[metric.type];
  const wanted = block === undefined ? undefined : (metric[block] as any);
  const is = block === undefined ? undefined : (current as any)?.[block]?.current;
  const target = wanted?.target ?? {};
  const named = wanted?.name === undefined ? '' : `${wanted.name}: `;
  if (target.averageUtilization !== undefined)
    return `${named}${is?.averageUtilization === undefined ? '<unknown>' : `${is.averageUtilization}%`}/${target.averageUtilization}%`;
  if (target.averageValue !== undefined)
    return `${named}${is?.averageValue ?? '<unknown>'}/${target.averageValue}${named === '' && block !== 'pods' ? ' (avg)' : ''}`;
  return `${named}${is?.value ?? '<unknown>'}/${target.value ?? '<unknown>'}`;
}

function lineOf(object: Autoscaler, now: number): unknown[] {
  const { metadata, spec, status } = object;
  return [
    metadata.name,
    `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
    targetsText(object),
    spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageOf(metadata.creationTimestamp, now),
  ];
}

const isCpu = (metric: MetricSpec): boolean =>
  metric.type === 'Resource' &&
  metric.resource?.name === 'cpu' &&
  metric.resource.target.averageUtilization !== undefined;

/** What is shown as v1 is still printed as it is stored: v1 has no order of metrics. */
const STORED = new WeakMap<object, Autoscaler>();

/** v2 as v1: cpu utilization is a field, everything else goes into annotations. */
export function toAutoscalerV1(stored: KubeObject): KubeObject {
  const { metadata, spec = {}, status = {} } = stored as unknown as Autoscaler & { spec: any; status: any };
  const { behavior, ...rest } = spec;
  const { conditions, ...state } = status;
  // A list without elements may be written as null.
  const metrics: MetricSpec[] = rest.metrics ?? [];
  const currentMetrics: MetricStatus[] = state.currentMetrics ?? [];
  delete rest.metrics;
  delete state.currentMetrics;
  const cpu = metrics.find(isCpu);
  const others = metrics.filter((metric) => metric !== cpu);
  const is = currentMetrics.find((metric) => metric.resource?.name === 'cpu');
  const extra: Record<string, unknown> = {
    ...(others.length > 0 ? { metrics: others } : {}),
    ...(behavior === undefined ? {} : { behavior }),
    ...(currentMetrics.length > 0 ? { 'current-metrics': currentMetrics } : {}),
    ...(conditions === undefined ? {} : { conditions }),
  };
  const annotations = {
    ...metadata.annotations,
    ...Object.fromEntries(Object.entries(extra).map(([name, value]) => [IN_ANNOTATIONS + name, JSON.stringify(value)])),
  };
  const average = is?.resource?.current?.averageUtilization;
  const told = {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: {
      ...rest,
      ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu.resource!.target.averageUtilization }),
    },
    status: {
      currentReplicas: 0,
      desiredReplicas: 0,
      ...state,
      ...(average === undefined ? {} : { currentCPUUtilizationPercentage: average }),
    },
  };
  STORED.set(told, stored as unknown as Autoscaler);
  return told;
}

/** The inverse: what an annotation cannot be read from is left out. */
export function fromAutoscalerV1(object: KubeObject): KubeObject {
  const { metadata, spec = {}, status = {} } = object as unknown as AutoscalerV1 & { spec: any; status: any };
  const { targetCPUUtilizationPercentage: percentage, ...rest } = spec;
  const { currentCPUUtilizationPercentage: average, currentReplicas = 0, ...state } = status;
  const { annotations = {}, ...others } = metadata;
  const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.startsWith(IN_ANNOTATIONS)));
  const held = (name: string): any => parsed(annotations[IN_ANNOTATIONS + name]);
  const cpu =
    percentage === undefined
      ? []
      : [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percentage } },
          },
        ];
  const metrics = [...(Array.isArray(held('metrics')) ? held('metrics') : []), ...cpu];
  const seen =
    average === undefined
      ? null
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: average } } }];
  const behavior = held('behavior');
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...others, ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}) },
    spec: {
      ...rest,
      metrics: metrics.length > 0 ? metrics : CPU_80(),
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: {
      desiredReplicas: 0,
      ...state,
      ...(currentReplicas === 0 ? {} : { currentReplicas }),
      currentMetrics: held('current-metrics') ?? seen,
      ...(held('conditions') === undefined ? {} : { conditions: held('conditions') }),
    },
  } as unknown as KubeObject;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const v2 = defineKind<Autoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  default({ spec }) {
    if (spec === undefined) return;
    fill(spec, 'minReplicas', 1);
    if ((spec.metrics ?? []).length === 0) spec.metrics = CPU_80();
    defaultBehavior(spec);
  },
  validate: ({ spec }) =>
    spec === undefined
      ? [required('spec')]
      : [
          ...validateBounds(spec),
          ...validateMetrics(spec.metrics ?? []),
          ...validateScalingRules(spec.behavior?.scaleUp, 'spec.behavior.scaleUp'),
          ...validateScalingRules(spec.behavior?.scaleDown, 'spec.behavior.scaleDown'),
        ],
  validateStatusUpdate: validateStatus,
  cells: lineOf,
});

const v1 = defineKind<AutoscalerV1>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  storedAs: {
    group: 'autoscaling',
    version: 'v2',
    resource: 'horizontalpodautoscalers',
    toStored: fromAutoscalerV1,
    fromStored: toAutoscalerV1,
  },
  default({ metadata, spec }) {
    if (spec === undefined) return;
    fill(spec, 'minReplicas', 1);
    const others = parsed(metadata?.annotations?.[`${IN_ANNOTATIONS}metrics`]);
    if (!Array.isArray(others) || others.length === 0) fill(spec, 'targetCPUUtilizationPercentage', CPU_PERCENT);
  },
  validate({ spec }) {
    if (spec === undefined) return [required('spec')];
    const percentage = spec.targetCPUUtilizationPercentage;
    return [
      ...validateBounds(spec),
      ...(percentage !== undefined && percentage < 1
        ? [
            invalidValue(
              'spec.targetCPUUtilizationPercentage',
              percentage,
              percentage < 0 ? NEGATIVE : 'must be greater than 0',
            ),
          ]
        : []),
    ];
  },
  validateStatusUpdate: validateStatus,
  cells: (object, now) =>
    lineOf(STORED.get(object) ?? (fromAutoscalerV1(object as unknown as KubeObject) as unknown as Autoscaler), now),
});

export const horizontalPodAutoscaler: readonly KindBehaviour[] = [v1, v2];
