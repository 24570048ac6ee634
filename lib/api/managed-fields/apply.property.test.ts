// Server-side apply of configurations of any shape: what must hold whatever is applied.
import test from 'ava';
import fc from '../../../test/kit/fast-check.ts';
import { canonical } from '../canonical.ts';
import type { KubeObject } from '../object.ts';
import { compare } from './compare.ts';
import { fieldsOf, fieldsOfValue } from './fields-of.ts';
import { difference, intersection, isEmpty, pathsOf, union, type Fields } from './fields.ts';
import { merge } from './merge.ts';
import { mergeRuleOf } from './merge-rule.ts';
import { DEPLOYMENT, LATER, apply, content, deploymentConfig, named, printAll, write } from './testdata/kit.ts';
import { ownableRule } from './subresource.ts';

const TYPE = DEPLOYMENT.typeName;
const RULE = mergeRuleOf(TYPE);
const OWNABLE = ownableRule(TYPE, '');
const fieldsIn = (config: object): Fields => fieldsOfValue(OWNABLE, named(DEPLOYMENT, config));
const fieldsBy = (object: KubeObject, manager: string): Fields =>
  (object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1 ?? {}) as Fields;
const applied = (object: KubeObject | undefined, manager: string, config: object, force = false): KubeObject => {
  const { object: after, conflicts } = apply(DEPLOYMENT, object, manager, config, { force });
  if (conflicts.length > 0) throw new Error(JSON.stringify(conflicts));
  return after;
};
/** Applying it to the object's content would change nothing. */
const holds = (object: KubeObject, config: object): boolean => {
  const merged = canonical(TYPE, merge(RULE, content(object), named(DEPLOYMENT, config))).value;
  const { changed, removed } = compare(RULE, content(object), merged);
  return isEmpty(changed) && isEmpty(removed);
};
const one = (value: object): object => named(DEPLOYMENT, value);

test('an apply to nothing holds the configuration, and its manager owns exactly that', (t) => {
  fc.assert(
    fc.property(deploymentConfig, (config) => {
      const object = applied(undefined, 'm', config);
      t.true(holds(object, config));
      t.deepEqual(printAll(fieldsBy(object, 'm')), printAll(fieldsIn(config)));
    }),
  );
});

test('applying twice changes nothing, whoever else is there', (t) => {
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, deploymentConfig, (other, update, config) => {
      const first = applied(undefined, 'other', other);
      const updated = write(DEPLOYMENT, first, 'u', merge(RULE, content(first), one(update)) as object);
      const once = applied(updated, 'm', config, true);
      const twice = apply(DEPLOYMENT, once, 'm', config, { now: LATER });
      t.deepEqual(twice.conflicts, []);
      t.deepEqual(twice.object, once);
    }),
  );
});

test('managers without a field in common never conflict, and the object holds both', (t) => {
  let disjoint = 0;
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, (a, b) => {
      const first = applied(undefined, 'a', a);
      const { object, conflicts } = apply(DEPLOYMENT, first, 'b', b);
      const common = intersection(fieldsIn(a), fieldsIn(b));
      for (const { path } of conflicts) t.true(pathsOf(common).some((each) => each.join() === path.join()));
      if (!isEmpty(common)) return;
      disjoint++;
      t.deepEqual(conflicts, []);
      t.true(holds(object, a) && holds(object, b));
      t.deepEqual(printAll(fieldsBy(object, 'a')), printAll(fieldsIn(a)));
    }),
    { numRuns: 400 },
  );
  t.true(disjoint > 20, `only ${disjoint} pairs were disjoint`);
});

test('without force an apply is refused exactly when it would change what another owns', (t) => {
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, (a, b) => {
      const first = applied(undefined, 'a', a);
      const { conflicts } = apply(DEPLOYMENT, first, 'b', b);
      const forced = applied(first, 'b', b, true);
      const { changed } = compare(RULE, content(first), content(forced));
      const taken = pathsOf(intersection(intersection(fieldsIn(a), fieldsIn(b)), changed)).map((path) => path.join());
      t.deepEqual(conflicts.map(({ path }) => path.join()).toSorted(), taken.toSorted());
    }),
  );
});

