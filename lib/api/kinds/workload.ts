// Decides what Deployment, ReplicaSet and their like have in common: selector and template, counts, table cells. Never
// knows one of them.
import { cloneJson } from '../../base/clone.ts';
import { equalObjects } from '../equality.ts';
import { forbidden, GoText, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { Container, LabelSelector, ObjectMeta, PodTemplateSpec } from '../generated/types.ts';
import { validatePodTemplate, validateTemplateMetadata } from '../pod/validate.ts';
import { selects, validateSelector } from '../selectors.ts';

export const NEGATIVE = 'must be greater than or equal to 0';

export function notNegative(value: number | undefined, path: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalidValue(path, value, NEGATIVE)] : [];
}

export interface TemplateRule {
  /** As the message says it: `deployment`. */
  noun: string;
  /** The kind named where a deadline is refused: `ReplicaSet`. */
  deadlineNoun: string;
  /** What is said of a selector that cannot be understood; absent: nothing more. */
  unreadable?: string;
  /** The template's spec is not looked at: its volumes come from elsewhere. */
  isUnchecked?: boolean;
}

/** A selector that is there and selects something, and a template that it matches, in the real server's order. */
export function validateSelectorAndTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  rule: TemplateRule,
): FieldError[] {
  const errors = selector === undefined ? [required('spec.selector')] : validateSelector(selector, 'spec.selector');
  const isUnreadable = errors.length > 0 && selector !== undefined;
  if (selector !== undefined && isEmpty(selector))
    errors.push(
      invalidValue('spec.selector', GoText.labelSelector(selector), `empty selector is invalid for ${rule.noun}`),
    );
  if (isUnreadable) errors.push(invalidValue('spec.selector', GoText.labelSelector(selector), rule.unreadable));
  else errors.push(...validateMatch(template, selector), ...validateOwnTemplate(template, rule));
  if (isUnreadable && rule.isUnchecked !== true) return errors;
  return [...errors, ...validateRestarts(template, rule)];
}

const isEmpty = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;

/** No selector selects nothing. */
export function validateMatch(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
): FieldError[] {
  const labels = template?.metadata?.labels;
  if (selector !== undefined && selects(selector, labels)) return [];
  const told = '`selector` does not match template `labels`';
  return [invalidValue('spec.template.metadata.labels', GoText.map(labels), told)];
}

export function validateOwnTemplate(template: PodTemplateSpec | undefined, rule: TemplateRule): FieldError[] {
  return rule.isUnchecked === true
    ? validateTemplateMetadata(template ?? {}, 'spec.template')
    : validatePodTemplate(template ?? {}, 'spec.template');
}

/** Pods that are restarted for ever. */
export function validateRestarts(template: PodTemplateSpec | undefined, rule: TemplateRule): FieldError[] {
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {};
  const errors: FieldError[] = [];
  if (restartPolicy !== undefined && restartPolicy !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  if (activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden(
        'spec.template.spec.activeDeadlineSeconds',
        `activeDeadlineSeconds in ${rule.deadlineNoun} is not Supported`,
      ),
    );
  return errors;
}

export function fixedSelector(now: LabelSelector | undefined, was: LabelSelector | undefined): FieldError[] {
  return equalObjects(now, was)
    ? []
    : [invalidValue('spec.selector', now && GoText.labelSelector(now), 'field is immutable')];
}

/** Names and images of the template's containers, as `-o wide` shows them. */
export function containerCells(template: PodTemplateSpec | undefined): [names: string, images: string] {
  const containers: Container[] = template?.spec?.containers ?? [];
  return [
    containers.map((container) => container.name).join(','),
    containers.map((container) => container.image ?? '').join(','),
  ];
}

/** A status writer may not relabel these. */
export function keepLabels(
  object: { metadata: { labels?: Record<string, string> | undefined } },
  old: { metadata: { labels?: Record<string, string> | undefined } },
): void {
  if (old.metadata.labels === undefined) delete object.metadata.labels;
  else object.metadata.labels = { ...old.metadata.labels };
}

const STATUS_MAY_NOT = ['labels', 'annotations', 'finalizers', 'ownerReferences', 'selfLink'] as const;

/** Some statuses are written without anything of the metadata, whatever was sent. */
export function keepOtherMetadata(
  { metadata }: { metadata: ObjectMeta },
  { metadata: was }: { metadata: ObjectMeta },
): void {
  for (const field of STATUS_MAY_NOT)
    if (was[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: cloneJson(was[field]) });
}
