import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import { ApiError } from '../base/errors.ts';
import { canonical } from './canonical.ts';
import { decodeBody, decodeValue, expectedOf, parseBody } from './decode.ts';
import { parseJson } from './json.ts';
import { kindFor } from './kind.ts';
import { parseYaml, toYaml } from './yaml.ts';

const DEPLOYMENT = expectedOf(kindFor('apps', 'v1', 'deployments')!);
const POD = expectedOf(kindFor('', 'v1', 'pods')!);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refusal = (run: () => unknown): ApiError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
const decode = (value: unknown, fieldValidation?: 'Strict' | 'Warn' | 'Ignore') =>
  decodeValue<any>({ value, duplicates: [] }, DEPLOYMENT, fieldValidation);

test('an object is canonical: nulls and empty optional fields gone, pointers kept, quantities and numbers in one form', (t) => {
  const { object, warnings } = decode({
    metadata: { name: 'x', creationTimestamp: null, labels: {}, finalizers: [] },
    spec: {
      replicas: 0,
      paused: false,
      selector: { matchLabels: { a: 'b' } },
      template: {
        spec: {
          hostNetwork: false,
          securityContext: {},
          containers: [{ name: 'c', env: [], resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }],
          volumes: [{ name: 'v', emptyDir: {} }],
        },
      },
    },
  });
  t.deepEqual(warnings, []);
  t.deepEqual(object, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: {},
        spec: {
          securityContext: {},
          containers: [{ name: 'c', resources: { limits: { cpu: '500m', memory: '1Gi' } } }],
          volumes: [{ name: 'v', emptyDir: {} }],
        },
      },
      strategy: {},
    },
    status: {},
  });
});

test('wrong types are refused in the words of the real decoder', (t) => {
  const told = (spec: unknown): string => {
    const error = refusal(() => decode({ spec }));
    t.is(error.code, 400);
    return error.message.replace('Deployment in version "v1" cannot be handled as a Deployment: ', '');
  };
  t.is(
    told({ replicas: '3' }),
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  );
  t.is(
    told({ replicas: 1.5 }),
    'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
  );
  t.is(
    told({ replicas: 3e9 }),
    'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
  );
  t.is(
    told({ template: { spec: { containers: [{ env: [{ value: 3 }] }] } } }),
    'json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
  );
  t.is(
    told({ template: { spec: { containers: {} } } }),
    'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
  );
  t.is(
    told({ template: { metadata: { labels: { a: true } } } }),
    'json: cannot unmarshal bool into Go struct field ObjectMeta.spec.template.metadata.labels of type string',
  );
  t.regex(told({ template: { spec: { overhead: { cpu: 'lots' } } } }), /^quantities must match the regular expression/);
  t.is(told([]), 'json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec');
});

test('unknown and repeated fields: refused by Strict, told by Warn, silent by Ignore; pruned always', (t) => {
  const text =
    '{"metadata":{"name":"x"},"spec":{"replicas":1,"replicas":2,"replicaz":1,"template":{"spec":{"containers":[{"foo":1}]}}}}';
  const problems = [
    'unknown field "spec.replicaz"',
    'unknown field "spec.template.spec.containers[0].foo"',
    'duplicate field "spec.replicas"',
  ];
  const run = (mode: 'Strict' | 'Warn' | 'Ignore') =>
    decodeBody<any>(bytes(text), 'application/json', DEPLOYMENT, mode);
  const error = refusal(() => run('Strict'));
  t.is(
    error.message,
    `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${problems.join(', ')}`,
  );
  t.deepEqual(run('Warn').warnings.toSorted(), problems.toSorted());
  t.deepEqual(run('Ignore').warnings, []);
  t.false('replicaz' in run('Ignore').object.spec);
});

