// Decides whether a source of a volume may stand, for pods and PersistentVolumes alike: what must be named, paths, ranges.
// Never knows whether what it names exists, nor who else names it.
import { forbidden, invalidValue, notSupported, required, tooLong, type FieldError } from '../field-error.ts';
import { dns1123Label, dns1123Subdomain, longerThan, type Format } from '../formats.ts';
import type { Volume } from '../generated/types.ts';

/** A source by the name of its field; `path` ends with that name. */
export type SourceRule = (source: any, path: string) => FieldError[];

const HOST_PATH_TYPES = 'BlockDevice CharDevice Directory DirectoryOrCreate File FileOrCreate Socket'.split(' ');
const CACHING_MODES = ['None', 'ReadOnly', 'ReadWrite'];
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared'];
const MANAGED = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const BLOB = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
const TARGETS: ReadonlyArray<[prefix: string, format: RegExp]> = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([0-9A-Za-z.-]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[0-9A-Za-z]{16}$/],
  ['naa', /^naa.[0-9A-Za-z]{32}$/],
];

/** Each of the fields must be there. */
export const needs =
  (...fields: string[]): SourceRule =>
  (source, path) =>
    fields.flatMap((field) =>
      source[field] === undefined || source[field] === '' || source[field].length === 0
        ? [required(`${path}.${field}`)]
        : [],
    );

/** No part of the path climbs out. */
export function withoutBacksteps(value: string, path: string): FieldError[] {
  return value.split('/').includes('..') ? [invalidValue(path, value, "must not contain '..'")] : [];
}

/** A path inside something: relative, and it does not climb out. */
export function localPath(value: string | undefined, path: string): FieldError[] {
  if (value === undefined || value === '') return [];
  const errors = value.startsWith('/') ? [invalidValue(path, value, 'must be a relative path')] : [];
  return [...errors, ...withoutBacksteps(value, path)];
}

/** The same where names that begin with two dots are the kubelet's own. */
export function localUnreservedPath(value: string | undefined, path: string): FieldError[] {
  const errors = localPath(value, path);
  if (value?.startsWith('..') === true && !value.startsWith('../'))
    errors.push(invalidValue(path, value, "must not start with '..'"));
  return errors;
}

function inRange(
  value: number | undefined,
  [low, high]: [number, number],
  path: string,
  told = `${low}`,
): FieldError[] {
  if (value === undefined || (value >= low && value <= high)) return [];
  return [invalidValue(path, value, `must be between ${told} and ${high}, inclusive`)];
}

const hostPath: SourceRule = ({ path: at = '', type }, path) => {
  if (at === '') return [required(`${path}.path`)];
  const isKnown = type === undefined || type === '' || HOST_PATH_TYPES.includes(type);
  const wrong = isKnown ? [] : [notSupported(`${path}.type`, type, ['', ...HOST_PATH_TYPES])];
  return [...withoutBacksteps(at, `${path}.path`), ...wrong];
};

function targetName(name: string, path: string): FieldError[] {
  const format = TARGETS.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (format === undefined) return [invalidValue(path, name, 'must be valid format starting with iqn, eui, or naa')];
  return format.test(name) ? [] : [invalidValue(path, name, 'must be valid format')];
}

const iscsi: SourceRule = (source, path) => {
  const { iqn = '', lun, discoveryCHAPAuth, sessionCHAPAuth, secretRef, initiatorName } = source;
  const errors = needs('targetPortal')(source, path);
  errors.push(...(iqn === '' ? [required(`${path}.iqn`)] : targetName(iqn, `${path}.iqn`)));
  errors.push(...inRange(lun, [0, 255], `${path}.lun`));
  if ((discoveryCHAPAuth === true || sessionCHAPAuth === true) && secretRef === undefined)
    errors.push(required(`${path}.secretRef`));
  if (initiatorName !== undefined) errors.push(...targetName(initiatorName, `${path}.initiatorname`));
  return errors;
};

