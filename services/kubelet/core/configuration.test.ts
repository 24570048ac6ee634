// Asks what a container is told: environment, files, user, limits, name service; and what is refused.
import fc from '../../../test/kit/fast-check.ts';
import test from 'ava';
import type { Container, Pod, SecurityContext } from '../../../lib/api/generated/types.ts';
import { refusalOf } from './admission.ts';
import { capabilitiesOf, containerSpecOf, DEFAULT_CAPABILITIES, type ContainerSurroundings } from './container-spec.ts';
import { environmentOf, expand, serviceVariables, type Sources } from './environment.ts';
import type { FieldSurroundings } from './fields.ts';
import { hostnameOf, hostsFileOf, resolvConfOf } from './network-files.ts';
import { registryAuthOf } from './pull-secrets.ts';
import { containerLimitsOf, oomScoreAdjustOf, podLimitsOf, podRequestsOf } from './resources.ts';
import { containerNamed, image, podWith } from './test-pods.ts';
import { neededSources, plannedVolumes } from './volumes.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const sources: Sources = {
  configMaps: {
    settings: { metadata: { name: 'settings' }, data: { color: 'blue', '1.a-b': 'x' }, binaryData: { bin: 'AAE=' } },
  },
  secrets: { keys: { metadata: { name: 'keys' }, data: { key: base64('s3cret') } } },
};
const around = (pod: Pod): FieldSurroundings => ({
  pod,
  podIp: '10.0.0.2',
  hostIp: '10.1.1.1',
  nodeName: 'n1',
  allocatable: { cpuMillis: 2000, memoryBytes: 4096 },
});
const envOf = (container: Partial<Container>, pod = podWith()): Record<string, string> => {
  const own = containerNamed('main', container);
  return environmentOf({
    container: own,
    around: around({ ...pod, spec: { ...pod.spec, containers: [own] } }),
    sources,
    image: image.config.env,
    services: { SVC: '1' },
  });
};

test('environment: image, services, envFrom, env, each over the one before', (t) => {
  t.deepEqual(
    envOf({
      env: [
        { name: 'FROM', value: 'pod' },
        { name: 'SVC', value: '2' },
      ],
    }),
    { PATH: '/bin', FROM: 'pod', SVC: '2' },
  );
  t.deepEqual(
    envOf({ envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'keys' } }] }),
    // Whatever may be a key may be a name.
    { PATH: '/bin', FROM: 'image', SVC: '1', P_color: 'blue', 'P_1.a-b': 'x', key: 's3cret' },
  );
});

test('environment: references to keys, fields and resources', (t) => {
  const env = envOf(
    {
      resources: { limits: { cpu: '1500m', memory: '64Mi' } },
      env: [
        { name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
        { name: 'S', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
        { name: 'F', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
        { name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'I', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        { name: 'REQ', valueFrom: { resourceFieldRef: { resource: 'requests.memory' } } },
        { name: 'O', valueFrom: { configMapKeyRef: { name: 'settings', key: 'none', optional: true } } },
      ],
    },
    podWith({}, { labels: { app: 'web' } }),
  );
  t.like(env, { C: 'blue', S: 's3cret', F: 'default', L: 'web', I: '10.0.0.2', CPU: '2', MEM: '64', REQ: '0' });
  t.false('O' in env);
});

test('environment: what is missing is named', (t) => {
  const refused = (env: NonNullable<Container['env']>): string => t.throws(() => envOf({ env })).message;
  t.is(
    refused([{ name: 'X', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } } }]),
    'configmap "none" not found',
  );
  t.is(refused([{ name: 'X', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } } }]), 'secret "none" not found');
  t.is(
    refused([{ name: 'X', valueFrom: { secretKeyRef: { name: 'keys', key: 'k' } } }]),
    "couldn't find key k in Secret default/keys",
  );
  t.is(refused([{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }]), 'unsupported fieldPath: spec.foo');
});

test('$(VAR) is expanded from what stands before, $$ escapes, the unknown stays', (t) => {
  t.deepEqual(
    envOf({
      env: [
        { name: 'A', value: '$(B)' },
        { name: 'B', value: 'b' },
        { name: 'C', value: '$(B)-$(SVC)-$$(B)-$(' },
      ],
    }),
    { PATH: '/bin', FROM: 'image', SVC: '1', A: '$(B)', B: 'b', C: 'b-1-$(B)-$(' },
  );
  fc.assert(
    fc.property(fc.string(), (text) => expand(text.replaceAll('$', ''), { A: 'x' }) === text.replaceAll('$', '')),
  );
});

