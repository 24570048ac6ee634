// Decides which file a container's first word means: inside the image, or, without a root of its own, in the image's
// directory before the machine's. Never runs it.
import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundProgram {
  path: string;
  searchPath: string;
}

/** undefined: there is no such file; told before the start, because a shell's 127 could also be the program's own. */
export function findProgram(
  name: string,
  searchPath: string,
  rootfs: string,
  isRooted: boolean,
): FoundProgram | undefined {
  const directories = searchPath.split(':').filter((directory) => directory.startsWith('/'));
  const roots = isRooted ? [rootfs] : [...(rootfs === '' ? [] : [rootfs]), ''];
  const withImage = roots.flatMap((root) =>
    directories.map((directory) => (isRooted ? directory : join(root, directory) || directory)),
  );
  const search = withImage.join(':');
  const candidates = name.includes('/') ? [name] : directories.map((directory) => join(directory, name));
  for (const root of roots)
    for (const candidate of candidates) {
      const file = root === '' ? candidate : join(root, candidate);
      if (isFile(file, rootfs)) return { path: isRooted ? candidate : file, searchPath: search };
    }
  return undefined;
}

/** A link inside an image may point to an absolute path of the image: that it is there is enough. */
function isFile(file: string, rootfs: string): boolean {
  const own = statSync(file, { throwIfNoEntry: false });
  if (own !== undefined) return own.isFile() && (own.mode & 0o111) !== 0;
  return rootfs !== '' && isDanglingLink(file);
}

function isDanglingLink(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    return false;
  }
}
