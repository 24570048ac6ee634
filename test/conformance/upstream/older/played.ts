// Does: says what the controllers, the scheduler and a kubelet did to the real server between the recorded requests, so that
// each is asked of the same state. Never touches what a request itself answers.
import type { Case, Recorded } from '../area.ts';

const NS = '/api/v1/namespaces/gold2prq';
const D1 = '/apis/apps/v1/namespaces/gold2prq/deployments/d1';
const S1 = '/apis/apps/v1/namespaces/gold2prq/deployments/s1';
const REVISION = 'deployment.kubernetes.io/revision';

type Request = Pick<Case, 'm' | 'p' | 'b' | 'h'>;

export function playedBefore(next: Recorded, recorded: readonly Recorded[]): Case[] {
  return requests(next, recorded).map((request, i) => ({
    ...request,
    name: `before ${next.name}: ${i + 1}`,
    isPlayed: true,
  }));
}

function requests(next: Recorded, recorded: readonly Recorded[]): Request[] {
  const { name, code, body } = next;
  const isD1 = body?.kind === 'Deployment' && body.metadata?.name === 'd1' && code === 200;
  return [
    ...(name === 'ns get' ? makeAccount(recorded) : []),
    ...(name === 'pod immutable field' ? runPods(recorded) : []),
    ...(name === 'patch merge annotation' ? editTemplate(body) : []),
    // Its next answer has what the controller wrote of it here.
    ...(name === 'scale get' ? controlDeployment(D1, bodyOf('status patch ignores spec', recorded)) : []),
    ...(isD1 ? controlDeployment(D1, body) : []),
    ...(name === 'ssa force' || name === 'delete deploy orphan' ? controlDeployment(S1, body) : []),
    ...(name === 'deploy table' ? [patch(S1, { spec: { minReadySeconds: null } })] : []),
  ];
}

const bodyOf = (name: string, recorded: readonly Recorded[]): any => recorded.find((one) => one.name === name)?.body;
const post = (p: string, b: object): Request => ({ m: 'POST', p, b });
const patch = (p: string, b: object): Request => ({
  m: 'PATCH',
  p,
  b,
  h: { 'content-type': 'application/merge-patch+json' },
});

function makeAccount(recorded: readonly Recorded[]): Request[] {
  const name = 'kube-root-ca.crt';
  const { data } = bodyOf('list rv=0', recorded).items.find((item: any) => item.metadata.name === name);
  return [
    post(`${NS}/serviceaccounts`, { metadata: { name: 'default' } }),
    post(`${NS}/configmaps`, { metadata: { name }, data }),
  ];
}

function runPods(recorded: readonly Recorded[]): Request[] {
  const pods: any[] = [bodyOf('delete pod default grace', recorded), bodyOf('set selector', recorded).items[0]];
  return pods.flatMap(({ metadata: { name }, spec, status }) => [
    post(`${NS}/pods/${name}/binding`, { metadata: { name }, target: { kind: 'Node', name: spec.nodeName } }),
    patch(`${NS}/pods/${name}/status`, { status }),
  ]);
}

function controlDeployment(path: string, real: any): Request[] {
  const { replicas: _, ...status } = real.status;
  return [
    patch(path, { metadata: { annotations: { [REVISION]: real.metadata.annotations?.[REVISION] } } }),
    patch(`${path}/status`, { status }),
  ];
}

/** Somebody edited the template twice. */
const editTemplate = (real: any): Request[] => [
  patch(D1, { spec: { minReadySeconds: 1 } }),
  patch(D1, { spec: { minReadySeconds: null, template: real.spec.template } }),
];
