// Shows in which order a pod's violations are told, and which of them restricted tells in its own words instead.
import test from 'ava';
import { violationsOf } from './pod-security-standards.ts';

test('what breaks baseline is told before what breaks restricted alone', (t) => {
  const spec = {
    hostNetwork: true,
    volumes: [{ name: 'v', hostPath: { path: '/' } }],
    containers: [{ name: 'c', securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN'] } } }],
  };
  const firstWords = (level: 'baseline' | 'restricted'): string[] =>
    violationsOf(level, {}, spec).map((told) => told.replace(/ \(.*$/, ''));
  t.deepEqual(firstWords('baseline'), [
    'non-default capabilities',
    'host namespaces',
    'hostPath volumes',
    'privileged',
  ]);
  t.deepEqual(firstWords('restricted'), [
    'host namespaces',
    'privileged',
    'allowPrivilegeEscalation != false',
    'unrestricted capabilities',
    'restricted volume types',
    'runAsNonRoot != true',
    'seccompProfile',
  ]);
});

test('who sets what is forbidden is named', (t) => {
  const bad = { seLinuxOptions: { type: 'x', user: 'u' }, appArmorProfile: { type: 'Unconfined' } };
  const metadata = { annotations: { 'container.apparmor.security.beta.kubernetes.io/b': 'unconfined' } };
  const spec = { securityContext: bad, containers: [{ name: 'a', securityContext: bad }, { name: 'b' }] };
  t.deepEqual(violationsOf('baseline', metadata, spec), [
    'forbidden AppArmor profiles (pod and container "a" and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/b=\\"unconfined\\"")',
    'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "x"; user may not be set)',
  ]);
});