const fc: SourceRule = ({ targetWWNs = [], wwids = [], lun }, path) => {
  const errors: FieldError[] = [];
  const at = `${path}.targetWWNs`;
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'));
  if (targetWWNs.length > 0 && wwids.length > 0)
    errors.push(invalidValue(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  if (targetWWNs.length === 0) return errors;
  if (lun === undefined) return [...errors, required(`${path}.lun`, 'lun is required if targetWWNs is specified')];
  return [...errors, ...inRange(lun, [0, 255], `${path}.lun`)];
};

/** A disk of a cloud, with the number of a partition. */
const partitioned =
  (field: string): SourceRule =>
  (source, path) => [
    ...needs(field)(source, path),
    // Zero is none, though the text says otherwise.
    ...inRange(source.partition, [0, 255], `${path}.partition`, '1'),
  ];

const nfs: SourceRule = (source, path) => {
  const errors = needs('server', 'path')(source, path);
  const isAbsolute = (source.path ?? '').startsWith('/');
  return isAbsolute ? errors : [...errors, invalidValue(`${path}.path`, source.path ?? '', 'must be an absolute path')];
};

const PAIRS = 'must be a host:port pair or multiple pairs separated by commas';
const HOST_AND_PORT = /^([^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/;

const quobyte: SourceRule = (source, path) => {
  const { registry = '', tenant = '' } = source;
  const errors: FieldError[] = [];
  if (registry === '') errors.push(required(`${path}.registry`, PAIRS));
  else if (longerThan([tenant], 64))
    errors.push(required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'));
  else
    for (const pair of registry.split(','))
      if (!HOST_AND_PORT.test(pair)) errors.push(invalidValue(`${path}.registry`, registry, PAIRS));
  return [...errors, ...needs('volume')(source, path)];
};

const flocker: SourceRule = ({ datasetName = '', datasetUUID = '' }, path) => {
  const errors: FieldError[] = [];
  if (datasetName === '' && datasetUUID === '')
    errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName !== '' && datasetUUID !== '')
    errors.push(invalidValue(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  if (datasetName.includes('/')) errors.push(invalidValue(`${path}.datasetName`, datasetName, "must not contain '/'"));
  return errors;
};

const flexVolume: SourceRule = (source, path) => {
  const errors = needs('driver')(source, path);
  for (const key of Object.keys(source.options ?? {}))
    if (/\.(kubernetes|k8s)\.io$/i.test(`.${key.split('/')[0]}`))
      errors.push(invalidValue(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'));
  return errors;
};

const azureDisk: SourceRule = (source, path) => {
  const { cachingMode, kind, diskURI = '' } = source;
  const errors = needs('diskName', 'diskURI')(source, path);
  if (cachingMode !== undefined && !CACHING_MODES.includes(cachingMode))
    errors.push(notSupported(`${path}.cachingMode`, cachingMode, CACHING_MODES));
  if (kind !== undefined && !DISK_KINDS.includes(kind)) errors.push(notSupported(`${path}.kind`, kind, DISK_KINDS));
  const [prefix, told] = kind === 'Managed' ? ['/subscriptions/', MANAGED] : ['https://', BLOB];
  if (kind !== undefined && !diskURI.startsWith(prefix)) errors.push(notSupported(`${path}.diskURI`, diskURI, [told]));
  return errors;
};

const secretName =
  (...fields: string[]): SourceRule =>
  ({ secretRef }, path) =>
    secretRef === undefined ? [] : needs(...fields)(secretRef, `${path}.secretRef`);

const storageos =
  (...fields: string[]): SourceRule =>
  (source, path) => {
    const { volumeName = '', volumeNamespace = '' } = source;
    const label = (value: string, field: string): FieldError[] =>
      dns1123Label(value).map((told) => invalidValue(`${path}.${field}`, value, told));
    return [
      ...(volumeName === '' ? [required(`${path}.volumeName`)] : label(volumeName, 'volumeName')),
      ...(volumeNamespace === '' ? [] : label(volumeNamespace, 'volumeNamespace')),
      ...secretName(...fields)(source, path),
    ];
  };

export function driverName(driver: string, path: string): FieldError[] {
  const errors = driver === '' ? [required(path)] : [];
  if (driver.length > 63) errors.push(tooLong(path, 63));
  return [...errors, ...dns1123Subdomain(driver.toLowerCase()).map((told) => invalidValue(path, driver, told))];
}

const csi: SourceRule = ({ driver = '', nodePublishSecretRef }, path) => {
  const errors = driverName(driver, `${path}.driver`);
  const name = nodePublishSecretRef?.name ?? '';
  if (nodePublishSecretRef === undefined) return errors;
  if (name === '') return [...errors, required(`${path}.nodePublishSecretRef.name`)];
  return [...errors, ...dns1123Subdomain(name).map((told) => invalidValue(`${path}.name`, name, told))];
};

const both =
  (...rules: SourceRule[]): SourceRule =>
  (source, path) =>
    rules.flatMap((rule) => rule(source, path));

/** Sources that pods and PersistentVolumes name alike, in the order in which the real server looks at a pod's. */
export const SOURCES: Partial<Record<keyof Volume, SourceRule>> = {
  hostPath,
  gitRepo: both(needs('repository'), ({ directory }, path) => localPath(directory, `${path}.directory`)),
  gcePersistentDisk: (source, path) =>
    partitioned('pdName')(source, path.replace(/gcePersistentDisk$/, 'persistentDisk')),
  awsElasticBlockStore: partitioned('volumeID'),
  nfs,
  iscsi,
  glusterfs: needs('endpoints', 'path'),
  flocker,
  persistentVolumeClaim: needs('claimName'),
  rbd: needs('monitors', 'image'),
  cinder: both(needs('volumeID'), secretName('name')),
  cephfs: needs('monitors'),
  quobyte,
  fc,
  flexVolume,
  azureFile: needs('secretName', 'shareName'),
  vsphereVolume: needs('volumePath'),
  photonPersistentDisk: needs('pdID'),
  portworxVolume: needs('volumeID'),
  azureDisk,
  storageos: storageos('name'),
  scaleIO: needs('gateway', 'system', 'volumeName'),
  csi,
};

const secretReference = (source: any, path: string): FieldError[] => {
  if (source === undefined) return [];
  const named = (field: string, format: Format): FieldError[] =>
    source[field]
      ? format(source[field]).map((told) => invalidValue(`${path}.${field}`, source[field], told))
      : [required(`${path}.${field}`)];
  return [...named('name', dns1123Subdomain), ...named('namespace', dns1123Label)];
};

const persistentCsi: SourceRule = (source, path) => [
  ...driverName(source.driver ?? '', `${path}.driver`),
  ...needs('volumeHandle')(source, path),
  ...['controllerPublish', 'controllerExpand', 'nodePublish', 'nodeExpand'].flatMap((use) =>
    secretReference(source[`${use}SecretRef`], `${path}.${use}SecretRef`),
  ),
];

const persistentGlusterfs: SourceRule = ({ endpointsNamespace }, path) => {
  const at = `${path}.endpointsNamespace`;
  if (endpointsNamespace === undefined) return [];
  if (endpointsNamespace !== '')
    return dns1123Label(endpointsNamespace).map((told) => invalidValue(at, endpointsNamespace, told));
  return [invalidValue(at, '', 'if the endpointnamespace is set, it must be a valid namespace name')];
};

const local: SourceRule = ({ path: at = '' }, path) =>
  at === '' ? [required(`${path}.path`)] : withoutBacksteps(at, `${path}.path`);

/** Where a PersistentVolume asks for more than a pod does. */
export const PERSISTENT_SOURCES: Readonly<Record<string, SourceRule>> = {
  ...(SOURCES as Record<string, SourceRule>),
  glusterfs: both(needs('endpoints', 'path'), persistentGlusterfs),
  cinder: both(needs('volumeID'), secretName('name', 'namespace')),
  iscsi: both(iscsi, secretName('name')),
  azureFile: both(needs('secretName', 'shareName'), ({ secretNamespace }, path) =>
    secretNamespace === '' ? [required(`${path}.secretNamespace`)] : [],
  ),
  storageos: storageos('name', 'namespace'),
  csi: persistentCsi,
  local,
};

export const mayHaveOneType = (path: string): FieldError => forbidden(path, 'may not specify more than 1 volume type');
