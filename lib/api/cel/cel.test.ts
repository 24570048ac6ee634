// Shows that CEL means here what it means in Kubernetes: its own functions, its ints, its errors; and that nothing explodes.
import test from 'ava';
import { Authorizer, type AuthorizationQuestion } from './authorizer.ts';
import { CelError, celProblem, compileCel, noValue, someValue } from './cel.ts';
import { CelObject, jsonOf } from './constructed.ts';
import { celOf } from './values.ts';

const run = (expression: string, self: unknown = {}): unknown => compileCel(expression).run({ self: celOf(self) });

test('the library functions of Kubernetes', (t) => {
  const truths = [
    'quantity("1Gi").isGreaterThan(quantity("1G"))',
    'quantity("1500m").add(quantity("500m")) == quantity("2") && quantity("1k").sub(1).asInteger() == 999',
    'isQuantity("20Mi") && !isQuantity("20Mo")',
    '[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [3, 1].max() == 3',
    '[1, 2].isSorted() && ![2, 1].isSorted()',
    '["a", "b"].indexOf("b") == 1',
    '"abc-123".matches("^[a-z]+-[0-9]+$")',
    '"a1b22".findAll("[0-9]+") == ["1", "22"] && "a1".find("[0-9]") == "1"',
    'url("https://x.example:8443/a?b=1").getHost() == "x.example:8443"',
    'isIP("10.0.0.1") && ip("::1").family() == 6 && isCIDR("10.0.0.0/8")',
    'self.?n.value() <= 3 && optional.of(self.n).value() == 3',
    'sets.contains([1, 2, 3], [2]) && !sets.intersects([1], [2])',
    '"%s-%d".format(["a", 3]) == "a-3"',
    'self.n == 3 && self.f > 1.4',
    '"sets.contains(matches(" == "sets.contains(" + "matches("',
    '"x".replace("x", "y") == "y" && "a,b".split(",").size() == 2',
    // Characters are code points, letters those of ASCII.
    '"😀b😀".indexOf("b") == 1 && "😀b😀".lastIndexOf("😀") == 2 && "😀b".lastIndexOf("b", 0) == -1',
    '"😀bc".substring(1, 2) == "b" && "😀bc".substring(2) == "c" && "😀b".charAt(0) == "😀" && "b".charAt(1) == ""',
    '"ÄB".lowerAscii() == "Äb" && "ßa".upperAscii() == "ßA" && " \\ufeffa ".trim() == "\\ufeffa"',
    '"😀b".split("") == ["😀", "b"] && "a,b,c".split(",", 2) == ["a", "b,c"] && "a".split(",", 0) == []',
    '"ab".replace("", "x") == "xaxbx" && "ab".replace("", "x", 2) == "xaxb" && "aaa".replace("a", "bb", 2) == "bbbba"',
    '"abc".indexOf("", 7) == 7 && "abc".indexOf("c", 7) == -1 && "abc".lastIndexOf("") == 3',
    'self.?missing.orValue("none") == "none"',
    'has(self.n) && !has(self.missing)',
    'self.list.all(x, x > 0) && self.list.exists_one(x, x == 2)',
    'has(self.objects[0].a) && !has(self.objects[0].b) && has(self.?objects[?1].orValue({"c": 1}).c)',
  ];
  for (const truth of truths) t.is(run(truth, { n: 3, f: 1.5, list: [1, 2], objects: [{ a: 1 }] }), true, truth);
});

test('what does not compile is told, and what fails while it runs is a CelError', (t) => {
  t.regex(celProblem('self.')!, /Expected/);
  t.regex(celProblem('nobody > 1')!, /Unknown variable/);
  t.regex(celProblem('nothing(1)')!, /no matching overload/);
  t.is(celProblem('self.a > 1'), undefined);
  t.throws(() => run('self.missing > 1'), { instanceOf: CelError, message: /no such key/ });
  t.throws(() => run('"a".matches("(")'), { instanceOf: CelError });
  t.throws(() => run('"abc".substring(2, 1)'), { message: 'invalid substring range. start: 2, end: 1' });
  for (const call of ['substring(4)', 'substring(0, 4)', 'charAt(4)', 'charAt(-4)', 'indexOf("c", -4)'])
    t.throws(() => run(`"abc".${call}`), { instanceOf: CelError, message: /^index out of range: -?4$/ });
  t.throws(() => run('"".lastIndexOf("a")'), { message: 'index out of range: -1' });
  t.throws(() => run('self.indexOf(1)', 'a'), { message: 'no such overload' });
});

test('a key that every object of JavaScript answers to is one like others', (t) => {
  const self = { m: { constructor: 'x', b: 'y' }, k: { constructor: { name: 'Map' } }, o: { toString: 2 } };
  for (const truth of [
    'self.m.constructor == "x" && self.m["constructor"] == "x" && self.m.b == "y" && self.m.size() == 2',
    'self.m.all(key, key.size() > 0) && "constructor" in self.m && has(self.m.constructor)',
    'self.m.?constructor.orValue("") == "x" && self.m.exists(key, value, key == "b" && value == "y")',
    'self.k.constructor.name == "Map" && self.m == self.m && self.m != self.k && [self.k].indexOf(self.m) == -1',
    'self.o.toString == 2 && !has(self.o.valueOf) && !("valueOf" in self.m)',
  ])
    t.is(run(truth, self), true, truth);
});

