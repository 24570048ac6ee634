// Decides how the state of a part of the control plane reads. Never finds it out.
import type { ComponentStatus } from '../generated/types.ts';
import { defineKind } from '../object.ts';

const WORDS: Readonly<Record<string, string>> = { True: 'Healthy', False: 'Unhealthy' };

export const componentStatus = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  cells({ metadata, conditions }) {
    const healthy = conditions?.find(({ type }) => type === 'Healthy');
    return [metadata?.name, WORDS[healthy?.status ?? ''] ?? 'Unknown', healthy?.message ?? '', healthy?.error ?? ''];
  },
});