test('force takes ownership: the object holds what was forced, and nobody owns a field with another value', (t) => {
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, (a, b) => {
      const first = applied(undefined, 'a', a);
      const forced = applied(first, 'b', b, true);
      t.true(holds(forced, b));
      t.deepEqual(printAll(fieldsBy(forced, 'b')), printAll(fieldsIn(b)));
      const { changed } = compare(RULE, content(first), content(forced));
      t.true(isEmpty(intersection(fieldsBy(forced, 'a'), changed)));
      t.deepEqual(printAll(fieldsBy(forced, 'a')), printAll(difference(fieldsIn(a), changed)));
      const again = apply(DEPLOYMENT, forced, 'a', a);
      const lost = printAll(difference(fieldsIn(a), fieldsBy(forced, 'a')));
      t.deepEqual(printAll(difference(fieldsIn(a), fieldsBy(forced, 'a'))), lost);
      t.true(again.conflicts.length <= lost.length);
    }),
  );
});

test('what the only manager applies last is all that there is, whatever it applied before', (t) => {
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, (before, config) => {
      const after = applied(applied(undefined, 'm', before), 'm', config);
      t.deepEqual(after, applied(undefined, 'm', config));
    }),
    { numRuns: 300 },
  );
});

test('a manager that applies nothing more leaves what others hold', (t) => {
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, (a, b) => {
      const both = applied(applied(undefined, 'a', a), 'b', b, true);
      const left = applied(both, 'a', {});
      t.true(holds(left, b));
      t.deepEqual(left.metadata.managedFields?.map(({ manager }) => manager) ?? [], isEmpty(fieldsIn(b)) ? [] : ['b']);
      t.deepEqual(
        printAll(fieldsOf(TYPE, content(left))),
        printAll(fieldsOf(TYPE, content(applied(undefined, 'b', b)))),
      );
    }),
    { numRuns: 300 },
  );
});

test('an update owns what it changed, and leaves the others what it did not', (t) => {
  fc.assert(
    fc.property(deploymentConfig, deploymentConfig, (a, b) => {
      // Where nobody owns anything, nothing is tracked.
      fc.pre(!isEmpty(fieldsIn(a)));
      const before = applied(undefined, 'a', a);
      const after = write(DEPLOYMENT, before, 'u', b);
      const { changed, removed } = compare(OWNABLE, content(before), content(after));
      t.deepEqual(printAll(fieldsBy(after, 'u')), printAll(changed));
      t.deepEqual(printAll(fieldsBy(after, 'a')), printAll(difference(difference(fieldsIn(a), changed), removed)));
      const { changed: none, removed: neither } = compare(RULE, content(after), content(after));
      t.true(isEmpty(none) && isEmpty(neither));
    }),
  );
});

test('whatever was applied and updated, by whomever, the owners together own all that was set', (t) => {
  // An empty container is no field of its own here (README: where it is not upstream to the letter).
  const full = deploymentConfig.filter((config) => !/\{\}|\[\]/.test(JSON.stringify(config)));
  fc.assert(
    fc.property(full, full, full, full, (a, update, b, c) => {
      // Where nobody owns anything, nothing is tracked.
      fc.pre(!isEmpty(fieldsIn(a)));
      const first = applied(undefined, 'a', a);
      const updated = write(DEPLOYMENT, first, 'u', merge(RULE, content(first), one(update)) as object);
      const object = applied(applied(updated, 'b', b, true), 'c', c, true);
      const all = (object.metadata.managedFields ?? []).map((entry) => entry.fieldsV1 as Fields);
      const { changed } = compare(OWNABLE, content(first), content(updated));
      const set = [fieldsIn(a), changed, fieldsIn(b), fieldsIn(c)].reduce(union);
      const nobodys = difference(set, all.reduce(union, {}));
      t.deepEqual(pathsOf(nobodys), []);
    }),
  );
});
