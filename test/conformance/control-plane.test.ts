// Shows the API actor, the scheduler and the controller-manager together, each the real one, over one memory bus: from a
// Deployment to endpoints and back, with nodes that are only played.
import test, { type ExecutionContext } from 'ava';
import type {
  CertificateSigningRequest,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Service,
} from '../../lib/api/generated/types.ts';
import { RESOURCES, resourceRef } from '../../lib/api/resource.ts';
import { makeCertificateRequest } from '../kit/certificate-requests.ts';
import { ControlPlane } from '../kit/control-plane.ts';

const ROLES = resourceRef('rbac.authorization.k8s.io', 'v1', 'roles');

const WEB = {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'ghcr.io/acme/web:1a2b3c4',
            ports: [{ containerPort: 8080 }],
            resources: { requests: { cpu: '100m', memory: '128Mi' } },
          },
        ],
      },
    },
  },
};
const SERVICE = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
};

const setImage = (plane: ControlPlane, image: string): Promise<unknown> =>
  plane.client.patch(RESOURCES.deployments, { namespace: 'default', name: 'web' }, 'application/json-patch+json', [
    { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
  ]);

async function isRolledOut(plane: ControlPlane, image: string, replicas: number): Promise<boolean> {
  const pods = await plane.list<Pod>(RESOURCES.pods, 'default');
  const { status } = await plane.client.get<Deployment>(RESOURCES.deployments, { namespace: 'default', name: 'web' });
  const slices = await plane.list<EndpointSlice>(RESOURCES.endpointSlices, 'default');
  const ready = slices
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === 'web')
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready === true);
  return (
    pods.length === replicas &&
    pods.every((pod) => pod.spec.containers[0]!.image === image) &&
    status?.availableReplicas === replicas &&
    status.conditions?.find(({ type }) => type === 'Progressing')?.reason === 'NewReplicaSetAvailable' &&
    ready.length === replicas
  );
}

async function up(t: ExecutionContext, settings: { graceSeconds?: number } = {}): Promise<ControlPlane> {
  const plane = await ControlPlane.start(settings);
  t.teardown(() => plane.stop());
  await plane.client.create(RESOURCES.services, 'default', SERVICE);
  await plane.client.create(RESOURCES.deployments, 'default', WEB);
  await plane.eventually('three ready replicas', () => isRolledOut(plane, 'ghcr.io/acme/web:1a2b3c4', 3));
  return plane;
}

test('apply, roll, undo, scale, delete: everything follows', async (t) => {
  const plane = await up(t);
  const pods = await plane.list<Pod>(RESOURCES.pods, 'default');
  t.is(new Set(pods.map((pod) => pod.spec.nodeName)).size, 3, 'three replicas on three nodes');
  const service = await plane.client.get<Service>(RESOURCES.services, { namespace: 'default', name: 'web' });
  t.truthy(service.spec.clusterIP);
  await plane.eventually('three endpoints', async () => {
    const endpoints = await plane.find<Endpoints>(RESOURCES.endpoints, 'default', 'web');
    return endpoints?.subsets?.[0]?.addresses?.length === 3;
  });
  const revision = async (): Promise<string | undefined> =>
    (await plane.client.get<Deployment>(RESOURCES.deployments, { namespace: 'default', name: 'web' })).metadata
      .annotations?.['deployment.kubernetes.io/revision'];
  t.is(await revision(), '1');
  await setImage(plane, 'web:2');
  await plane.eventually('web:2 is rolled out', () => isRolledOut(plane, 'web:2', 3));
  t.is(await revision(), '2');
  await setImage(plane, 'ghcr.io/acme/web:1a2b3c4');
  await plane.eventually('the undo is rolled out', () => isRolledOut(plane, 'ghcr.io/acme/web:1a2b3c4', 3));
  t.is(await revision(), '3');
  t.is((await plane.list<ReplicaSet>(RESOURCES.replicaSets, 'default')).length, 2);
  await plane.client.patch(
    RESOURCES.deployments,
    { namespace: 'default', name: 'web' },
    'application/merge-patch+json',
    { spec: { replicas: 5 } },
  );
  await plane.eventually('five replicas', () => isRolledOut(plane, 'ghcr.io/acme/web:1a2b3c4', 5));
  await plane.client.delete(
    RESOURCES.deployments,
    { namespace: 'default', name: 'web' },
    { propagationPolicy: 'Foreground' },
  );
  await plane.eventually('nothing is left of it', async () => {
    const left = await Promise.all(
      [RESOURCES.deployments, RESOURCES.replicaSets, RESOURCES.pods].map((ref) => plane.list(ref, 'default')),
    );
    return left.flat().length === 0;
  });
  await plane.eventually('all of it is told in Events', async () => {
    const events = (await plane.list<Event>(RESOURCES.events, 'default')).map(({ reason }) => reason);
    return ['ScalingReplicaSet', 'SuccessfulCreate', 'Scheduled', 'SuccessfulDelete'].every((one) =>
      events.includes(one),
    );
  });
});

