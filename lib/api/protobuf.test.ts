import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { canonical } from './canonical.ts';
import { decodeBody, expectedOf } from './decode.ts';
import { kindFor } from './kind.ts';
import { decodeProtobuf, durationText, typeNameOf } from './protobuf.ts';
import { typeSchema, type FieldSchema } from './schema.ts';
import bodies from './testdata/kubectl-1.32-protobuf.json' with { type: 'json' };

// A small encoder, as Go writes: plain scalars always, pointers when set. Only tests need it.
const text = new TextEncoder();
const varint = (value: bigint): number[] => {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...out, Number(rest)];
};
const tag = (number: number, wire: number): number[] => varint(BigInt((number << 3) | wire));
const part = (number: number, bytes: number[] | Uint8Array): number[] => [
  ...tag(number, 2),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];
const number = (at: number, value: bigint): number[] => [...tag(at, 0), ...varint(value)];

function scalar(at: number, type: string, value: any): number[] {
  switch (type) {
    case 'string':
      return part(at, text.encode(value));
    case 'bool':
      return number(at, value === true ? 1n : 0n);
    case 'int32':
    case 'int64':
      return number(at, BigInt(value ?? 0));
    case 'bytes':
      return part(at, Uint8Array.fromBase64(value));
    case 'quantity':
      return part(at, part(1, text.encode(value)));
    case 'intOrString':
      return part(
        at,
        typeof value === 'string'
          ? [...number(1, 1n), ...number(2, 0n), ...part(3, text.encode(value))]
          : [...number(1, 0n), ...number(2, BigInt(value)), ...part(3, [])],
      );
    case 'time':
      return part(at, [...number(1, BigInt(Date.parse(value) / 1000)), ...number(2, 0n)]);
    default:
      return part(at, message(type, value));
  }
}

const ZERO: Record<string, unknown> = { string: '', bool: false, int32: 0, int64: 0 };

function message(type: string, value: any): number[] {
  const out: number[] = [];
  for (const field of typeSchema(type)!.byNumber.values())
    out.push(...fieldBytes(field, field.inline ? value : value[field.name]));
  return out;
}

function fieldBytes(field: FieldSchema & { inline: boolean }, value: any): number[] {
  const at = field.number!;
  if (field.inline) return part(at, message(field.type, value));
  if (field.shape === 'list') return (value ?? []).flatMap((item: any) => scalar(at, field.type, item));
  if (field.shape === 'map')
    return Object.entries(value ?? {}).flatMap(([key, item]) =>
      part(at, [...part(1, text.encode(key)), ...scalar(2, field.type, item)]),
    );
  if (value !== undefined) return scalar(at, field.type, value);
  return field.pointer || !(field.type in ZERO) ? [] : scalar(at, field.type, ZERO[field.type]);
}

function envelope(apiVersion: string, kind: string, value: any): Uint8Array {
  const meta = part(1, [...part(1, text.encode(apiVersion)), ...part(2, text.encode(kind))]);
  return new Uint8Array([
    0x6b,
    0x38,
    0x73,
    0,
    ...meta,
    ...part(2, message(typeNameOf(apiVersion, kind), value)),
    ...part(3, []),
    ...part(4, []),
  ]);
}

const DEPLOYMENT = {
  metadata: { name: 'web', labels: { app: 'web' }, creationTimestamp: '2026-11-22T06:27:15Z' },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'c',
            image: 'i',
            ports: [{ containerPort: 8080 }],
            resources: { requests: { cpu: '100m' } },
            readinessProbe: { httpGet: { port: 'http', path: '/' }, periodSeconds: 5 },
          },
        ],
        volumes: [{ name: 'v', configMap: { name: 'cm', defaultMode: 420 } }],
      },
    },
    strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
  },
};

test('a Deployment in protobuf is the Deployment in JSON; zero pointers stay, zero scalars go', (t) => {
  const decoded = decodeProtobuf(envelope('apps/v1', 'Deployment', DEPLOYMENT));
  t.deepEqual(
    canonical('apps.v1.Deployment', decoded),
    canonical('apps.v1.Deployment', { apiVersion: 'apps/v1', kind: 'Deployment', ...DEPLOYMENT }),
  );
  const { object } = decodeBody<any>(
    envelope('apps/v1', 'Deployment', DEPLOYMENT),
    'application/vnd.kubernetes.protobuf',
    expectedOf(kindFor('apps', 'v1', 'deployments')!),
    'Strict',
  );
  t.is(object.spec.replicas, 0);
  t.is(object.spec.template.spec.volumes[0].configMap.name, 'cm', 'embedded structs are flattened');
  t.is(object.spec.strategy.rollingUpdate.maxUnavailable, 0);
});

test("a Secret's bytes are base64, options are meta.v1 in any group", (t) => {
  t.is(
    decodeProtobuf(envelope('v1', 'Secret', { metadata: { name: 's' }, data: { a: 'aGVsbG8=' } }))['data'].a,
    'aGVsbG8=',
  );
  const bytes = [
    ...part(1, [...part(1, text.encode('apps/v1')), ...part(2, text.encode('DeleteOptions'))]),
    ...part(2, number(1, 0n)),
  ];
  t.deepEqual(decodeProtobuf(new Uint8Array([0x6b, 0x38, 0x73, 0, ...bytes])), {
    apiVersion: 'apps/v1',
    kind: 'DeleteOptions',
    gracePeriodSeconds: 0,
  });
});

test('damaged bytes are a SyntaxError wherever they are cut or changed', (t) => {
  const whole = envelope('apps/v1', 'Deployment', DEPLOYMENT);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.option(fc.nat(255)), (at, byte) => {
      const damaged = byte === null ? whole.slice(0, at) : whole.with(at, byte);
      try {
        decodeProtobuf(damaged);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
  t.throws(() => decodeProtobuf(text.encode('{}')), { instanceOf: SyntaxError });
  t.throws(() => decodeProtobuf(envelope('v1', 'Pod', {}).with(8, 120)), { instanceOf: SyntaxError });
});

test('durations', (t) => {
  t.is(durationText(90_000_000_000), '1m30s');
  t.is(durationText(3_600_000_000_000), '1h0m0s');
  t.is(durationText(0), '0s');
});

for (const { command, protobuf, json } of bodies)
  test(`the bytes that kubectl 1.32 sends are the JSON that it prints: ${command}`, (t) => {
    const decoded = decodeProtobuf(Uint8Array.fromBase64(protobuf));
    const typeName = typeNameOf(json.apiVersion, json.kind);
    const fromBytes = canonical(typeName, decoded);
    const fromJson = canonical(typeName, json);
    t.deepEqual(fromBytes.unknown, []);
    // Bytes carry the namespace of the kubeconfig; the printed form leaves it out.
    delete fromBytes.value.metadata.namespace;
    delete fromJson.value.metadata.namespace;
    t.deepEqual(fromBytes.value, fromJson.value);
  });
