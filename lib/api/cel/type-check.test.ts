// Shows what the checker of types finds, in cel-go's words and at its places, and that it finds nothing in what is right.
import test from 'ava';
import { TypeChecker } from './type-check.ts';
import { declareBuiltIn, declareCustom, type TypeDeclarations } from './types.ts';

function deployment(): TypeChecker {
  const types: TypeDeclarations = new Map();
  const object = declareBuiltIn('apps.v1.Deployment', types);
  const checker = new TypeChecker(types, { object, oldObject: object });
  checker.declare('name', '"x"');
  checker.declare('broken', 'object.nope');
  checker.declare('twice', 'variables.name + variables.name');
  return checker;
}

const PICTURES: ReadonlyArray<[expression: string, picture: string]> = [
  ['object.replicas > 1', `1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^`],
  [
    "object.spec.replicas > '1'",
    `1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^`,
  ],
  ["true &&\n  object.foo == 'x'", `2:9: undefined field 'foo'\n |   object.foo == 'x'\n | ........^`],
];

const TOLD: ReadonlyArray<[expression: string, told: string]> = [
  ['has(object.spec.text)', "1:16: undefined field 'text'"],
  ["object.spec.template.spec.containers.all(c, c.imag == 'x')", "1:46: undefined field 'imag'"],
  ['object.spec.replicas.foo', "1:21: type 'int' does not support field selection"],
  ['nobody.x == 1', "1:1: undeclared reference to 'nobody' (in container '')"],
  ['size(object.spec.replicas) > 1', "1:5: found no matching overload for 'size' applied to '(int)'"],
  [
    "object.spec.replicas.startsWith('x')",
    "1:32: found no matching overload for 'startsWith' applied to 'int.(string)'",
  ],
  ["object.spec.replicas in ['a']", "1:22: found no matching overload for '@in' applied to '(int, list(string))'"],
  ['!object.spec.replicas', "1:1: found no matching overload for '!_' applied to '(int)'"],
  ['variables.twice == object.spec.replicas', "1:17: found no matching overload for '_==_' applied to '(string, int)'"],
  ['variables.nope', "1:10: undefined field 'nope'"],
  [
    'authorizer.allowed()',
    "1:19: found no matching overload for 'allowed' applied to 'kubernetes.authorization.Authorizer.()'",
  ],
];

test('what is wrong is told where it is', (t) => {
  const checker = deployment();
  for (const [expression, picture] of PICTURES) t.is(checker.problem(expression), `ERROR: <input>:${picture}`);
  for (const [expression, told] of TOLD)
    t.is(checker.problem(expression)?.split('\n')[0], `ERROR: <input>:${told}`, expression);
});

test('everything that is wrong is told, in its order', (t) => {
  const expression = 'size(object.spec.replicas) > 1 && object.nope && object.spec.replicas.all(c, c.x > zz)';
  const all = deployment().problem(expression) ?? '';
  t.deepEqual(
    all.split('\n').filter((line) => line.startsWith('ERROR')),
    [
      "ERROR: <input>:1:5: found no matching overload for 'size' applied to '(int)'",
      "ERROR: <input>:1:41: undefined field 'nope'",
      "ERROR: <input>:1:61: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
      "ERROR: <input>:1:84: undeclared reference to 'zz' (in container '')",
    ],
  );
  t.is(all.split('\n').length, 3 * 4);
});

test('nothing is wrong with what is right', (t) => {
  const checker = deployment();
  for (const expression of [
    'object.spec.replicas > 1 && oldObject != null && object.spec.selector != null',
    'has(object.spec.replicas) && has(object.metadata.labels.a)',
    'object.spec.template.spec.containers.exists(c, has(c.securityContext) && c.securityContext.privileged == true)',
    "object.spec.template.spec.containers.all(c, quantity(c.resources.limits['cpu']).isLessThan(quantity('1')))",
    'object.spec.?foo.orValue(1) > 2',
    "sets.contains(['a'], object.metadata.finalizers) && object.metadata.name.matches('^a')",
    "object.metadata.finalizers.indexOf('a') + object.metadata.name.lastIndexOf('a') > 0",
    'variables.broken == 3',
    "authorizer.group('').resource('endpoints').check('create').allowed()",
    'object.spec.template.spec.containers[0].ports[0].containerPort > 80',
  ])
    t.is(checker.problem(expression), undefined, expression);
});

test('the types of a custom resource are those of its schema', (t) => {
  const types: TypeDeclarations = new Map();
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          size: { type: 'integer' },
          port: { 'x-kubernetes-int-or-string': true },
          tags: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    },
  };
  const checker = new TypeChecker(types, { object: declareCustom('x.io.v1.Widget', schema, types) });
  for (const fine of [
    'object.spec.size > 1',
    "object.spec.port == 'http' || object.spec.port == 80",
    "object.spec.tags['a'].exists(tag, tag.startsWith('b'))",
    'object.spec.free.anything.goes',
    "object.metadata.name == 'x' && object.kind == 'Widget'",
  ])
    t.is(checker.problem(fine), undefined, fine);
  t.regex(checker.problem('object.spec.weight > 1')!, /undefined field 'weight'/);
  t.regex(checker.problem("object.spec.tags['a'] == 'b'")!, /applied to '\(list\(string\), string\)'/);
});

test('a group with a dash is one like others', (t) => {
  const types: TypeDeclarations = new Map();
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { 'max-size': { type: 'integer' } } } },
  };
  const checker = new TypeChecker(types, { object: declareCustom('my-team.io.v1.Widget', schema, types) });
  t.is(checker.problem('object.spec.max__dash__size > 1 && object != null'), undefined);
  t.regex(checker.problem("object.spec.max__dash__size > '1'")!, /applied to '\(int, string\)'/);
});

const UNREADABLE: ReadonlyArray<[expression: string, message: string]> = [
  ['self = 42', '1:6: Syntax error: Unexpected character: ='],
  ['a b', "1:3: Syntax error: Unexpected character: 'b'"],
  ['self ==', `1:8: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-',`],
  ['self.a(', `1:8: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-',`],
  ['[1,2', "1:5: Syntax error: mismatched input '<EOF>' expecting {']', ','}"],
];

test('what cannot be read is told once, as a syntax error', (t) => {
  const checker = new TypeChecker(new Map(), { self: 'dyn' });
  for (const [expression, message] of UNREADABLE) {
    const problem = checker.problem(expression)!;
    t.true(problem.startsWith(`ERROR: <input>:${message}`), problem);
    t.is(problem.split('ERROR').length, 2, expression);
  }
});
