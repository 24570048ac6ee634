// Decides whether what a container mounts may stand: volumes that are there, paths that are its own. Never knows what a volume
// holds.
import { forbidden, invalidValue, notFoundValue, notSupported, required, type FieldError } from '../field-error.ts';
import type { Container, Volume, VolumeMount } from '../generated/types.ts';
import { localPath, withoutBacksteps } from './volume-sources.ts';

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE = ['Disabled', 'Enabled', 'IfPossible'];

/** Paths of the list without an index are how the real server tells of them. */
export function validateMounts(container: Container, path: string, volumes: ReadonlyMap<string, Volume>): FieldError[] {
  const paths = new Set<string>();
  const devices = container.volumeDevices ?? [];
  const list = `${path}.volumeMounts`;
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${list}[${i}]`;
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(notFoundValue(`${at}.name`, name));
    if (mountPath === '') errors.push(required(`${at}.mountPath`));
    if (paths.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (devices.some((device) => device.name === name))
      errors.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeDevices'));
    if (devices.some(({ devicePath }) => devicePath === mountPath))
      errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    errors.push(...localPath(subPath, `${list}.subPath`));
    if (subPathExpr !== '' && subPath !== '')
      errors.push(invalidValue(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    return [...errors, ...localPath(subPathExpr, `${list}.subPathExpr`), ...validateWays(mount, container, list)];
  });
}

/** How mounts of the node get in and out. */
function validateWays(mount: VolumeMount, container: Container, list: string): FieldError[] {
  const { mountPropagation, recursiveReadOnly } = mount;
  const errors: FieldError[] = [];
  const propagation = `${list}.mountPropagation`;
  if (mountPropagation !== undefined && !PROPAGATIONS.includes(mountPropagation))
    errors.push(notSupported(propagation, mountPropagation, PROPAGATIONS));
  if (mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true)
    errors.push(forbidden(propagation, 'Bidirectional mount propagation is available only to privileged containers'));
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return errors;
  const recursive = `${list}.recursiveReadOnly`;
  if (!RECURSIVE.includes(recursiveReadOnly)) return [...errors, notSupported(recursive, recursiveReadOnly, RECURSIVE)];
  if (mount.readOnly !== true) errors.push(forbidden(recursive, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None')
    errors.push(forbidden(recursive, 'may only be specified when mountPropagation is None or not specified'));
  return errors;
}

const ONLY_CLAIMS = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';

export function validateDevices(
  container: Container,
  path: string,
  volumes: ReadonlyMap<string, Volume>,
): FieldError[] {
  const [paths, names] = [new Set<string>(), new Set<string>()];
  const mounts = container.volumeMounts ?? [];
  return (container.volumeDevices ?? []).flatMap((device, i) => {
    const at = `${path}.volumeDevices[${i}]`;
    const { name = '', devicePath = '' } = device;
    const volume = volumes.get(name);
    const isClaim = volume?.persistentVolumeClaim !== undefined || volume?.ephemeral !== undefined;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalidValue(`${at}.name`, name, 'must be unique'));
    if (volume === undefined) errors.push(notFoundValue(`${at}.name`, name));
    else if (!isClaim) errors.push(invalidValue(`${at}.name`, name, ONLY_CLAIMS));
    if (devicePath === '') errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalidValue(`${at}.devicePath`, devicePath, 'must be unique'));
    if (withoutBacksteps(devicePath, at).length > 0)
      errors.push(invalidValue(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name))
      errors.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeMounts'));
    if (mounts.some(({ mountPath }) => mountPath === devicePath))
      errors.push(invalidValue(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    if (name !== '') names.add(name);
    return errors;
  });
}
