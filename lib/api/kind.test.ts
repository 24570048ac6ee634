import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { canonical, TypeMismatchError } from './canonical.ts';
import { invalid } from './field-error.ts';
import { KINDS, kindByName, kindFor, kindOf, type Kind } from './kind.ts';
import { withReplicas } from './scale.ts';
import { typeSchema } from './schema.ts';
import { toTable } from './table.ts';

const TIME = '2026-11-22T08:00:00Z';
const NOW = Date.parse(TIME);

function make(kind: Kind, value: any): any {
  const { object } = {
    object: canonical(kind.typeName, {
      metadata: { name: 'x', ...(kind.ref.namespaced ? { namespace: 'default' } : {}) },
      ...value,
    }).value,
  };
  object.apiVersion = kind.ref.group === '' ? kind.ref.version : `${kind.ref.group}/${kind.ref.version}`;
  object.kind = kind.ref.kind;
  kind.default(object);
  return object;
}
const of = (group: string, plural: string, version = 'v1'): Kind => kindFor(group, version, plural)!;
const told = (kind: Kind, object: any): string[] =>
  kind.validate(object).map((error) => `${error.path}: ${error.message}`);

test('every kind of the table has a schema, and is found by plural, by name and by an object of its own', (t) => {
  t.is(KINDS.length, 74);
  for (const kind of KINDS) {
    t.truthy(typeSchema(kind.typeName as string), kind.typeName as string);
    t.is(kindFor(kind.ref.group, kind.ref.version, kind.ref.resource), kind);
    t.is(kindByName(kind.ref.group, kind.ref.version, kind.ref.kind), kind);
    t.is(
      kindOf({
        apiVersion: kind.ref.group === '' ? kind.ref.version : `${kind.ref.group}/${kind.ref.version}`,
        kind: kind.ref.kind,
      }),
      kind,
    );
  }
  t.is(kindFor('apps', 'v1', 'foos'), undefined);
  t.is(kindOf({}), undefined);
});

test('the whole life of an empty object of every kind goes through without a throw, and defaults are idempotent', (t) => {
  for (const kind of KINDS) {
    const object = make(kind, {});
    kind.prepareForCreate(object);
    kind.default(object);
    const before = structuredClone(object);
    kind.default(object);
    t.deepEqual(object, before, `${kind.ref.kind}: defaults twice`);
    kind.validate(object);
    const update = structuredClone(object);
    kind.prepareForUpdate(update, object);
    kind.validateUpdate(update, object);
    t.is(update.metadata.generation, object.metadata.generation, `${kind.ref.kind}: nothing changed, generation stays`);
    kind.prepareForStatusUpdate(update, object, TIME);
    kind.validateStatusUpdate(update, object);
    // Upstream tells the age of an address, too, and has no column for it.
    const more = kind.ref.kind === 'IPAddress' ? 1 : 0;
    t.is(kind.cells(object, NOW).length, kind.columns.length + more, `${kind.ref.kind}: a cell for each column`);
    for (const field of Object.values(kind.fields)) t.is(typeof field(object), 'string', kind.ref.kind);
    t.is(typeof kind.graceSeconds(object, undefined), 'number');
  }
});

/** Values that fit a type more or less: right shapes with odd contents. */
function arbitraryOf(typeName: string, depth: number): fc.Arbitrary<unknown> {
  const scalars: Record<string, fc.Arbitrary<unknown>> = {
    string: fc.oneof(fc.constantFrom('', 'a', 'A b', 'x'.repeat(300), '..', 'None', 'Always'), fc.string()),
    bool: fc.boolean(),
    int32: fc.oneof(fc.integer(), fc.constantFrom(0, -1, 80, 65_536)),
    int64: fc.oneof(fc.integer(), fc.constantFrom(0, -1)),
    double: fc.double({ noNaN: true }),
    quantity: fc.constantFrom('0', '1', '-1', '100m', '1Gi', '1e3'),
    intOrString: fc.oneof(fc.integer({ min: -5, max: 70_000 }), fc.constantFrom('25%', '-1%', 'http', '')),
    bytes: fc.constantFrom('', 'aGk='),
    time: fc.constantFrom('2026-11-22T06:27:15Z'),
    microTime: fc.constantFrom('2026-11-22T06:27:15.000001Z'),
    duration: fc.constant('1s'),
  };
  const schema = typeSchema(typeName);
  if (schema === undefined) return scalars[typeName] ?? fc.constant({});
  if (schema.jsonForm !== undefined) return fc.constant(schema.jsonForm === 'list' ? ['x'] : {});
  if (depth === 0) return fc.constant({});
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.fields.values()) {
    const one = arbitraryOf(field.type, depth - 1);
    fields[field.name] =
      field.shape === 'list'
        ? fc.array(one, { maxLength: 2 })
        : field.shape === 'map'
          ? fc.dictionary(fc.constantFrom('a', 'cpu', 'x/y', '-'), one, { maxKeys: 2 })
          : one;
  }
  return fc.record(fields, { requiredKeys: [] });
}

