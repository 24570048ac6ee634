// Decides the small programs that start a container as a plain process: a supervisor that outlives the kubelet, and what
// the process does before it becomes the container's program. Never runs them.
import type { Mount } from '../contract.ts';
import { quoted } from '../shared/terminal.ts';

/**
 * Arguments: the container's directory, its log. Writes `pid` (with the start time, against reuse of the number) and at
 * the end `exit` (code and milliseconds). TERM to the supervisor itself does nothing: the kubelet speaks to the child.
 */
export const SUPERVISOR = `#!/bin/sh
directory=$1 log=$2
exec </dev/null >>"$log" 2>&1
cd /
trap : TERM INT HUP
setsid /bin/sh "$directory/run.sh" &
child=$!
stat=$(cat "/proc/$child/stat" 2>/dev/null)
set -- \${stat##*) }
echo "$child \${20:-0}" > "$directory/pid.new" && mv "$directory/pid.new" "$directory/pid"
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
kill -KILL -- "-$child" 2>/dev/null
echo "$code $(date +%s%3N)" > "$directory/exit.new" && mv "$directory/exit.new" "$directory/exit"
`;

export interface Program {
  argv: readonly string[];
  env: Record<string, string>;
  workingDir: string;
}

function environment(env: Record<string, string>): string {
  return Object.entries(env)
    .map(([name, value]) => quoted(`${name}=${value}`))
    .join(' ');
}

/** Without isolation: the program itself, with nothing of the kubelet's own environment. */
export function plainScript(program: Program): string {
  return `#!/bin/sh
cd ${quoted(program.workingDir)} 2>/dev/null || cd /
exec /usr/bin/env -i ${environment(program.env)} ${program.argv.map(quoted).join(' ')}
`;
}

/** Its arguments, with the container's environment and nothing else; a file, because arguments are seen by every user. */
export function enterScript(program: Program): string {
  return `#!/bin/sh
exec /usr/bin/env -i ${environment(program.env)} "$@"
`;
}

export interface Root {
  /** The image's files; never written to. */
  lower: string;
  /** The container's own directory: `upper`, `work`, `root` are below it. */
  directory: string;
  hostname: string;
  mounts: readonly Mount[];
}

/** In a user and mount namespace of its own; the process stays the same through every exec, so its pid is the program's. */
export function rootedScript(insideScript: string): string {
  return `#!/bin/sh
exec unshare --user --map-root-user --mount --uts --ipc /bin/sh ${quoted(insideScript)}
`;
}

export function insideScript(program: Program, root: Root): string {
  const at = (name: string): string => quoted(`${root.directory}/${name}`);
  const options = `lowerdir=${root.lower},upperdir=${root.directory}/upper,workdir=${root.directory}/work,userxattr`;
  return `#!/bin/sh
set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin
hostname ${quoted(root.hostname)}
mount -t overlay overlay -o ${quoted(options)} ${at('root')} 2>/dev/null || { cp -a ${quoted(`${root.lower}/.`)} ${at('upper')}; mount --bind ${at('upper')} ${at('root')}; }
cd ${at('root')}
mkdir -p dev proc sys
mount --rbind /dev dev
mount --rbind /proc proc
mount --rbind /sys sys
${root.mounts.map(mountLines).join('\n')}
exec /usr/bin/env -i ${environment(program.env)} /usr/bin/unshare --root=${at('root')} --wd=${quoted(program.workingDir)} ${program.argv.map(quoted).join(' ')}
`;
}

function mountLines(mount: Mount): string {
  const target = quoted(`.${mount.target}`);
  const source = quoted(mount.source);
  const lines = [
    `if [ -d ${source} ]; then mkdir -p ${target}; else mkdir -p "$(dirname ${target})"; [ -e ${target} ] || : > ${target}; fi`,
    `mount --rbind ${source} ${target}`,
  ];
  return [...lines, ...(mount.readOnly ? [`mount -o remount,bind,ro ${target} 2>/dev/null || :`] : [])].join('\n');
}