test('a pod that fits nowhere says so in upstream’s words', async (t) => {
  const plane = await ControlPlane.start();
  t.teardown(() => plane.stop());
  const containers = [{ name: 'c', image: 'x', resources: { requests: { cpu: '64' } } }];
  await plane.client.create(RESOURCES.pods, 'default', {
    metadata: { name: 'big', namespace: 'default' },
    spec: { containers },
  });
  const message = '0/3 nodes are available: 3 Insufficient cpu.';
  await plane.eventually('the event', async () =>
    (await plane.list<Event>(RESOURCES.events, 'default')).some(
      (event) => event.reason === 'FailedScheduling' && event.message === message,
    ),
  );
  await plane.eventually('the condition', async () => {
    const pod = await plane.client.get<Pod>(RESOURCES.pods, { namespace: 'default', name: 'big' });
    return pod.status?.conditions?.some((one) => one.reason === 'Unschedulable' && one.message === message) ?? false;
  });
  t.pass();
});

test('a dead node: its replicas are made anew elsewhere, a bare pod is not', async (t) => {
  const plane = await up(t, { graceSeconds: 10 });
  const containers = [{ name: 'c', image: 'x' }];
  await plane.client.create(RESOURCES.pods, 'default', {
    metadata: { name: 'bare', namespace: 'default' },
    spec: { nodeName: 'node-1', containers },
  });
  await plane.eventually(
    'bare runs',
    async () => (await plane.find<Pod>(RESOURCES.pods, 'default', 'bare'))?.status?.phase === 'Running',
  );
  plane.nodes.alive.delete('node-1');
  await plane.eventually('node-1 is Unknown and tainted', async () => {
    const node = await plane.client.get<Node>(RESOURCES.nodes, { name: 'node-1' });
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    return (
      ready === 'Unknown' &&
      (node.spec.taints ?? []).some(
        ({ key, effect }) => key === 'node.kubernetes.io/unreachable' && effect === 'NoExecute',
      )
    );
  });
  await plane.eventually('no endpoint on node-1 is ready', async () =>
    (await plane.list<EndpointSlice>(RESOURCES.endpointSlices, 'default')).every((slice) =>
      (slice.endpoints ?? []).every(
        (endpoint) => endpoint.nodeName !== 'node-1' || endpoint.conditions?.ready === false,
      ),
    ),
  );
  await plane.eventually('three replicas on the other nodes, those on node-1 told to go', async () => {
    const pods = (await plane.list<Pod>(RESOURCES.pods, 'default')).filter((pod) =>
      pod.metadata.name.startsWith('web-'),
    );
    const [there, elsewhere] = [
      pods.filter((pod) => pod.spec.nodeName === 'node-1'),
      pods.filter((pod) => pod.spec.nodeName !== 'node-1'),
    ];
    return (
      elsewhere.length === 3 &&
      elsewhere.every((pod) => pod.status?.phase === 'Running') &&
      there.every((pod) => pod.metadata.deletionTimestamp !== undefined)
    );
  });
  await plane.eventually(
    'bare is told to go',
    async () => (await plane.find<Pod>(RESOURCES.pods, 'default', 'bare'))?.metadata.deletionTimestamp !== undefined,
  );
  await plane.client.delete(RESOURCES.nodes, { name: 'node-1' });
  await plane.eventually('nothing is left of node-1', async () =>
    (await plane.list<Pod>(RESOURCES.pods, 'default')).every((pod) => pod.spec.nodeName !== 'node-1'),
  );
  t.is(await plane.find(RESOURCES.pods, 'default', 'bare'), undefined);
});

