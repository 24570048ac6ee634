// Requests about what the functions of CEL give: each rule fails and says in its message what came of an expression, or why nothing did.
import type { Case } from '../area.ts';

const THINGS = '/apis/functions.example.com/v1/things';

const SELF = {
  type: 'object',
  properties: {
    no: { type: 'boolean' },
    t: { type: 'string', maxLength: 20 },
    e: { type: 'string', maxLength: 20 },
    l: { type: 'array', maxItems: 9, items: { type: 'string', maxLength: 9 } },
    n: { type: 'array', maxItems: 9, items: { type: 'integer' } },
    m: { type: 'object', maxProperties: 9, additionalProperties: { type: 'string', maxLength: 9 } },
  },
};
const VALUE = { no: false, t: 'abcabc', e: '😀b😀ß', l: ['b', 'a', 'b'], n: [1, 2, 3], m: { a: 'x', b: 'y' } };

/** What is asked of them at once: texts of CEL; of what fails there is a reason instead. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  places: [
    ...['"c"', '"c", 3', '"c", 99', '"", 99', '"c", -1'].map((sought) => `string(self.t.indexOf(${sought}))`),
    ...['"c"', '"c", 4', '"c", 99', '"", 99', '"c", -1'].map((sought) => `string(self.t.lastIndexOf(${sought}))`),
    ...['e.indexOf("b")', 'e.indexOf("😀", 1)', 'e.lastIndexOf("😀")', 'e.size()'].map(
      (call) => `string(self.${call})`,
    ),
    'string("".lastIndexOf(self.t))',
    ...['0', '3', '4', '5', '-1'].map((at) => `self.e.charAt(${at})`),
    ...['1, 3', '3', '4', '5', '3, 2', '0, 5', '-1, 2'].map((range) => `self.e.substring(${range})`),
  ],
  parts: [
    ...['e.split("")[2]', 't.split("b")[1]', 't.split("b", 2)[1]', 't.split("", 3)[2]'].map((call) => `self.${call}`),
    ...['self.t.split("b", 0)', '"".split("")', '"".split(",")'].map((call) => `string(${call}.size())`),
    ...['"", "-"', '"", "-", 2', '"", "-", 99', '"b", "", 1', '"b", "bb", 0'].map((by) => `self.t.replace(${by})`),
    'self.e.replace("", "-")',
    'self.e.replace("😀", "")',
    '"".replace("", self.t)',
    'self.e.upperAscii()',
    '"ÄB".lowerAscii()',
    '" \\t\\n\\u00a0\\u0085a\\u3000 ".trim()',
    '"\\ufeff a\\ufeff".trim()',
    'self.l.join()',
    'self.l.join(", ")',
    'strings.quote(self.e)',
    String.raw`strings.quote("a\"b\\")`,
  ],
  lists: [
    ...['indexOf("b")', 'lastIndexOf("b")', 'indexOf("c")', 'isSorted()'].map((call) => `string(self.l.${call})`),
    ...['sum()', 'min()', 'max()', 'isSorted()'].map((call) => `string(self.n.${call})`),
    'string(self.l.all(i, v, i < 3 && v != ""))',
    'string(self.m.exists(k, v, k == "b" && v == "y"))',
    'self.l.transformList(i, v, v)[1]',
    'self.m.transformMap(k, v, k == "a", v)["a"]',
    'string(self.n.filter(x, x > 2).sum())',
    'string(self.n.map(x, x > 1, x * 2).sum())',
    'string(self.n.filter(x, x > 3).min())',
  ],
  patterns: [
    'self.t.find("[bc]+")',
    'self.t.find("x")',
    'self.t.findAll("[bc]+")[1]',
    'string(self.t.findAll("[bc]+", 1).size())',
    'string(self.t.matches("^(abc)+$"))',
    'string(self.e.matches("^.b.ß$"))',
    ...['s', 'x', 'X'].map((verb) => `"%${verb}".format([self.t])`),
    ...['%d %b %o %x %X %e %f %.2f %%'].map(
      (format) => `"${format}".format([42, 5, 8, 255, 255, 12345.678, 1.5, 1.005])`,
    ),
    '"%.0f %.0f %.2f %.1f %.3e".format([2.5, 3.5, 0.125, 1e22, 0.00012])',
    '"%s %b %x".format([duration("90m"), true, b"a"])',
    '"%s".format([[1.5, 1, null, timestamp("2026-01-01T00:00:00.5Z"), duration("1.5s"), b"x", {"b": [true], "a": 1.0}]])',
    'string(1234567.5)',
    'string(0.00001)',
    'string(100000.5)',
    'string(b"a")',
    'string(-0.0)',
    'string(7u)',
    '"[%f][%f][%f][%e][%.1f][%.20e]".format(["Infinity", "NaN", "-Infinity", "NaN", "NaN", 1.5])',
    '"%.3e %.8e %.0e %e %.3e".format([1234.56789, 1.23456789123, 9.5, 123456789.5, 99999.9])',
    'string(1e21)',
    '"%s %s %s %s".format([self.l, self.m, true, 1.0])',
  ],
  addresses: [
    ...['"::ffff:1"', '"FE80::1"', 'self.t', '"1.2.3.04"'].map((address) => `string(ip(${address}))`),
    'string(ip("fe80::1").isLinkLocalUnicast())',
    'string(ip.isCanonical("::01"))',
    ...['"10.1.2.3/8"', 'self.t', '"1.2.3.4/33"'].map((block) => `string(cidr(${block}).masked())`),
    'string(cidr("10.0.0.0/8").containsIP("10.9.9.9"))',
    'string(cidr("10.0.0.0/8").containsCIDR("10.0.0.0/16"))',
    'string(cidr("10.0.0.0/8").prefixLength())',
    ...['getHost', 'getHostname', 'getPort', 'getEscapedPath', 'getScheme'].map(
      (part) => `url("https://host.example:8443/a%20b?x=1").${part}()`,
    ),
    'url("https://[::1]:80/").getHostname()',
    ...[
      'HTTP://Example.com:80',
      'http://u:p@h/%41é?a+b',
      '/a b?x',
      'mailto:a@b',
      'http://[::1%25eth0]:8/x',
      'a://b?c#d',
    ].flatMap((text) =>
      ['getScheme', 'getHost', 'getPort', 'getEscapedPath'].map((part) => `url("${text}").${part}()`),
    ),
    ...[
      '',
      'http://h:x/',
      'http://[::1',
      'http://a b/',
      '/%zz',
      ':a',
      'http://%41/',
      'http://u@@h/',
      '1a://b',
      'x',
    ].map((text) => `url("${text}").getHost()`),
    'url("/a?k=1&k=%202&l=%zz&m;n=3&o").getQuery()["k"][1]',
    'string(url("/a?k=1&k=2&l=%zz&m;n=3&o").getQuery().size())',
    'string(url("http://a/b") == url("http://a/b"))',
    'string(isURL("http://a/b") && isURL("/b") && !isURL("b"))',
    'string(format.uri().validate("http://h:x/").value()[0])',
    'url(self.t).getHost()',
    'format.dns1123Label().validate("A_").value()[0]',
    'string(format.named("dns1123Label").hasValue())',
    'string(format.named("nothing").hasValue())',
  ],
  quantities: [
    ...['"1.5Gi"', '"50k"', '"1m"', 'self.t'].map((text) => `string(quantity(${text}).asInteger())`),
    ...['"50k"', '"1m"', '"1000m"', '"1.0"', '"1e3"', '"1.5k"', '"12345678901Ki"', '"9E"', '"10E"', '"0.0"'].map(
      (text) => `string(quantity(${text}).isInteger())`,
    ),
    'string(quantity("1500m").add(quantity("500m")).isInteger())',
    'string(quantity("1m").add(quantity("0")).sub(quantity("1m")).isInteger())',
    'string(quantity("1.5").add(quantity("1Gi")).isInteger())',
    'string(quantity("1m").asApproximateFloat())',
    'string(quantity("1").add(quantity("1k")).asInteger())',
    'string(quantity("1k").sub(1).compareTo(quantity("999")))',
    'string(duration("90m"))',
    'string(duration("1h30m10.5s").getMinutes())',
    'string(timestamp("2026-11-23T01:02:03.5Z"))',
    'string(timestamp("2026-11-23T01:02:03Z").getDayOfWeek())',
    'string(timestamp("2026-11-23T01:02:03Z").getHours("+02:00"))',
  ],
};

const names = Object.keys(ASKED);

export const cases: readonly Case[] = [
  {
    name: 'the definition',
    m: 'POST',
    p: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    b: {
      metadata: { name: 'things.functions.example.com' },
      spec: {
        group: 'functions.example.com',
        scope: 'Cluster',
        names: { plural: 'things', kind: 'Thing' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: Object.fromEntries(
                  Object.entries(ASKED).map(([name, asked]) => [
                    name,
                    {
                      ...SELF,
                      'x-kubernetes-validations': asked.map((text) => ({
                        rule: `self.no || ${text} == "?"`,
                        messageExpression: text,
                      })),
                    },
                  ]),
                ),
              },
            },
          },
        ],
      },
    },
  },
  { name: 'served', p: `${THINGS}/none`, until: ({ body }) => body?.details?.name === 'none' },
  ...names.map((name) => ({
    name,
    m: 'POST',
    p: THINGS,
    b: { apiVersion: 'functions.example.com/v1', kind: 'Thing', metadata: { name }, [name]: VALUE },
  })),
];
