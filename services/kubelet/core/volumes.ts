// Decides what each volume of a pod holds on the node: directories, files with their modes, tokens to be asked for. Never
// writes or mounts.
import { ownValue } from '../../../lib/base/records.ts';
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Volume,
  VolumeProjection,
} from '../../../lib/api/generated/types.ts';
import { quantityToNumber } from '../../../lib/api/quantity.ts';
import type { Sources } from './environment.ts';
import { fieldValue, resourceValue, type FieldSurroundings } from './fields.ts';
import { PodProblem } from './problem.ts';

export interface PlannedFile {
  path: string;
  mode: number;
  /** User that it belongs to; otherwise root. */
  owner?: number | undefined;
  data: Uint8Array;
}

export interface PlannedToken {
  path: string;
  mode: number;
  owner?: number | undefined;
  audience: string | undefined;
  expirationSeconds: number;
}

export type PlannedVolume =
  | { name: string; type: 'directory' }
  | { name: string; type: 'memory'; sizeBytes: number | undefined }
  | { name: string; type: 'files'; files: PlannedFile[]; tokens: PlannedToken[] }
  | { name: string; type: 'hostPath'; path: string; check: string };

const DEFAULT_MODE = 0o644;
/** Of a token whose reader is known. */
const PRIVATE_MODE = 0o600;
const LEAST_TOKEN_SECONDS = 600;

/** Throws PodProblem FailedMount. */
export function plannedVolumes(around: FieldSurroundings, sources: Sources): PlannedVolume[] {
  return (around.pod.spec.volumes ?? []).map((volume) => {
    try {
      return planOne(volume, around, sources);
    } catch (error) {
      throw new PodProblem(
        'FailedMount',
        `MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`,
      );
    }
  });
}

function planOne(volume: Volume, around: FieldSurroundings, sources: Sources): PlannedVolume {
  const { name, emptyDir, configMap, secret, projected, downwardAPI, hostPath } = volume;
  if (hostPath !== undefined) return { name, type: 'hostPath', path: hostPath.path, check: hostPath.type ?? '' };
  if (configMap !== undefined)
    return filesOf(
      name,
      configMapFiles(configMap.name, configMap.items, configMap.optional, configMap.defaultMode, sources),
    );
  if (secret !== undefined)
    return filesOf(name, secretFiles(secret.secretName, secret.items, secret.optional, secret.defaultMode, sources));
  if (downwardAPI !== undefined)
    return filesOf(name, downwardFiles(downwardAPI.items, downwardAPI.defaultMode, around));
  if (projected !== undefined)
    return projectedVolume(name, projected.sources ?? [], projected.defaultMode, around, sources);
  if (emptyDir === undefined && Object.keys(volume).length > 1)
    throw new Error(
      `volumes of type ${Object.keys(volume).find((key) => key !== 'name')} are not supported on this node`,
    );
  if (emptyDir?.medium !== 'Memory') return { name, type: 'directory' };
  return {
    name,
    type: 'memory',
    sizeBytes: emptyDir.sizeLimit === undefined ? undefined : quantityToNumber(emptyDir.sizeLimit),
  };
}

function filesOf(name: string, files: PlannedFile[], tokens: PlannedToken[] = []): PlannedVolume {
  return { name, type: 'files', files, tokens };
}

function projectedVolume(
  name: string,
  projections: VolumeProjection[],
  defaultMode: number | undefined,
  around: FieldSurroundings,
  sources: Sources,
): PlannedVolume {
  const files = projections.flatMap((source) => [
    ...(source.configMap === undefined
      ? []
      : configMapFiles(source.configMap.name, source.configMap.items, source.configMap.optional, defaultMode, sources)),
    ...(source.secret === undefined
      ? []
      : secretFiles(source.secret.name, source.secret.items, source.secret.optional, defaultMode, sources)),
    ...(source.downwardAPI === undefined ? [] : downwardFiles(source.downwardAPI.items, defaultMode, around)),
  ]);
  const owner = onlyUser(around.pod);
  const isPrivate = owner !== undefined || around.pod.spec.securityContext?.fsGroup !== undefined;
  const tokens = projections.flatMap(({ serviceAccountToken: token }) =>
    token === undefined
      ? []
      : [
          {
            path: token.path,
            mode: isPrivate ? PRIVATE_MODE : (defaultMode ?? DEFAULT_MODE),
            ...(owner === undefined ? {} : { owner }),
            audience: token.audience,
            expirationSeconds: Math.max(token.expirationSeconds ?? 3600, LEAST_TOKEN_SECONDS),
          },
        ],
  );
  return filesOf(name, files, tokens);
}