test('property: no object of a right shape, however odd, makes a kind throw; a refusal is a 422 with a cause for each error', (t) => {
  for (const kind of KINDS.filter((each) => each.stored)) {
    fc.assert(
      fc.property(arbitraryOf(kind.typeName as string, 6), (value) => {
        const object = canonicalOrUndefined(kind, value);
        if (object === undefined) return;
        kind.default(object);
        kind.prepareForCreate(object);
        const errors = kind.validate(object);
        const status = invalid(kind.ref, object.metadata?.name, errors).toStatus();
        if (status.details!.causes!.length !== errors.length) throw new Error('a cause is missing');
        kind.cells(object, NOW);
        kind.validateUpdate(structuredClone(object), object);
        kind.validateStatusUpdate(structuredClone(object), object);
      }),
      { numRuns: 20 },
    );
  }
  t.pass();
});

function canonicalOrUndefined(kind: Kind, value: unknown): any {
  try {
    return canonical(kind.typeName, value).value;
  } catch (error) {
    if (error instanceof TypeMismatchError) return undefined;
    throw error;
  }
}

test('generation counts spec changes only; server-owned metadata and status stay on update', (t) => {
  const kind = of('apps', 'deployments');
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const old = make(kind, {
    metadata: { name: 'd', namespace: 'n', uid: 'u', creationTimestamp: '2026-11-22T06:27:15Z', resourceVersion: '7' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  });
  kind.prepareForCreate(old);
  t.is(old.metadata.generation, 1);
  t.deepEqual(old.status, {});
  old.status = { replicas: 3 };
  const labelled = structuredClone(old);
  labelled.metadata = { name: 'd', namespace: 'n', labels: { x: 'y' } };
  labelled.status = { replicas: 9 };
  kind.prepareForUpdate(labelled, old);
  t.is(labelled.metadata.generation, 1);
  t.deepEqual(
    [labelled.metadata.uid, labelled.metadata.creationTimestamp, labelled.status],
    ['u', '2026-11-22T06:27:15Z', { replicas: 3 }],
  );
  t.deepEqual(kind.validateUpdate(labelled, old), []);
  const scaled = withReplicas(old, 5);
  kind.prepareForUpdate(scaled, structuredClone(old));
  t.is(scaled.metadata.generation, 2);
  const status = structuredClone(old);
  status.spec.replicas = 99;
  status.metadata.labels = { stolen: 'yes' };
  status.status = { replicas: 4 };
  kind.prepareForStatusUpdate(status, { ...old, spec: { ...old.spec, replicas: 1 } }, TIME);
  t.deepEqual([status.spec.replicas, status.status.replicas, status.metadata.labels], [1, 4, undefined]);
});

test('metadata: names, labels, annotations, owners, finalizers', (t) => {
  const kind = of('', 'configmaps');
  t.deepEqual(told(kind, make(kind, { metadata: { namespace: 'default' } })), [
    'metadata.name: Required value: name or generateName is required',
  ]);
  t.regex(
    told(kind, make(kind, { metadata: { name: 'a..b', namespace: 'n' } }))[0]!,
    /^metadata\.name: Invalid value: "a\.\.b": a lowercase RFC 1123 subdomain/,
  );
  t.regex(told(kind, make(kind, { metadata: { name: 'a>*', namespace: 'n' } }))[0]!, /^metadata\.name: Invalid value/);
  t.deepEqual(told(kind, make(kind, { metadata: { name: 'x'.repeat(254), namespace: 'n' } })), [
    `metadata.name: Invalid value: "${'x'.repeat(254)}": must be no more than 253 characters`,
  ]);
  t.deepEqual(
    told(kind, make(kind, { metadata: { name: 'a', namespace: 'n', annotations: { a: 'x'.repeat(262_144) } } })),
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  );
  t.deepEqual(told(kind, make(kind, { metadata: { name: 'a', namespace: 'n', finalizers: ['odd'] } })), [
    'metadata.finalizers[0]: Invalid value: "odd": name is neither a standard finalizer name nor is it fully qualified',
  ]);
  t.is(told(kind, make(kind, { metadata: { name: 'a', namespace: 'n', labels: { 'a/b/c': '-' } } })).length, 2);
  const owner = (name: string): any => ({ apiVersion: 'v1', kind: 'Pod', name, uid: name, controller: true });
  t.regex(
    told(kind, make(kind, { metadata: { name: 'a', namespace: 'n', ownerReferences: [owner('p'), owner('q')] } }))[0]!,
    /Only one reference can have Controller set to true\. Found "true" in references for Pod\/p and Pod\/q$/,
  );
  const role = of('rbac.authorization.k8s.io', 'clusterroles');
  t.deepEqual(told(role, make(role, { metadata: { name: 'system:x' } })), []);
  t.deepEqual(told(role, make(role, { metadata: { name: 'a/b' } })), [
    'metadata.name: Invalid value: "a/b": may not contain \'/\'',
  ]);
  t.deepEqual(told(of('', 'namespaces'), make(of('', 'namespaces'), { metadata: { name: 'n', namespace: 'm' } })), [
    'metadata.namespace: Forbidden: not allowed on this type',
  ]);
  t.regex(
    told(
      of('', 'services'),
      make(of('', 'services'), { metadata: { name: '1a', namespace: 'n' }, spec: { ports: [{ port: 1 }] } }),
    )[0]!,
    /DNS-1035 label/,
  );
});

test('no new finalizers while deleting; uid, name and times are fixed', (t) => {
  const kind = of('', 'configmaps');
  const old = make(kind, {
    metadata: { name: 'c', namespace: 'n', uid: 'u', deletionTimestamp: '2026-11-22T06:27:15Z', finalizers: ['a.b/c'] },
  });
  const changed = structuredClone(old);
  changed.metadata.finalizers.push('d.e/f');
  changed.metadata.uid = 'other';
  t.deepEqual(
    [...new Set(kind.validateUpdate(changed, old).map((error) => `${error.path}: ${error.message}`))],
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
      'metadata.uid: Invalid value: "other": field is immutable',
    ],
  );
});