test('a pattern that would explode elsewhere does not here', (t) => {
  t.is(run('self.text.matches("^(a+)+$")', { text: `${'a'.repeat(5000)}!` }), false);
});

test('an old value may be optional', (t) => {
  const program = compileCel('!oldSelf.hasValue() || oldSelf.value() <= self');
  t.is(program.run({ self: 3n, oldSelf: noValue() }), true);
  t.is(program.run({ self: 3n, oldSelf: someValue(4n) }), false);
});

test('objects are made, with fields that may be absent; each is of the type of its place', (t) => {
  const made = (text: string): unknown => {
    const value = run(text, { n: 3, yes: true, labels: { a: 'b' } });
    return jsonOf(value, value instanceof CelObject && value.typeName.startsWith('Object') ? 'Object' : undefined);
  };
  t.deepEqual(made('Object{spec: Object.spec{replicas: self.n + 1, paused: self.yes ? true : false}}'), {
    spec: { replicas: 4, paused: true },
  });
  t.deepEqual(made('Object{metadata: Object.metadata{ // why\n labels: {"x{": "}"}, ?annotations: self.?missing }}'), {
    metadata: { labels: { 'x{': '}' } },
  });
  t.deepEqual(made('Object{spec: Object.spec{list: [1, 2].map(x, Object.spec.list{name: string(x)})}}'), {
    spec: { list: [{ name: '1' }, { name: '2' }] },
  });
  t.deepEqual(made('[JSONPatch{op: "add", path: "/a/" + jsonpatch.escapeKey("x/y~z"), value: {"k": [1]}}]'), [
    { op: 'add', path: '/a/x~1y~0z', value: { k: [1] } },
  ]);
  t.deepEqual(made('Object{}'), {});
  t.throws(() => made('Object{spec: Object.status{}}'), { instanceOf: CelError, message: /type mismatch/ });
  t.is(run('self.Object', { Object: 1 }), 1n);
});

test('what would go on or grow without end is stopped, and says so', (t) => {
  const list = Array.from({ length: 100 }, (_, i) => i);
  const endless = [
    'self.all(a, self.all(b, self.all(c, self.all(d, true))))',
    `[[1, 2]]${'.map(x, x + x)'.repeat(40)}.size() > 0`,
    'self.map(a, self.map(b, self.filter(c, c > a))).size() > 0',
    `"a"${'.replace("a", "aa")'.repeat(40)} == ""`,
    '"a".matches("((x{900}){1}y{900})z".replace("z", "z{900}")) || "b".matches("(x{1000}y{1000})".replace("y", "y{1000}(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})(x{1000}y{1000})"))',
  ];
  for (const expression of endless)
    t.throws(() => run(expression, list), { instanceOf: CelError }, expression.slice(0, 80));
  const text = 'x'.repeat(100_000);
  t.throws(() => run('self.matches(".*x{500}")', text), { instanceOf: CelError, message: /too long for this pattern/ });
  t.is(run('self.filter(x, x % 2 == 0).map(x, x * 2).exists_one(x, x == 4)', list), true);
  t.is(run('self.all(x, self.exists(y, x == y))', list), true);
  t.is(run('{"a": 1, "b": 2}.map(k, k).size() == 2 && [1, 2].map(x, x > 1, x + 1) == [3]'), true);
});

test('an expression may ask who may do what', (t) => {
  const asked: AuthorizationQuestion[] = [];
  const authorizer = new Authorizer(
    (question) => {
      asked.push(question);
      if (question.verb === 'broken') throw new Error('out of reach');
      return { allowed: question.verb === 'get', reason: `for ${question.serviceAccount?.name ?? 'the asker'}` };
    },
    { group: 'apps', resource: 'deployments', namespace: 'x', name: 'web' },
  );
  const say = (expression: string): unknown => compileCel(expression).run({ authorizer });
  t.true(
    say(
      'authorizer.group("apps").resource("deployments").subresource("scale").namespace("x").name("web").check("get").allowed()',
    ),
  );
  t.like(asked.at(-1), { group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'x', name: 'web' });
  t.false(say('authorizer.path("/healthz").check("put").allowed()'));
  t.like(asked.at(-1), { path: '/healthz', verb: 'put', resource: '' });
  t.is(say('authorizer.serviceAccount("x", "robot").path("/a").check("get").reason()'), 'for robot');
  t.true(say('authorizer.requestResource.check("get").allowed()'));
  t.like(asked.at(-1), { group: 'apps', resource: 'deployments', namespace: 'x', name: 'web', verb: 'get' });
  const broken = 'authorizer.group("").resource("pods").fieldSelector("spec.nodeName=a").check("broken")';
  t.true(say(`${broken}.errored() && !${broken}.allowed()`));
  t.true(say(`${broken}.error() == "out of reach"`));
  t.throws(() => say(`${broken}.errored() && ${broken}.errored() && ${broken}.errored()`), {
    message: 'operation cancelled: actual cost limit exceeded',
  });
  t.is(asked.at(-1)!.fieldSelector, 'spec.nodeName=a');
  t.throws(() => say('authorizer.path("").check("get").allowed()'), { message: 'path must not be empty' });
  t.throws(() => say('authorizer.serviceAccount("x", "no/name").path("/").check("get").allowed()'), {
    message: 'Invalid service account name',
  });
  t.regex(celProblem('authorizer.allowed()')!, /no matching overload for 'kubernetes.authorization.Authorizer.allowed/);
  t.regex(celProblem('authorizer.group("").check("get")')!, /no matching overload/);
});
