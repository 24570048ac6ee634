// Decides what a PodTemplate is: a pod's description that stands alone. Never makes a pod of it.
import type { PodTemplate } from '../generated/types.ts';
import { defineKind } from '../object.ts';
import { defaultPodSpec } from '../pod/defaults.ts';
import { podWarnings } from '../pod/warnings.ts';
import { validatePodTemplate } from '../pod/validate.ts';
import { formatSelector } from '../selectors.ts';
import { containerCells } from './workload.ts';

export const podTemplate = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  hasGeneration: true,
  returnsDeletedObject: true,
  default({ template }) {
    if (template?.spec !== undefined) defaultPodSpec(template.spec);
  },
  validate: ({ template }) => validatePodTemplate(template ?? {}, 'template'),
  warnings: ({ template }) => podWarnings(template?.spec, 'template.spec'),
  cells: (object) => [
    object.metadata.name,
    ...containerCells(object.template),
    formatSelector({ matchLabels: object.template?.metadata?.labels ?? {} }) || '<none>',
  ],
});