test('nothing is deleted by an update, and what is being deleted stays so', (t) => {
  const kind = of('', 'configmaps');
  const told_ = (was: object, wanted: object): string[] => {
    const old = make(kind, { metadata: { name: 'c', namespace: 'n', uid: 'u', ...was } });
    const changed = make(kind, { metadata: { name: 'c', namespace: 'n', uid: 'u', ...wanted } });
    kind.prepareForUpdate(changed, old);
    return [...new Set(kind.validateUpdate(changed, old).map((error) => `${error.path}: ${error.message}`))];
  };
  const going = { deletionTimestamp: '2026-11-22T06:27:15Z', deletionGracePeriodSeconds: 30 };
  t.deepEqual(told_({}, going), [
    'metadata.deletionTimestamp: Invalid value: 2026-11-22 06:27:15 +0000 UTC: field is immutable',
    'metadata.deletionGracePeriodSeconds: Invalid value: 30: field is immutable',
  ]);
  t.deepEqual(told_(going, {}), []);
  t.deepEqual(told_(going, { deletionTimestamp: '2027-11-22T06:27:15Z' }), []);
  t.deepEqual(told_(going, { deletionGracePeriodSeconds: 0 }), [
    'metadata.deletionGracePeriodSeconds: Invalid value: 0: field is immutable',
  ]);
});

