import test from 'ava';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList } from './discovery.ts';
import { KINDS } from './kind.ts';
import { openApiIndex, openApiV2, openApiV3 } from './openapi.ts';

test('discovery: old and aggregated tell the same resources', (t) => {
  const core: any = apiResourceList(KINDS, '', 'v1');
  const pods = core.resources.find((resource: any) => resource.name === 'pods');
  t.deepEqual([pods.kind, pods.shortNames, pods.categories, pods.namespaced], ['Pod', ['po'], ['all'], true]);
  const eviction = core.resources.find((resource: any) => resource.name === 'pods/eviction');
  t.deepEqual([eviction.group, eviction.version, eviction.kind], ['policy', 'v1', 'Eviction']);
  const aggregated: any = aggregatedDiscovery(KINDS, '/api', 'v2');
  const names = core.resources.map((resource: any) => resource.name).toSorted();
  const same = aggregated.items[0].versions[0].resources.flatMap((resource: any) => [
    resource.resource,
    ...(resource.subresources ?? []).map((sub: any) => `${resource.resource}/${sub.subresource}`),
  ]);
  t.deepEqual(same.toSorted(), names);
  const groups: any = apiGroupList(KINDS);
  t.false(groups.groups.some((group: any) => group.name === ''));
  t.is((apiGroup(KINDS, 'autoscaling') as any).preferredVersion.version, 'v2');
  t.is(apiGroup(KINDS, 'nope'), undefined);
  t.is(apiResourceList(KINDS, 'apps', 'v9'), undefined);
});

test('OpenAPI: every reference is there, PATCH carries what kubectl looks for, lists carry their merge keys', (t) => {
  const apps: any = openApiV3(KINDS, 'apps', 'v1', 'v1.36.0');
  const text = JSON.stringify(apps);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    t.truthy(apps.components.schemas[name!], name);
  const patch = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'].patch;
  t.deepEqual(patch['x-kubernetes-group-version-kind'], { group: 'apps', version: 'v1', kind: 'Deployment' });
  t.true(patch.parameters.some((parameter: any) => parameter.name === 'fieldValidation' && parameter.in === 'query'));
  const containers = apps.components.schemas['io.k8s.api.core.v1.PodSpec'].properties.containers;
  t.is(containers['x-kubernetes-patch-merge-key'], 'name');
  t.deepEqual(apps.components.schemas['io.k8s.api.apps.v1.Deployment']['x-kubernetes-group-version-kind'], [
    { group: 'apps', version: 'v1', kind: 'Deployment' },
  ]);
  const v2: any = openApiV2(KINDS, 'v1.36.0');
  for (const [, name] of JSON.stringify(v2).matchAll(/"#\/definitions\/([^"]+)"/g))
    t.truthy(v2.definitions[name!], name);
  t.is(openApiIndex(KINDS, () => 'H')['paths']['apis/apps/v1'].serverRelativeURL, '/openapi/v3/apis/apps/v1?hash=H');
  t.is(openApiV3(KINDS, 'nope', 'v1', ''), undefined);
});
