// Shows that the borders of the house hold: who may import whom, and that cores touch no clock, chance, disk or process.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROOMS = ['lib', 'raft', 'runtime-shims', 'services', 'launcher', 'cli', 'chaos'];
/** Order of lib's folders: one imports only those above it. */
const LIB_ORDER = ['base', 'api', 'exec', 'bus', 'http', 'streams', 'actor', 'client', 'reconcile'];
/** Type-only imports may look down the list: a shape costs nothing at run time. */
const PURE = [
  /^services\/[^/]+\/(core|plugins|controllers)\//,
  /^raft\/core\//,
  /^lib\/(api|base)\//,
  /^launcher\/core\//,
  /^chaos\/core\//,
  /^launcher\/network\/(plan|choose|cidr|steps)\.ts$/,
  /^lib\/bus\/packed\.ts$/,
];
/** Pure as well, though they live beside edges. */
const PURE_MAY_IMPORT = [...PURE, /^lib\/reconcile\/controller\.ts$/, /^lib\/bus\/(subjects|messages)\.ts$/];
const PURE_PACKAGES = new Set([
  'xstate',
  'yaml',
  'dns-packet',
  '@peculiar/asn1-csr',
  '@peculiar/asn1-schema',
  '@peculiar/asn1-x509',
  '@marcbachmann/cel-js',
  're2js',
  'node:assert',
]);
const FORBIDDEN_IN_CORE = [
  /\bDate\.now\(/,
  /\bMath\.random\(/,
  /\bset(Timeout|Interval|Immediate)\(/,
  /\bperformance\./,
  /\bprocess\./,
  /\bawait\b/,
  /\bnew Date\(\)/,
  /\bfetch\(/,
];
/** One place imports each of these. */
const HOMES: Array<[string, RegExp]> = [
  ['nats', /^lib\/bus\/(nats|nkeys|lean-transport)\.ts$/],
  ['execa', /^lib\/exec\//],
  ['pino', /^lib\/actor\/log\.ts$/],
  ['@marcbachmann/cel-js', /^lib\/api\/cel\//],
  ['re2js', /^lib\/api\/cel\//],
  ['msgpackr', /^(lib\/bus\/codec\.ts|raft\/|services\/store\/)/],
];

interface Import {
  file: string;
  target: string;
  typeOnly: boolean;
}

const isTest = (file: string): boolean => /\.test\.ts$|\/testdata\/|\/conformance\//.test(file);
const files = ROOMS.flatMap((room) =>
  readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated/') && !name.includes('node_modules'))
    .map((name) => `${room}/${name}`),
).filter((file) => !isTest(file));

const textOf = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  for (const match of textOf
    .get(file)!
    .matchAll(/^(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\sfrom\s+)?['"]([^'"\s]+)['"];/gm)) {
    const spec = match[3]!;
    const target = spec.startsWith('.') ? normalize(join(dirname(file), spec)) : spec;
    found.push({ file, target, typeOnly: match[2] !== undefined });
  }
  for (const match of textOf.get(file)!.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    const spec = match[1]!;
    found.push({ file, target: spec.startsWith('.') ? normalize(join(dirname(file), spec)) : spec, typeOnly: true });
  }
  return found;
}

const imports = files.flatMap(importsOf);
const room = (path: string): string => path.split('/')[0]!;
const isOwn = (target: string): boolean => ROOMS.includes(room(target));
const told = (list: Import[]): string[] => list.map(({ file, target }) => `${file} → ${target}`);

test('actors meet on subjects, never in imports', (t) => {
  const wrong = imports.filter(
    ({ file, target }) =>
      room(file) === 'services' &&
      file !== 'services/index.ts' &&
      room(target) === 'services' &&
      file.split('/')[1] !== target.split('/')[1],
  );
  t.deepEqual(told(wrong), []);
});

test('only the store knows raft, only the kubelet knows runtime shims', (t) => {
  const wrong = imports.filter(
    ({ file, target }) =>
      (room(target) === 'raft' &&
        room(file) !== 'raft' &&
        !file.startsWith('services/store/') &&
        !file.startsWith('test/')) ||
      (room(target) === 'runtime-shims' && room(file) !== 'runtime-shims' && !file.startsWith('services/kubelet/')),
  );
  t.deepEqual(told(wrong), []);
});

test('services import lib and their own room; lib imports nothing outside lib', (t) => {
  const wrong = imports.filter(({ file, target }) => {
    if (!isOwn(target)) return false;
    if (room(file) === 'lib') return room(target) !== 'lib';
    if (room(file) === 'raft') return room(target) !== 'lib' && room(target) !== 'raft';
    return room(file) === 'services' && (room(target) === 'cli' || room(target) === 'launcher');
  });
  t.deepEqual(told(wrong), []);
});

test("lib's folders import only those above them", (t) => {
  const rank = (path: string): number => LIB_ORDER.indexOf(path.split('/')[1]!);
  const wrong = imports.filter(
    ({ file, target, typeOnly }) =>
      room(file) === 'lib' && room(target) === 'lib' && !typeOnly && rank(target) > rank(file),
  );
  t.deepEqual(told(wrong), []);
});

test('cores import only cores, lib/base, lib/api and types', (t) => {
  const wrong = imports.filter(({ file, target, typeOnly }) => {
    if (!PURE.some((pure) => pure.test(file)) || file.endsWith('generate-types.ts') || typeOnly) return false;
    return isOwn(target) ? !PURE_MAY_IMPORT.some((pure) => pure.test(target)) : !PURE_PACKAGES.has(target);
  });
  t.deepEqual(told(wrong), []);
});

test('cores touch no clock, chance, timer, process, and never wait', (t) => {
  const wrong: string[] = [];
  for (const file of files) {
    if (!PURE.some((pure) => pure.test(file)) || file.endsWith('generate-types.ts')) continue;
    for (const [i, line] of textOf.get(file)!.split('\n').entries()) {
      const code = line
        .replace(/\/\/.*$/, '')
        .replace(/\/\*.*?\*\//, '')
        .replace(/^\s*\*.*$/, '')
        .replace(/(['"`]).*?\1/g, "''");
      if (FORBIDDEN_IN_CORE.some((pattern) => pattern.test(code))) wrong.push(`${file}:${i + 1} ${line.trim()}`);
    }
  }
  t.deepEqual(wrong, []);
});

test('each wrapped library has one home', (t) => {
  for (const [name, home] of HOMES)
    t.deepEqual(
      told(imports.filter(({ file, target, typeOnly }) => target === name && !typeOnly && !home.test(file))),
      [],
      name,
    );
});

test('every file opens with what it decides or does, and what it never does', (t) => {
  const wrong = files.filter((file) => !/^(#!.*\n)?(\/\/.*\n|\/\*\*?[\s\S]*?\*\/\n)/.test(textOf.get(file)!));
  t.deepEqual(wrong, []);
});