test('Deployment: strategy, counts, selector', (t) => {
  const kind = of('apps', 'deployments');
  const spec = (extra: any): any =>
    make(kind, {
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        ...extra,
      },
    });
  t.deepEqual(told(kind, spec({})), []);
  t.deepEqual(spec({}).spec.strategy, {
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
  });
  t.deepEqual(told(kind, spec({ replicas: -1, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } })), [
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:"0%"}: may not be 0 when `maxSurge` is 0',
  ]);
  t.deepEqual(told(kind, spec({ strategy: { type: 'Recreate', rollingUpdate: {} } })), [
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ]);
  t.deepEqual(told(kind, spec({ strategy: { rollingUpdate: { maxUnavailable: '150%' } } })), [
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:"150%"}: must not be greater than 100%',
  ]);
  t.deepEqual(told(kind, spec({ selector: {} })), [
    'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment',
  ]);
  t.deepEqual(told(kind, spec({ progressDeadlineSeconds: 5, minReadySeconds: 5 })), [
    'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
  ]);
  t.deepEqual(told(kind, spec({ selector: undefined })), [
    'spec.selector: Required value',
    'spec.template.metadata.labels: Invalid value: map[string]string{"a":"b"}: `selector` does not match template `labels`',
  ]);
});

test('Service: defaults by type, what a PUT keeps, what a change of type wipes', (t) => {
  const kind = of('', 'services');
  const nodePort = make(kind, {
    spec: { type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30_001 }] },
  });
  t.deepEqual(nodePort.spec.ports, [{ protocol: 'TCP', port: 80, targetPort: 80, nodePort: 30_001 }]);
  t.is(nodePort.spec.externalTrafficPolicy, 'Cluster');
  t.deepEqual(nodePort.spec.clusterIPs, ['10.96.0.9']);
  const put = make(kind, {
    metadata: { name: 'x', namespace: 'default', resourceVersion: '1' },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  });
  kind.prepareForUpdate(put, nodePort);
  t.deepEqual([put.spec.clusterIP, put.spec.ports[0].nodePort], ['10.96.0.9', 30_001]);
  t.deepEqual(kind.validateUpdate(put, nodePort), []);
  const plain = structuredClone(nodePort);
  plain.metadata.resourceVersion = '1';
  plain.spec.type = 'ClusterIP';
  kind.prepareForUpdate(plain, nodePort);
  t.deepEqual(
    [plain.spec.ports[0].nodePort, plain.spec.externalTrafficPolicy, plain.spec.clusterIP],
    [undefined, undefined, '10.96.0.9'],
  );
  t.deepEqual(kind.validateUpdate(plain, nodePort), []);
  const moved = {
    ...structuredClone(nodePort),
    spec: { ...structuredClone(nodePort.spec), clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] },
  };
  moved.metadata.resourceVersion = '1';
  t.deepEqual(
    kind.validateUpdate(moved, nodePort).map((error) => error.path),
    ['spec.clusterIPs[0]'],
  );
  t.deepEqual(told(kind, make(kind, { spec: { ports: [] } })), ['spec.ports: Required value']);
  t.deepEqual(told(kind, make(kind, { spec: { clusterIP: 'None' } })), []);
  t.deepEqual(told(kind, make(kind, { spec: { type: 'ExternalName', externalName: 'example.com.' } })), []);
  t.deepEqual(told(kind, make(kind, { spec: { ports: [{ port: 1 }, { port: 1, name: 'b' }] } })), [
    'spec.ports[0].name: Required value',
    'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":1}',
  ]);
});

