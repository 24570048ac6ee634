// Does: writes the program that containerd starts in runc's place. ctr 1.6 cannot say user, groups, masked paths and
// more: so the kubelet writes the whole specification, and the wrapper lays it over the bundle's own before `create`, and
// opens the pipe that is the container's standard input.
// Never changes any other call to runc.
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The bundle's directory is named after the container: `<containersDir>/<id>/config.json` is its specification. */
export async function writeRuncWrapper(file: string, containersDir: string): Promise<void> {
  if (/['\n]/.test(containersDir))
    throw new Error(`state directory ${JSON.stringify(containersDir)} holds a quote or a newline`);
  const script = `#!/bin/sh
# Written by the kubelet. Gives runc the container's complete specification.
command= bundle= before=
for word; do
  case $before in --bundle | -b) bundle=$word ;; esac
  case $word in create) command=create ;; esac
  before=$word
done
if [ -n "$command" ] && [ -n "$bundle" ]; then
  specification='${containersDir}'/"\${bundle##*/}"/config.json
  if [ -f "$specification" ]; then cp "$specification" "$bundle/config.json" || exit 1; fi
  # Its standard input, when the pod asks for one: containerd would give it an empty one.
  input='${containersDir}'/"\${bundle##*/}"
  if [ -p "$input/stdin-open" ]; then exec runc "$@" 0<>"$input/stdin-open"; fi
  if [ -p "$input/stdin-once" ]; then exec runc "$@" 0<"$input/stdin-once"; fi
fi
exec runc "$@"
`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, script);
  await chmod(`${file}.new`, 0o755);
  await rename(`${file}.new`, file);
}
