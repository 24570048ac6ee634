// Shows that the comparer tells a difference of every sort, planted into answers of a real server; and of what a server chooses
// by itself only that it is there, of one form, and the same wherever the other's is.
import test from 'ava';
import { readArea, readRecorded, type Answer } from './area.ts';
import { Comparer } from './compare.ts';
import { renewed } from './older/renewed.ts';

const recorded = readRecorded(await readArea('release-1.20'));
const answer = (name: string): Answer => renewed(...twice(recorded.find((one) => one.name === name)!));
const twice = (real: Answer): [Answer, Answer] => [real, real];

type Plant = (ours: any) => void;

function differences(name: string, plant: Plant): string[] {
  const real = answer(name);
  const ours = structuredClone(real);
  plant(ours);
  return new Comparer().compare(real, ours);
}

const REFUSED = 'deploy invalid: no containers + bad name';
const SERVICE = 'svc nodeport';

const PLANTED: Array<[what: string, name: string, plant: Plant, path: string]> = [
  ['code', REFUSED, (ours) => (ours.code = 400), 'code'],
  ['reason', REFUSED, ({ body }) => (body.reason = 'BadRequest'), '/reason'],
  ['message', REFUSED, ({ body }) => (body.message += '.'), '/message'],
  ['a cause', REFUSED, ({ body }) => (body.details.causes[0].field = 'spec'), '/details/causes/0/field'],
  ['a cause is missing', REFUSED, ({ body }) => body.details.causes.pop(), '/details/causes/'],
  ['the order of causes', REFUSED, ({ body }) => body.details.causes.reverse(), '/details/causes/0/'],
  ['a field more', SERVICE, ({ body }) => (body.spec.planted = false), '/spec/planted'],
  ['a field less', SERVICE, ({ body }) => delete body.spec.sessionAffinity, '/spec/sessionAffinity'],
  ['the shape of a value', SERVICE, ({ body }) => (body.spec.ports = { ...body.spec.ports }), '/spec/ports'],
  ['the type of a value', SERVICE, ({ body }) => (body.spec.ports[0].port = '80'), '/spec/ports/0/port'],
  ['a port is not chosen', SERVICE, ({ body }) => delete body.spec.ports[0].nodePort, '/spec/ports/0/nodePort'],
  ['an address more', SERVICE, ({ body }) => body.spec.clusterIPs.push('10.0.0.1'), '/spec/clusterIPs/1'],
  ['a uid that is none', SERVICE, ({ body }) => (body.metadata.uid = 'x'), '/metadata/uid'],
  ['a time of another form', SERVICE, ({ body }) => (body.metadata.creationTimestamp = 'now'), '/metadata/creation'],
  ['a header', SERVICE, ({ headers }) => (headers['content-type'] = 'text/plain'), 'header content-type'],
  ['a header more', SERVICE, ({ headers }) => (headers['planted'] = 'x'), 'header planted'],
  ['a body that is no JSON', 'unknown group', (ours) => (ours.text = '404'), ': "404 page not found'],
];

for (const [what, name, plant, path] of PLANTED)
  test(`told: ${what}`, (t) => {
    t.deepEqual(
      differences(name, () => {}),
      [],
    );
    const told = differences(name, plant);
    t.true(
      told.some((each) => each.startsWith(path)),
      JSON.stringify(told),
    );
  });

test('what a server chooses by itself is not told', (t) => {
  const told = differences(SERVICE, ({ body: { metadata, spec } }) => {
    metadata.uid = '00000000-0000-4000-8000-000000000000';
    metadata.resourceVersion = '7';
    metadata.creationTimestamp = '2001-01-01T00:00:00Z';
    spec.clusterIP = '10.0.0.1';
    spec.clusterIPs = ['10.0.0.1'];
    spec.ports[0].nodePort = 30_001;
  });
  t.deepEqual(told, []);
});

test('told: a write that the other server did not make', (t) => {
  const [first, second] = [answer('cm create'), answer('cm put without rv')];
  const comparer = new Comparer();
  t.deepEqual(comparer.compare(first, first), []);
  const unchanged = structuredClone(second);
  unchanged.body.metadata.resourceVersion = first.body.metadata.resourceVersion;
  t.deepEqual(comparer.compare(second, unchanged), ['/metadata/resourceVersion: one was changed since, the other not']);
});