test('ConfigMap and Secret: keys, sizes, immutability, types', (t) => {
  const configMap = of('', 'configmaps');
  t.deepEqual(told(configMap, make(configMap, { data: { '..x': '1' } })), [
    'data[..x]: Invalid value: "..x": must not start with \'..\'',
  ]);
  t.is(
    told(configMap, make(configMap, { data: { a: 'x'.repeat(1_048_577) } }))[0],
    '[]: Too long: may not be more than 1048576 bytes',
  );
  const old = make(configMap, { immutable: true, data: { a: '1' } });
  const changed = { ...structuredClone(old), data: { a: '2' } };
  t.deepEqual(
    configMap.validateUpdate(changed, old).map((error) => `${error.path}: ${error.message}`),
    ['data: Forbidden: field is immutable when `immutable` is set'],
  );
  const secret = of('', 'secrets');
  const made = make(secret, { data: { a: 'eA==' }, stringData: { b: 'héllo' } });
  t.deepEqual([made.type, made.data, made.stringData], ['Opaque', { a: 'eA==', b: 'aMOpbGxv' }, undefined]);
  t.deepEqual(told(secret, make(secret, { type: 'kubernetes.io/tls' })), [
    'data[tls.crt]: Required value',
    'data[tls.key]: Required value',
  ]);
  t.deepEqual(
    secret.validateUpdate({ ...structuredClone(made), type: 'x' }, made).map((error) => error.path),
    ['type'],
  );
});

test('EndpointSlice, Lease, Event, RBAC, Node rules', (t) => {
  const slice = of('discovery.k8s.io', 'endpointslices');
  t.deepEqual(
    told(
      slice,
      make(slice, { addressType: 'IPv4', endpoints: [{ addresses: [] }, { addresses: ['fe80::1'] }], ports: [{}, {}] }),
    ),
    [
      'endpoints[0].addresses: Required value: must contain at least 1 address',
      'endpoints[1].addresses[0]: Invalid value: "fe80::1": must be a valid IPv4 address',
      'ports[1].name: Duplicate value: ""',
    ],
  );
  t.deepEqual(told(slice, make(slice, { addressType: 'toString', endpoints: [{ addresses: ['10.0.0.1'] }] })), [
    'addressType: Unsupported value: "toString": supported values: "FQDN", "IPv4", "IPv6"',
  ]);
  const lease = of('coordination.k8s.io', 'leases');
  t.deepEqual(told(lease, make(lease, { spec: { leaseDurationSeconds: 0 } })), [
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
  ]);
  const event = of('', 'events');
  t.deepEqual(told(event, make(event, { involvedObject: { namespace: 'other' } })), [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
  const binding = of('rbac.authorization.k8s.io', 'clusterrolebindings');
  const bound = make(binding, {
    roleRef: { kind: 'ClusterRole', name: 'r' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's' },
    ],
  });
  t.is(bound.roleRef.apiGroup, 'rbac.authorization.k8s.io');
  t.deepEqual(told(binding, bound), ['subjects[1].namespace: Required value']);
  const node = of('', 'nodes');
  const taint = { key: 'a', effect: 'NoSchedule' };
  t.regex(
    told(node, make(node, { spec: { taints: [taint, taint] } }))[0]!,
    /^metadata\.taints\[1\]: Duplicate value: .*taints must be unique by key and effect pair$/,
  );
  const registered = make(node, { status: { capacity: { cpu: '4' } } });
  node.prepareForCreate(registered);
  t.deepEqual(registered.status.allocatable, { cpu: '4' }, 'a kubelet registers with its status');
});

test('rows of a table', (t) => {
  const kind = of('', 'nodes');
  const object = make(kind, {
    metadata: {
      name: 'n1',
      creationTimestamp: '2026-11-22T07:00:00Z',
      labels: { 'node-role.kubernetes.io/worker': '' },
    },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      nodeInfo: { kubeletVersion: 'v1' },
    },
  });
  const table = toTable(kind, [object], { now: NOW, metadata: { resourceVersion: '5' } });
  t.deepEqual(table.rows[0]!.cells.slice(0, 6), ['n1', 'Ready,SchedulingDisabled', 'worker', '60m', 'v1', '10.0.0.1']);
  t.deepEqual(Object.keys(table.rows[0]!.object as object), ['kind', 'apiVersion', 'metadata']);
  const service = of('', 'services');
  const cells = service.cells(
    make(service, {
      spec: {
        clusterIP: '10.96.0.1',
        ports: [
          { port: 80, nodePort: 30000 },
          { port: 53, protocol: 'UDP', name: 'b' },
        ],
        selector: { b: '1', a: '2' },
      },
    }),
    NOW,
  );
  t.deepEqual(cells, ['x', 'ClusterIP', '10.96.0.1', '<none>', '80:30000/TCP,53/UDP', '<unknown>', 'a=2,b=1']);
});