/** The user that all containers are run as, where the pod says so of each of them. */
function onlyUser({ spec }: Pod): number | undefined {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  const users = new Set(containers.map((one) => one.securityContext?.runAsUser ?? spec.securityContext?.runAsUser));
  return users.size === 1 ? [...users][0] : undefined;
}

function configMapFiles(
  name = '',
  items: KeyToPath[] | undefined,
  optional: boolean | undefined,
  mode: number | undefined,
  sources: Sources,
): PlannedFile[] {
  const found = ownValue(sources.configMaps, name);
  if (found === undefined) return missing(`configmap "${name}" not found`, optional);
  const encoder = new TextEncoder();
  const data = Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, encoder.encode(value)]));
  const binary = Object.fromEntries(
    Object.entries(found.binaryData ?? {}).map(([key, value]) => [key, Uint8Array.fromBase64(value)]),
  );
  return chosen({ ...data, ...binary }, items, optional, mode, `configmap references non-existent config key`);
}

function secretFiles(
  name = '',
  items: KeyToPath[] | undefined,
  optional: boolean | undefined,
  mode: number | undefined,
  sources: Sources,
): PlannedFile[] {
  const found = ownValue(sources.secrets, name);
  if (found === undefined) return missing(`secret "${name}" not found`, optional);
  const data = Object.fromEntries(
    Object.entries(found.data ?? {}).map(([key, value]) => [key, Uint8Array.fromBase64(value)]),
  );
  return chosen(data, items, optional, mode, 'references non-existent secret key');
}

function missing(why: string, optional: boolean | undefined): PlannedFile[] {
  if (optional !== true) throw new Error(why);
  return [];
}

function chosen(
  data: Record<string, Uint8Array>,
  items: KeyToPath[] | undefined,
  optional: boolean | undefined,
  defaultMode: number | undefined,
  otherwise: string,
): PlannedFile[] {
  const mode = defaultMode ?? DEFAULT_MODE;
  if (items === undefined || items.length === 0)
    return Object.entries(data).map(([path, bytes]) => ({ path, mode, data: bytes }));
  return items.flatMap((item) => {
    const bytes = ownValue(data, item.key);
    if (bytes === undefined) return missing(`${otherwise}: ${item.key}`, optional);
    return [{ path: insidePath(item.path), mode: item.mode ?? mode, data: bytes }];
  });
}

function downwardFiles(
  items: DownwardAPIVolumeFile[] | undefined,
  defaultMode: number | undefined,
  around: FieldSurroundings,
): PlannedFile[] {
  return (items ?? []).map((item) => {
    const text =
      item.fieldRef === undefined
        ? resourceValue(item.resourceFieldRef ?? { resource: '' }, '', around)
        : fieldValue(item.fieldRef, around);
    return {
      path: insidePath(item.path),
      mode: item.mode ?? defaultMode ?? DEFAULT_MODE,
      data: new TextEncoder().encode(text),
    };
  });
}

/** The API refuses such paths; here they would leave the volume. */
function insidePath(path: string): string {
  if (path.startsWith('/') || path.split('/').includes('..')) throw new Error(`path "${path}" leads out of the volume`);
  return path;
}

/** Which config maps and secrets the kubelet must know before the pod can start. */
export function neededSources(pod: Pod): { configMaps: string[]; secrets: string[] } {
  const configMaps = new Set<string | undefined>();
  const secrets = new Set<string | undefined>();
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    configMaps.add(configMap?.name);
    secrets.add(secret?.secretName);
    for (const source of projected?.sources ?? []) {
      configMaps.add(source.configMap?.name);
      secrets.add(source.secret?.name);
    }
  }
  for (const { env = [], envFrom = [] } of [
    ...(pod.spec.initContainers ?? []),
    ...pod.spec.containers,
    ...(pod.spec.ephemeralContainers ?? []),
  ]) {
    for (const { valueFrom } of env) {
      configMaps.add(valueFrom?.configMapKeyRef?.name);
      secrets.add(valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of envFrom) {
      configMaps.add(configMapRef?.name);
      secrets.add(secretRef?.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) secrets.add(name);
  const named = (names: Set<string | undefined>): string[] =>
    [...names].filter((name) => name !== undefined && name !== '') as string[];
  return { configMaps: named(configMaps), secrets: named(secrets) };
}
