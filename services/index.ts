// Decides which actors there are to start: one line each. Never starts one itself.
import type { StartActor } from '../lib/actor/context.ts';
import type { ActorName } from '../lib/bus/subjects.ts';

type Load = () => Promise<{ start: StartActor<never> }>;

export const SERVICES = {
  store: () => import('./store/main.ts'),
  apiserver: () => import('./apiserver/main.ts'),
  scheduler: () => import('./scheduler/main.ts'),
  'controller-manager': () => import('./controller-manager/main.ts'),
  kubelet: () => import('./kubelet/main.ts'),
  'kube-proxy': () => import('./kube-proxy/main.ts'),
  dns: () => import('./dns/main.ts'),
} satisfies Partial<Record<ActorName, Load>>;

export type StartedActor = keyof typeof SERVICES;
export const STARTED = Object.keys(SERVICES) as StartedActor[];