test('service variables, as programs in clusters expect them', (t) => {
  const env = serviceVariables([
    { metadata: { name: 'kubernetes' }, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] } },
    { metadata: { name: 'my-db' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 53, protocol: 'UDP' }] } },
    { metadata: { name: 'headless' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
  ]);
  t.like(env, {
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
    MY_DB_PORT: 'udp://10.96.0.9:53',
  });
  t.false('HEADLESS_SERVICE_HOST' in env);
});

test('volumes hold what their objects hold, with modes and chosen keys', (t) => {
  const pod = podWith({
    volumes: [
      { name: 'c', configMap: { name: 'settings', items: [{ key: 'color', path: 'sub/hue', mode: 0o600 }] } },
      { name: 's', secret: { secretName: 'keys', defaultMode: 0o400 } },
      {
        name: 'p',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token' } },
            { configMap: { name: 'settings' } },
            { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
      { name: 'e', emptyDir: {} },
      { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'h', hostPath: { path: '/srv', type: 'Directory' } },
      { name: 'o', configMap: { name: 'none', optional: true } },
    ],
  });
  const planned = plannedVolumes(around(pod), sources);
  const text = (i: number): unknown => {
    const volume = planned[i]!;
    return volume.type === 'files'
      ? volume.files.map(({ path, mode, data }) => [path, mode, Buffer.from(data).toString('latin1')])
      : volume;
  };
  t.deepEqual(text(0), [['sub/hue', 0o600, 'blue']]);
  t.deepEqual(text(1), [['key', 0o400, 's3cret']]);
  t.deepEqual(text(2), [
    ['color', 0o644, 'blue'],
    ['1.a-b', 0o644, 'x'],
    ['bin', 0o644, '\0\u0001'],
    ['n', 0o644, 'web'],
  ]);
  t.like(planned[2], { tokens: [{ path: 'token', mode: 0o644, audience: undefined, expirationSeconds: 3600 }] });
  t.deepEqual(planned.slice(3, 6), [
    { name: 'e', type: 'directory' },
    { name: 'm', type: 'memory', sizeBytes: 1 << 20 },
    { name: 'h', type: 'hostPath', path: '/srv', check: 'Directory' },
  ]);
  t.deepEqual(text(6), []);
  t.deepEqual(neededSources(pod), { configMaps: ['settings', 'none'], secrets: ['keys'] });
});

test('a token belongs to the one user of the pod, and is for that user or its group alone', (t) => {
  const volumes = [{ name: 'p', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }];
  const tokenOf = (more: object): unknown => {
    const [volume] = plannedVolumes(around(podWith({ volumes, ...more })), sources);
    return volume?.type === 'files' ? [volume.tokens[0]?.owner, volume.tokens[0]?.mode] : volume;
  };
  const runAs = (runAsUser: number): object => ({ name: `as${runAsUser}`, securityContext: { runAsUser } });
  t.deepEqual(tokenOf({}), [undefined, 0o644]);
  t.deepEqual(tokenOf({ securityContext: { runAsUser: 1000 } }), [1000, 0o600]);
  t.deepEqual(tokenOf({ securityContext: { fsGroup: 10 } }), [undefined, 0o600]);
  t.deepEqual(tokenOf({ initContainers: [runAs(5)], containers: [runAs(5)] }), [5, 0o600]);
  t.deepEqual(tokenOf({ initContainers: [runAs(5)], containers: [runAs(6)] }), [undefined, 0o644]);
});

test('a volume that cannot be made is told by name', (t) => {
  const refused = (volume: object): string =>
    t.throws(() => plannedVolumes(around(podWith({ volumes: [{ name: 'v', ...volume }] })), sources)).message;
  t.is(
    refused({ configMap: { name: 'none' } }),
    'MountVolume.SetUp failed for volume "v" : configmap "none" not found',
  );
  t.is(
    refused({ secret: { secretName: 'keys', items: [{ key: 'x', path: 'x' }] } }),
    'MountVolume.SetUp failed for volume "v" : references non-existent secret key: x',
  );
  t.regex(
    refused({ configMap: { name: 'settings', items: [{ key: 'color', path: '../../etc/passwd' }] } }),
    /leads out of the volume/,
  );
  t.regex(refused({ nfs: { server: 's', path: '/' } }), /type nfs are not supported/);
});

test('limits as the kernel wants them', (t) => {
  const asking = (requests: Record<string, string>, limits: Record<string, string>): Container =>
    containerNamed('a', { resources: { requests, limits } });
  t.deepEqual(containerLimitsOf(containerNamed('a')), { cpuShares: 2 });
  t.deepEqual(containerLimitsOf(asking({ cpu: '100m' }, { cpu: '500m', memory: '64Mi' })), {
    cpuShares: 102,
    cpuQuotaMicros: 50_000,
    cpuPeriodMicros: 100_000,
    memoryBytes: 64 << 20,
  });
  t.is(containerLimitsOf(asking({}, { cpu: '1m' })).cpuQuotaMicros, 1000);
  const two = podWith({
    containers: [asking({}, { cpu: '1', memory: '1Gi' }), asking({}, { cpu: '1', memory: '1Gi' })],
  }).spec;
  t.deepEqual(podLimitsOf(two), {
    cpuShares: 2048,
    cpuQuotaMicros: 200_000,
    cpuPeriodMicros: 100_000,
    memoryBytes: 2 ** 31,
  });
  t.deepEqual(podLimitsOf(podWith({ containers: [asking({}, { memory: '1Gi' }), containerNamed('b')] }).spec), {
    cpuShares: 2,
  });
  t.deepEqual(
    podRequestsOf(
      podWith({
        initContainers: [asking({ cpu: '3' }, {})],
        containers: [asking({ cpu: '1', memory: '1Ki' }, {}), asking({ cpu: '1' }, {})],
      }).spec,
    ),
    { cpuMillis: 3000, memoryBytes: 1024 },
  );
});

test('who is killed first: BestEffort, then those above what they asked for, Guaranteed last', (t) => {
  const score = (requests: Record<string, string>, limits: Record<string, string>): number => {
    const container = containerNamed('a', { resources: { requests, limits } });
    return oomScoreAdjustOf(podWith({ containers: [container] }).spec, container, 1000 * 1024);
  };
  t.is(score({}, {}), 1000);
  t.is(score({ memory: '250Ki' }, {}), 750);
  t.is(score({ memory: '1' }, {}), 999);
  t.is(score({ cpu: '1', memory: '1Ki' }, { cpu: '1', memory: '1Ki' }), -997);
});

const specOf = (
  container: Partial<Container>,
  pod: Partial<Pod['spec']> = {},
  more: Partial<ContainerSurroundings> = {},
) =>
  containerSpecOf({
    pod: podWith(pod),
    container: containerNamed('main', container),
    kind: 'main',
    attempt: 0,
    sandboxId: 's0',
    image,
    env: { A: 'x' },
    volumePaths: { v: '/vol/v' },
    files: { hosts: '/f/hosts', resolvConf: '/f/resolv', hostname: '/f/hostname', terminationLog: '/f/term' },
    logPath: '/logs/0',
    machineBytes: 2 ** 30,
    ...more,
  });

test("command and arguments: the pod's words over the image's", (t) => {
  t.deepEqual(specOf({}).argv, ['/entry', 'arg']);
  t.deepEqual(specOf({ args: ['$(A)'] }).argv, ['/entry', 'x']);
  t.deepEqual(specOf({ command: ['sh'] }).argv, ['sh']);
  t.deepEqual(specOf({ command: ['sh', '$(A)'], args: ['-c'] }).argv, ['sh', 'x', '-c']);
  t.is(specOf({}).workingDir, '/srv');
  const empty = { ...image, config: { ...image.config, entrypoint: [], command: [] } };
  t.throws(() => specOf({}, {}, { image: empty }), { message: /no command specified/ });
});

test("mounts: the pod's own over the kubelet's, outer before inner, never out of the volume", (t) => {
  const { mounts } = specOf({
    volumeMounts: [
      { name: 'v', mountPath: '/etc/hosts', subPath: 'a/b', readOnly: true },
      { name: 'v', mountPath: '/data' },
    ],
  });
  t.deepEqual(
    mounts.map(({ source, target }) => `${source}:${target}`),
    [
      '/vol/v:/data',
      '/f/resolv:/etc/resolv.conf',
      '/f/hostname:/etc/hostname',
      '/f/term:/dev/termination-log',
      '/vol/v/a/b:/etc/hosts',
    ],
  );
  t.true(mounts.find(({ target }) => target === '/etc/hosts')?.readOnly);
  t.throws(() => specOf({ volumeMounts: [{ name: 'v', mountPath: '/x', subPath: '../../etc' }] }), {
    message: /must not leave the volume/,
  });
  t.throws(() => specOf({ volumeMounts: [{ name: 'none', mountPath: '/x' }] }), {
    message: /which the pod does not have/,
  });
});

test("users: the container's over the pod's over the image's; root is refused where it must not be", (t) => {
  t.deepEqual(
    specOf(
      { securityContext: { runAsUser: 5 } },
      { securityContext: { runAsUser: 4, runAsGroup: 6, fsGroup: 7, supplementalGroups: [8] } },
    ).user,
    { image: '', uid: 5, gid: 6, groups: [8, 7] },
  );
  const refused = (user: string, securityContext: SecurityContext): string =>
    t.throws(() =>
      specOf(
        { securityContext: { runAsNonRoot: true, ...securityContext } },
        {},
        { image: { ...image, config: { ...image.config, user } } },
      ),
    ).message;
  t.is(refused('', {}), 'container has runAsNonRoot and image will run as root');
  t.is(
    refused('app', {}),
    'container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root',
  );
  t.is(refused('5', { runAsUser: 0 }), "container's runAsUser breaks non-root policy");
  t.notThrows(() => specOf({ securityContext: { runAsNonRoot: true, runAsUser: 1 } }));
});

test('capabilities are added and dropped by either spelling', (t) => {
  t.is(capabilitiesOf({}).length, DEFAULT_CAPABILITIES.length);
  t.deepEqual(capabilitiesOf({ capabilities: { drop: ['ALL'], add: ['CAP_NET_ADMIN', 'sys_time'] } }), [
    'CAP_NET_ADMIN',
    'CAP_SYS_TIME',
  ]);
  t.false(capabilitiesOf({ capabilities: { drop: ['CAP_MKNOD'] } }).includes('CAP_MKNOD'));
  t.deepEqual(capabilitiesOf({ capabilities: { add: ['ALL'] } }), ['ALL']);
});

const dns = {
  dnsIp: '10.96.0.10',
  domain: 'cluster.local',
  nodeResolvConf: '# node\nsearch corp.example\nnameserver 1.1.1.1\noptions timeout:1\n',
};

test('resolv.conf by policy', (t) => {
  t.is(
    resolvConfOf(podWith(), dns),
    'search default.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n',
  );
  const node = 'search corp.example\nnameserver 1.1.1.1\noptions timeout:1\n';
  t.is(resolvConfOf(podWith({ dnsPolicy: 'Default' }), dns), node);
  t.is(resolvConfOf(podWith({ hostNetwork: true }), dns), node);
  t.is(
    resolvConfOf(
      podWith({
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['9.9.9.9'], searches: ['a'], options: [{ name: 'ndots', value: '2' }] },
      }),
      dns,
    ),
    'search a\nnameserver 9.9.9.9\noptions ndots:2\n',
  );
  t.regex(
    resolvConfOf(podWith({ dnsConfig: { options: [{ name: 'ndots', value: '1' }, { name: 'edns0' }] } }), dns),
    /options ndots:1 edns0\n$/,
  );
});

test('host names and hosts files', (t) => {
  t.is(hostnameOf(podWith({}, { name: 'x'.repeat(62) + '-y' })), 'x'.repeat(62));
  t.is(hostnameOf(podWith({ hostname: 'db' })), 'db');
  const hosts = hostsFileOf(
    podWith({ hostname: 'db', subdomain: 'dbs', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] }),
    '10.0.0.2',
    'cluster.local',
    '',
  );
  t.true(hosts.includes('10.0.0.2\tdb.dbs.default.svc.cluster.local\tdb\n'));
  t.true(hosts.includes('1.2.3.4\ta\tb\n'));
  t.true(
    hostsFileOf(podWith({ hostNetwork: true }), '', 'cluster.local', '127.0.0.1 node\n').includes('127.0.0.1 node'),
  );
});

