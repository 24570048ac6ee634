// Shows that a configuration survives its encoding, that bytes that are none are recognised, and that cutting the log undoes.
import test from 'ava';
import fc from '../../test/kit/fast-check.ts';
import {
  configurationAt,
  decodeConfiguration,
  encodeConfiguration,
  enterJoint,
  isJoint,
  leaveJoint,
  popConfigurations,
  pruneConfigurations,
  pushConfiguration,
  simpleConfiguration,
  whyInvalid,
  type ConfigurationAt,
} from './configuration.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });

test('a configuration survives its encoding', (t) => {
  fc.assert(
    fc.property(names, names, (voters, learners) => {
      const configuration = simpleConfiguration(voters, learners);
      t.deepEqual(decodeConfiguration(encodeConfiguration(configuration)), configuration);
    }),
  );
});

test('bytes that are no configuration are refused, not thrown', (t) => {
  fc.assert(fc.property(fc.uint8Array(), (data) => decodeConfiguration(data) === undefined));
  for (const value of [
    null,
    1,
    [],
    { voters: ['a'] },
    { voters: ['b', 'a'], outgoing: [], learners: [] },
    { voters: ['a', 'a'], outgoing: [], learners: [] },
  ]) {
    t.is(decodeConfiguration(new TextEncoder().encode(JSON.stringify(value))), undefined);
  }
});

test('a change goes through a joint configuration and out of it', (t) => {
  fc.assert(
    fc.property(names, names, (before, after) => {
      const joint = enterJoint(simpleConfiguration(before), simpleConfiguration(after));
      t.true(isJoint(joint));
      t.deepEqual(leaveJoint(joint), simpleConfiguration(after));
    }),
  );
  t.throws(() => leaveJoint(simpleConfiguration(['a'])));
});

test('what can never be a configuration is named', (t) => {
  t.is(whyInvalid(simpleConfiguration(['a', 'b'], ['c'])), '');
  t.regex(whyInvalid(simpleConfiguration([])), /at least one voter/);
  t.regex(whyInvalid(simpleConfiguration(['a', ''])), /needs a name/);
  t.regex(whyInvalid(simpleConfiguration(['a'], ['a'])), /a cannot be a voter and a learner/);
});

test('the stack always answers as if the log were read from its beginning', (t) => {
  const actions = fc.array(fc.record({ cut: fc.boolean(), at: fc.nat(12), voters: names }), { maxLength: 20 });
  fc.assert(
    fc.property(actions, (list) => {
      const first = { index: 0, configuration: simpleConfiguration(['first']) };
      const stack: ConfigurationAt[] = [first];
      let naive: ConfigurationAt[] = [first];
      for (const { cut, at, voters } of list) {
        if (cut && at > 0) {
          const changed = popConfigurations(stack, at);
          const kept = naive.filter((each) => each.index < at);
          t.is(changed, kept.length !== naive.length);
          naive = kept;
        } else {
          const index = naive.at(-1)!.index + 1 + at;
          const configuration = simpleConfiguration(voters);
          pushConfiguration(stack, { index, term: 1, kind: 'configuration', data: encodeConfiguration(configuration) });
          naive.push({ index, configuration });
        }
      }
      const last = naive.at(-1)!.index;
      for (let index = 0; index <= last + 1; index++) {
        t.deepEqual(
          configurationAt(stack, index),
          naive.findLast((each) => each.index <= index)!,
        );
      }
      const middle = Math.floor(last / 2);
      const inForce = configurationAt(stack, middle);
      pruneConfigurations(stack, middle);
      t.deepEqual(stack[0], inForce);
      t.deepEqual(stack.at(-1), naive.at(-1));
    }),
  );
});