test('a namespace takes everything with it, kinds that no loop knows by name too', async (t) => {
  const plane = await ControlPlane.start();
  t.teardown(() => plane.stop());
  await plane.client.create(RESOURCES.namespaces, '', { metadata: { name: 'team' } });
  await plane.eventually('it is given what every namespace is given', async () => {
    const account = await plane.find(RESOURCES.serviceAccounts, 'team', 'default');
    const ca = await plane.find<{ data: Record<string, string> }>(RESOURCES.configMaps, 'team', 'kube-root-ca.crt');
    return account !== undefined && ca?.data['ca.crt']?.includes('BEGIN CERTIFICATE') === true;
  });
  await plane.client.create(ROLES, 'team', { metadata: { name: 'r', namespace: 'team' }, rules: [] });
  await plane.client.create(RESOURCES.deployments, 'team', { ...WEB, metadata: { name: 'web', namespace: 'team' } });
  await plane.eventually(
    'pods run',
    async () =>
      (await plane.list<Pod>(RESOURCES.pods, 'team')).filter((pod) => pod.status?.phase === 'Running').length === 3,
  );
  await plane.client.delete(RESOURCES.namespaces, { name: 'team' });
  await plane.eventually(
    'it is gone',
    async () => (await plane.find<Namespace>(RESOURCES.namespaces, '', 'team')) === undefined,
  );
  for (const ref of [ROLES, RESOURCES.pods, RESOURCES.replicaSets, RESOURCES.configMaps, RESOURCES.serviceAccounts])
    t.deepEqual(await plane.list(ref, 'team'), [], ref.resource);
});

test('a person who was let in has a certificate, and is known by it', async (t) => {
  const plane = await ControlPlane.start();
  t.teardown(() => plane.stop());
  const requests = resourceRef('certificates.k8s.io', 'v1', 'certificatesigningrequests');
  const { request, keyPem } = await makeCertificateRequest({ commonName: 'alice', organizations: ['devs'] });
  const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
  const made = await plane.client.create<CertificateSigningRequest>(requests, '', {
    metadata: { name: 'alice' },
    spec,
  });
  const conditions = [{ type: 'Approved', status: 'True', reason: 'KubectlApprove' }];
  await plane.client.update(requests, { name: 'alice', subresource: 'approval' }, { ...made, status: { conditions } });
  let issued: CertificateSigningRequest | undefined;
  await plane.eventually('it is issued', async () => {
    issued = await plane.find<CertificateSigningRequest>(requests, '', 'alice');
    return issued?.status?.certificate !== undefined;
  });
  t.truthy(issued?.status?.conditions?.[0]?.lastUpdateTime);
  const cert = Buffer.from(issued!.status!.certificate!, 'base64').toString();
  const { body } = await plane.api.http('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    certificate: { cert, key: keyPem },
  });
  t.is(body.status.userInfo.username, 'alice');
  t.deepEqual(body.status.userInfo.groups, ['devs', 'system:authenticated']);
  const masters = await makeCertificateRequest({ commonName: 'eve', organizations: ['system:masters'] });
  const refused = await plane.api.http('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', {
    body: { metadata: { name: 'eve' }, spec: { ...spec, request: masters.request } },
  });
  t.is(refused.code, 403);
  t.is(
    refused.body.message,
    'certificatesigningrequests.certificates.k8s.io "eve" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  );
  const foreign = await plane.api.http('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', {
    body: { metadata: { name: 'mallory' }, spec: { ...spec, request: signedByAnother(request) } },
  });
  t.is(foreign.code, 422);
  t.deepEqual(
    foreign.body.details.causes.map(({ field, message }: any) => `${field} ${message.split(': ').slice(2).join(': ')}`),
    ['spec.request x509: ECDSA verification failure'],
  );
});

/** The last bytes of a request are its signature. */
function signedByAnother(base64: string): string {
  const pem = Buffer.from(base64, 'base64').toString();
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  der[der.length - 1]! ^= 1;
  const text = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  return Buffer.from(text).toString('base64');
}