test('a pod that does not fit is refused with figures', (t) => {
  const room = { cpuMillis: 1000, memoryBytes: 1000, maxPods: 2, labels: { disk: 'ssd' } };
  const asking = (cpu: string): Pod =>
    podWith({ containers: [containerNamed('a', { resources: { requests: { cpu } } })] });
  t.is(refusalOf(asking('600m'), [], room), undefined);
  t.deepEqual(refusalOf(asking('600m'), [asking('500m')], room), {
    reason: 'OutOfcpu',
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000",
  });
  t.is(refusalOf(asking('0'), [podWith(), podWith()], room)?.reason, 'OutOfpods');
  t.is(refusalOf(podWith({ nodeSelector: { disk: 'hdd' } }), [], room)?.reason, 'NodeAffinity');
  t.is(refusalOf(podWith({ nodeSelector: { disk: 'ssd' } }), [], room), undefined);
});

test("pull secrets: the registry's own, in either form; what makes no sense is passed over", (t) => {
  const secret = (data: Record<string, string>) => ({ metadata: { name: 's' }, data });
  const modern = secret({
    '.dockerconfigjson': base64(
      JSON.stringify({
        auths: {
          'https://index.docker.io/v1/': { auth: base64('u:p:q') },
          'ghcr.io': { username: 'g', password: 'h' },
        },
      }),
    ),
  });
  t.deepEqual(registryAuthOf('busybox', [secret({ '.dockerconfigjson': '!' }), modern]), {
    username: 'u',
    password: 'p:q',
  });
  t.deepEqual(registryAuthOf('ghcr.io/a/b:1', [modern]), { username: 'g', password: 'h' });
  t.is(registryAuthOf('quay.io/a/b', [modern]), undefined);
});
