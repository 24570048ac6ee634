// Decides what Deployment, ReplicaSet and their like have in common: selector and template, counts, table cells. Never
// knows one of them.
import { equalObjects } from '../equality.ts';
import { forbidden, invalidValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { Container, LabelSelector, PodTemplateSpec } from '../generated/types.ts';
import { validatePodTemplate } from '../pod/validate.ts';
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
}

/** A selector that is there and selects something; checked before the counts, as the real server orders its causes. */
export function validateOwnSelector(selector: LabelSelector | undefined, rule: TemplateRule): FieldError[] {
  if (selector === undefined) return [required('spec.selector')];
  const errors = validateSelector(selector, 'spec.selector');
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0)
    errors.push(invalidValue('spec.selector', selector, `empty selector is invalid for ${rule.noun}`));
  return errors;
}

/** A template that its selector matches, and whose pods are restarted for ever. */
export function validateOwnTemplate(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  rule: TemplateRule,
): FieldError[] {
  if (template === undefined) return [required('spec.template')];
  const errors: FieldError[] = [];
  if (selector !== undefined && !selects(selector, template.metadata?.labels))
    errors.push(
      invalidValue(
        'spec.template.metadata.labels',
        template.metadata?.labels,
        '`selector` does not match template `labels`',
      ),
    );
  errors.push(...validatePodTemplate(template, 'spec.template'));
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
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
  return equalObjects(now, was) ? [] : [invalidValue('spec.selector', now, 'field is immutable')];
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
