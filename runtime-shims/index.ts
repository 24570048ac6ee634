// Decides which runtimes there are: one line each. Never chooses one: the kubelet's settings do.
import type { RuntimeName } from '../lib/actor/settings.ts';
import type { OpenShim } from './contract.ts';
import { openCtrShim } from './ctr/index.ts';
import { openHollowShim } from './hollow/index.ts';
import { openNerdctlShim } from './nerdctl/index.ts';
import { openProcessShim } from './process/index.ts';

export const SHIMS: Record<RuntimeName, OpenShim> = {
  ctr: openCtrShim,
  nerdctl: openNerdctlShim,
  process: openProcessShim,
  hollow: (ctx) => openHollowShim(ctx),
};