test('a body of another kind or version, or that is no object, is refused', (t) => {
  t.is(
    refusal(() => decode({ apiVersion: 'v1', kind: 'Deployment' })).message,
    'Deployment in version "v1" cannot be handled as a Deployment: no kind "Deployment" is registered for version "v1" in scheme "pkg/runtime/scheme.go:110"',
  );
  t.is(
    refusal(() => decode({ apiVersion: 'apps/v1', kind: 'ReplicaSet' })).message,
    'ReplicaSet in version "v1" cannot be handled as a Deployment: converting (v1.ReplicaSet) to (apps.Deployment): unknown conversion',
  );
  t.regex(refusal(() => decode({ apiVersion: 'a/b/c' })).message, /: unexpected GroupVersion string: a\/b\/c \(/);
  t.regex(
    refusal(() => decode({ kind: 3 })).message,
    /cannot unmarshal number into Go struct field .kind of type string/,
  );
  t.is(decode(null).object.kind, 'Deployment', 'as to the real server: null leaves all as it is');
  for (const value of [[], 'x', 3]) t.is(refusal(() => decode(value)).code, 400);
});

test('bodies that do not parse', (t) => {
  t.is(
    refusal(() => decodeBody(bytes('{"a":'), 'application/json', DEPLOYMENT)).message,
    'the object provided is unrecognized (must be of type Deployment): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"a":)',
  );
  t.is(refusal(() => parseBody(bytes('hi'), 'text/plain', 'Pod')).code, 415);
  t.is(refusal(() => parseBody(new Uint8Array(3_145_729), 'application/json', 'Pod')).code, 413);
  t.is(refusal(() => parseBody(bytes('['.repeat(5000) + ']'.repeat(5000)), 'application/json', 'Pod')).code, 400);
  t.is(refusal(() => parseBody(bytes('a: [1'), 'application/yaml', 'Pod')).code, 400);
  t.deepEqual(
    parseBody(bytes('a: 1\n---\nb: 1'), 'application/yaml', 'Pod').value,
    { a: 1 },
    'the first document counts',
  );
  t.is(parseBody(Uint8Array.of(34, 255, 34), 'application/json', 'Pod').value, '\ufffd');
  t.regex(
    refusal(() => parseBody(bytes('\ufeff{}'), 'application/json', 'Pod')).message,
    /invalid character 'ï' looking/,
  );
  t.is(refusal(() => parseBody(bytes('{}'), 'application/json; charset', 'Pod')).code, 415);
  t.is(
    refusal(() => parseBody(bytes('[0]: x\n? {a: b}\n: c'), 'application/yaml', 'Pod').value === 1 || decode([])).code,
    400,
  );
});

test('keys that would touch a prototype change nothing', (t) => {
  const { object } = decodeBody<any>(
    bytes('{"__proto__":{"x":1},"metadata":{"name":"a"},"constructor":{}}'),
    'application/json',
    POD,
    'Ignore',
  );
  t.is(object.x, undefined);
  t.is(({} as any).x, undefined);
  const error = refusal(() => decodeBody(bytes('{"metadata":{"labels":{"__proto__":"x"}}}'), 'application/json', POD));
  t.regex(error.message, /"__proto__" cannot be a key/);
});

test('repeated keys are found at any depth and through escapes, and strings do not confuse the scan', (t) => {
  t.deepEqual(parseJson('{"a":1,"b":[{"c":1,"c\\u0022":3,"c":2}],"a":"x\\\\"}').duplicates, ['b[0].c', 'a']);
  t.deepEqual(parseJson('{"a":"{\\"b\\":1,\\"b\\":2}","\\u0061":1}').duplicates, ['a']);
  t.deepEqual(parseJson('[{"a":1},{"a":1}]').duplicates, []);
});

test('property: JSON without repeated keys has none, and reads as JSON.parse reads it', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value, undefined, 1);
      const parsed = parseJson(text);
      return parsed.duplicates.length === 0 && JSON.stringify(parsed.value) === JSON.stringify(JSON.parse(text));
    }),
  );
  t.pass();
});

test('YAML reads as Kubernetes reads it: octal modes, yes, times as text, merges, repeated keys', (t) => {
  const [first, second, ...none] = parseYaml(
    'mode: 0644\nyes: yes\ntime: 12:34\nday: 2026-01-01\nport: "80"\n---\n# nothing\n---\nbase: &b {x: 1}\nall: {<<: *b, z: 2}\ntwice: 1\ntwice: 2\n',
  );
  t.deepEqual(first!.value, { mode: 420, true: true, time: '12:34', day: '2026-01-01', port: '80' });
  t.deepEqual(second, { value: { base: { x: 1 }, all: { x: 1, z: 2 }, twice: 2 }, duplicates: ['twice'] });
  t.deepEqual(none, []);
  t.throws(
    () =>
      parseYaml(
        'a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      ),
    { instanceOf: SyntaxError },
  );
  t.throws(() => parseYaml('['.repeat(100_000)), { instanceOf: SyntaxError });
});

test('texts of white space survive YAML', (t) => {
  for (const text of ['\n          \n', '  a\n b', '\t\n', 'a\n  \nb', ' ', '\n', 'a\n  b\n', 'a: b\n  # c\n'])
    t.is((parseYaml(toYaml({ text }))[0]!.value as { text: string }).text, text, JSON.stringify(text));
});

test('property: what toYaml writes, parseYaml reads', (t) => {
  const text = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('yes', '0644', '1:30', 'null', '~', '2026-01-01', '1e3', '- a', 'a: b', '', '0x1f', '.5', '1_000'),
  );
  const value = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 5 }).filter((key) => key !== '__proto__'),
    fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)),
    { minKeys: 1 },
  );
  fc.assert(
    fc.property(
      value,
      (object) => JSON.stringify(sorted(parseYaml(toYaml(object))[0]!.value)) === JSON.stringify(sorted(object)),
    ),
  );
  t.pass();
});

function sorted(value: any): any {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

test('property: canonical is idempotent, and never throws anything but its own error', (t) => {
  const junk = fc.jsonValue({ maxDepth: 3 });
  const pod = fc.record({
    metadata: fc.oneof(junk, fc.record({ name: fc.string(), labels: fc.dictionary(fc.string(), fc.string()) })),
    spec: fc.oneof(
      junk,
      fc.record({ containers: fc.array(fc.record({ name: fc.string(), image: junk, ports: junk })) }),
    ),
  });
  fc.assert(
    fc.property(pod, (value) => {
      try {
        const once = canonical('core.v1.Pod', value).value;
        return JSON.stringify(canonical('core.v1.Pod', once).value) === JSON.stringify(once);
      } catch (error) {
        return (error as Error).name === 'TypeMismatchError';
      }
    }),
    { numRuns: 1000 },
  );
  t.pass();
});
