// Asks how long what failed must wait, and when probes are due and what their answers come to.
import fc from '../../../test/kit/fast-check.ts';
import test from 'ava';
import { afterFailure, afterRestart, restartDueInMs, shownReason, shownReasonChangesInMs } from './backoff.ts';
import { durationText } from './container-status.ts';
import {
  countAnswer,
  fatalProbe,
  hasStarted,
  isReady,
  probeDueInMs,
  UNPROBED,
  type ProbeOutcome,
} from './probe-machine.ts';
import { lifecycleAfter, type Lifecycle, type PodFacts } from './pod-machine.ts';
import { containerNamed, NOW } from './test-pods.ts';

test('restarts wait 0, 10, 20, 40 … 300 s, and are forgiven after ten minutes of running', (t) => {
  const waits: number[] = [];
  let backoff: Parameters<typeof restartDueInMs>[0];
  let now = NOW;
  for (let i = 0; i < 8; i++) {
    const waitMs = restartDueInMs(backoff, now, now);
    waits.push(waitMs / 1000);
    const finishedAt = now;
    now += waitMs;
    backoff = afterRestart(backoff, finishedAt, now);
  }
  t.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
  t.is(restartDueInMs(backoff, now + 600_001, now + 600_001), 0);
  t.is(afterRestart(backoff, now + 600_001, now + 600_001).delayMs, 10_000);
});

test('a restart is never due later than five minutes after the end', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000), { maxLength: 30 }), (runs) => {
      let backoff: Parameters<typeof restartDueInMs>[0];
      let now = NOW;
      for (const ranMs of runs) {
        now += ranMs;
        const waitMs = restartDueInMs(backoff, now, now);
        if (waitMs > 300_000 || waitMs < 0) return false;
        backoff = afterRestart(backoff, now, (now += waitMs));
      }
      return true;
    }),
  );
  t.pass();
});

test('failures: pulls wait 10 s doubling to 5 min, a runtime that is away half a second', (t) => {
  const waits = (reason: string): number[] => {
    let failure: ReturnType<typeof afterFailure> | undefined;
    return Array.from({ length: 7 }, () => (failure = afterFailure(failure, reason, '', NOW)).retryAtMs - NOW);
  };
  t.deepEqual(waits('ErrImagePull'), [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  t.deepEqual(waits('Unavailable'), [500, 1000, 2000, 4000, 5000, 5000, 5000]);
});

test('a failed pull is shown as such for a second, then as waited for', (t) => {
  const failure = afterFailure(undefined, 'ErrImagePull', 'no', NOW);
  t.is(shownReason(failure, NOW + 999), 'ErrImagePull');
  t.is(shownReasonChangesInMs(failure, NOW + 400), 600);
  t.is(shownReason(failure, NOW + 1000), 'ImagePullBackOff');
  t.is(
    shownReason(afterFailure(undefined, 'CreateContainerConfigError', '', NOW), NOW + 5000),
    'CreateContainerConfigError',
  );
});

test('durations as Go writes them', (t) => {
  t.deepEqual([10_000, 40_000, 160_000, 300_000].map(durationText), ['10s', '40s', '2m40s', '5m0s']);
});

const probe = {
  exec: { command: ['x'] },
  initialDelaySeconds: 5,
  periodSeconds: 10,
  successThreshold: 2,
  failureThreshold: 3,
};

test('a result turns only after as many like answers in a row as its threshold says', (t) => {
  const results = (answers: ProbeOutcome[]): string[] => {
    let state = UNPROBED;
    return answers.map((answer) => (state = countAnswer(state, probe, answer, NOW)).result);
  };
  t.deepEqual(results(['success', 'success']), ['unknown', 'success']);
  t.deepEqual(results(['success', 'failure', 'success', 'success']), ['unknown', 'unknown', 'unknown', 'success']);
  t.deepEqual(results(['failure', 'failure', 'failure', 'success', 'success']), [
    'unknown',
    'unknown',
    'failure',
    'failure',
    'success',
  ]);
});

test('the first probe after its delay, then one a period; the startup probe holds the others back', (t) => {
  const container = containerNamed('main', { livenessProbe: probe });
  t.is(probeDueInMs(container, 'liveness', {}, NOW, NOW + 1000), 4000);
  t.is(probeDueInMs(container, 'liveness', {}, NOW, NOW + 9000), 0);
  t.is(probeDueInMs(container, 'liveness', { liveness: { ...UNPROBED, lastAtMs: NOW + 5000 } }, NOW, NOW + 9000), 6000);
  t.is(probeDueInMs(container, 'readiness', {}, NOW, NOW), undefined);
  const gated = containerNamed('main', { livenessProbe: probe, startupProbe: probe });
  t.is(probeDueInMs(gated, 'liveness', {}, NOW, NOW + 9000), undefined);
  t.is(probeDueInMs(gated, 'startup', {}, NOW, NOW + 9000), 0);
  const started = { startup: { result: 'success' as const, streak: 1 } };
  t.is(probeDueInMs(gated, 'liveness', started, NOW, NOW + 9000), 0);
  t.is(probeDueInMs(gated, 'startup', started, NOW, NOW + 9000), undefined);
});

test('ready and started', (t) => {
  const failed = { result: 'failure' as const, streak: 3 };
  const good = { result: 'success' as const, streak: 1 };
  t.true(isReady(containerNamed('main'), {}));
  const container = containerNamed('main', { readinessProbe: probe, startupProbe: probe, livenessProbe: probe });
  t.false(hasStarted(container, {}));
  t.false(isReady(container, { startup: good }));
  t.true(isReady(container, { startup: good, readiness: good }));
  t.false(isReady(container, { readiness: good }));
  t.is(fatalProbe(container, { startup: failed }), 'startup');
  t.is(fatalProbe(container, { startup: good, liveness: failed }), 'liveness');
  t.is(fatalProbe(container, { startup: good, readiness: failed }), undefined);
});

const facts: PodFacts = {
  mustStop: false,
  sandboxReady: false,
  initDone: false,
  isAlive: false,
  holdsResources: true,
  isReleased: false,
  hasRecords: true,
};

test('a pod that is found running is so at the first look', (t) => {
  t.is(lifecycleAfter(undefined, { ...facts, sandboxReady: true, initDone: true, isAlive: true }), 'running');
  t.is(lifecycleAfter(undefined, facts), 'preparing');
  t.is(lifecycleAfter('running', { ...facts, mustStop: true, isAlive: true }), 'terminating');
  t.is(lifecycleAfter('terminating', { ...facts, mustStop: true, holdsResources: false }), 'ended');
});

test('whoever must stop never comes back to life, and looking twice changes nothing', (t) => {
  const flags = fc.record({
    mustStop: fc.boolean(),
    sandboxReady: fc.boolean(),
    initDone: fc.boolean(),
    isAlive: fc.boolean(),
    holdsResources: fc.boolean(),
    isReleased: fc.boolean(),
    hasRecords: fc.boolean(),
  });
  const ending = new Set<Lifecycle>(['terminating', 'cleaning', 'ended', 'gone']);
  fc.assert(
    fc.property(fc.array(flags, { maxLength: 10 }), (looks) => {
      let lifecycle: Lifecycle | undefined;
      for (const look of looks) {
        const next = lifecycleAfter(lifecycle, look);
        if (lifecycle !== undefined && ending.has(lifecycle) && !ending.has(next)) return false;
        if (lifecycleAfter(next, look) !== next) return false;
        if (look.mustStop && !ending.has(next)) return false;
        lifecycle = next;
      }
      return true;
    }),
  );
  t.pass();
});
