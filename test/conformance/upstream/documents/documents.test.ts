// Shows that discovery and OpenAPI tell what a real kube-apiserver 1.33 tells, resource by resource, definition by definition and
// path by path, and names why the others differ: a match that is lost fails, and so does a difference that is gone but still listed.
import test from 'ava';
import { readFileSync } from 'node:fs';
import { startApi } from '../../../kit/api-server.ts';
import { TOKENS } from '../peer.ts';
import { collect } from './collect.ts';
import type { Digest } from './digest.ts';

const ofDefinitions = (names: string, why: string): Array<[string, string]> =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => [name, why]);

/** By the name of a definition, in v2 and v3 alike, or of a resource. */
const DIFFERS = new Map<string, string>([
  ['apiextensions.k8s.io/v1 customresourcedefinitions', 'stored there as v1beta1 still'],
  ['networking.k8s.io/v1 ipaddresses', 'stored there as v1beta1 still'],
  ['networking.k8s.io/v1 servicecidrs', 'stored there as v1beta1 still'],
  ...ofDefinitions(
    `
  io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition
  io.k8s.api.batch.v1.JobSpec
  io.k8s.api.core.v1.ClusterTrustBundleProjection
  io.k8s.api.core.v1.ConfigMapVolumeSource
  io.k8s.api.core.v1.Container
  io.k8s.api.core.v1.DownwardAPIVolumeFile
  io.k8s.api.core.v1.DownwardAPIVolumeSource
  io.k8s.api.core.v1.EmptyDirVolumeSource
  io.k8s.api.core.v1.EnvVarSource
  io.k8s.api.core.v1.EphemeralContainer
  io.k8s.api.core.v1.GRPCAction
  io.k8s.api.core.v1.HTTPGetAction
  io.k8s.api.core.v1.KeyToPath
  io.k8s.api.core.v1.NodeSpec
  io.k8s.api.core.v1.NodeStatus
  io.k8s.api.core.v1.PersistentVolumeClaimStatus
  io.k8s.api.core.v1.PodSpec
  io.k8s.api.core.v1.PodStatus
  io.k8s.api.core.v1.ProjectedVolumeSource
  io.k8s.api.core.v1.ResourceHealth
  io.k8s.api.core.v1.SecretVolumeSource
  io.k8s.api.core.v1.ServiceAccountTokenProjection
  io.k8s.api.core.v1.VolumeMount
  io.k8s.api.core.v1.VolumeMountStatus
  io.k8s.api.core.v1.VolumeProjection
  io.k8s.api.storage.v1.CSIDriverSpec
  io.k8s.api.storage.v1.CSINode
  io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition
  io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus
  io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta
    `,
    'has fields that came after 1.33',
  ),
  ...ofDefinitions(
    `
  io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding
  io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec
  io.k8s.api.authentication.v1.TokenRequest
  io.k8s.api.authentication.v1.TokenRequestSpec
  io.k8s.api.authentication.v1.TokenRequestStatus
  io.k8s.api.authentication.v1.TokenReviewSpec
  io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler
  io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler
  io.k8s.api.batch.v1.CronJob
  io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern
  io.k8s.api.discovery.v1.EndpointSlice
  io.k8s.api.networking.v1.IPAddress
  io.k8s.api.networking.v1.NetworkPolicySpec
  io.k8s.api.policy.v1.PodDisruptionBudgetStatus
  io.k8s.api.rbac.v1.RoleRef
  io.k8s.api.scheduling.v1.PriorityClass
    `,
    'other fields are declared as always there since 1.33',
  ),
  ...ofDefinitions(
    `
  io.k8s.api.apps.v1.StatefulSetUpdateStrategy
  io.k8s.api.core.v1.Toleration
    `,
    'has values that came after 1.33',
  ),
  ...ofDefinitions(
    `
  io.k8s.api.autoscaling.v1.ScaleSpec
  io.k8s.api.certificates.v1.CertificateSigningRequestSpec
  io.k8s.api.certificates.v1.CertificateSigningRequestStatus
  io.k8s.apimachinery.pkg.apis.meta.v1.Status
    `,
    'upstream calls bytes and a single object a list that is replaced whole, and the default of replicas is not told',
  ),
]);

const wordsOf = (part: string): string => part.replace(/^v[23] /, '');

test('discovery and OpenAPI are those of a real server', async (t) => {
  const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as Digest;
  const api = await startApi({ settings: { tokenFile: TOKENS } });
  t.teardown(() => api.stop());
  const ours = await collect(api);
  const differing = Object.keys(recorded).filter((part) => ours[part] !== recorded[part]);
  t.deepEqual(
    differing.filter((part) => !DIFFERS.has(wordsOf(part))),
    [],
    'parts that matched, or should',
  );
  const gone = [...DIFFERS.keys()].filter((name) => !differing.some((part) => wordsOf(part) === name));
  t.deepEqual(gone, [], 'listed as different, but they match now');
  t.log(`${Object.keys(recorded).length - differing.length} of ${Object.keys(recorded).length} parts match`);
});
