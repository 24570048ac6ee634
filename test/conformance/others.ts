// Does: what the controllers, the scheduler and a fake kubelet did to the real server between the recorded requests, so
// that the replay starts each request from the same state. Never touches what a request itself answers.
import type { TestApi } from '../kit/api-server.ts';
import type { Case } from './replay.ts';

const NS = '/api/v1/namespaces/gold2prq';
const D1 = '/apis/apps/v1/namespaces/gold2prq/deployments/d1';
const S1 = '/apis/apps/v1/namespaces/gold2prq/deployments/s1';
const REVISION = 'deployment.kubernetes.io/revision';

export function others(api: TestApi, cases: readonly Case[]): (one: Case) => Promise<void> {
  const goldenOf = (name: string): any => cases.find((one) => one.name === name)?.res.body;
  const patch = (path: string, body: object): Promise<unknown> =>
    api.http('PATCH', path, { body, headers: { 'content-type': 'application/merge-patch+json' } });

  const makeAccount = async (): Promise<void> => {
    const configMap = goldenOf('list rv=0').items.find((item: any) => item.metadata.name === 'kube-root-ca.crt');
    await api.http('POST', `${NS}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
    await api.http('POST', `${NS}/configmaps`, {
      body: { metadata: { name: 'kube-root-ca.crt' }, data: configMap.data },
    });
  };

  const runPods = async (): Promise<void> => {
    const pods = [goldenOf('delete pod default grace'), goldenOf('set selector').items[0]];
    for (const { metadata, spec, status } of pods) {
      await api.http('POST', `${NS}/pods/${metadata.name}/binding`, {
        body: { metadata: { name: metadata.name }, target: { kind: 'Node', name: spec.nodeName } },
      });
      await patch(`${NS}/pods/${metadata.name}/status`, { status });
    }
  };

  const controlDeployment = async (path: string, golden: any): Promise<void> => {
    const revision = golden.metadata.annotations?.[REVISION];
    await patch(path, { metadata: { annotations: { [REVISION]: revision } } });
    const { replicas: _, ...status } = golden.status;
    await patch(`${path}/status`, { status });
  };

  /** Somebody edited the template twice. */
  const editTemplate = async (golden: any): Promise<void> => {
    await patch(D1, { spec: { minReadySeconds: 1 } });
    await patch(D1, { spec: { minReadySeconds: null, template: golden.spec.template } });
  };

  return async (one) => {
    if (one.name === 'ns get') await makeAccount();
    if (one.name === 'pod immutable field') await runPods();
    if (one.name === 'patch merge annotation') await editTemplate(one.res.body);
    const isD1 = one.res.body?.kind === 'Deployment' && one.res.body.metadata?.name === 'd1' && one.res.code === 200;
    if (isD1) await controlDeployment(D1, one.res.body);
    if (one.name === 'ssa force') await controlDeployment(S1, one.res.body);
    if (one.name === 'deploy table') await patch(S1, { spec: { minReadySeconds: null } });
    if (one.name === 'delete deploy orphan') await controlDeployment(S1, one.res.body);
  };
}
