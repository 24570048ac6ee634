// Does: writes the program that carries what a container says into its log file. containerd 1.6 has one of its own (`file://`),
// which closes the file when the first of both outputs ends: what a short container says last on the other is lost, one time in
// twenty. Never parses a line: the kubelet does, when somebody reads.
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** containerd gives the outputs as 3 and 4, and waits for the end of 5 before it starts the container. */
const PROGRAM = `exec 5>&-
cat <&3 >>"$1" 4<&- &
exec cat <&4 >>"$1" 3<&-
`;

export async function writeLogger(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, PROGRAM);
  await chmod(`${file}.new`, 0o755);
  await rename(`${file}.new`, file);
}

/** containerd makes one argument of the only name, and one of its value. */
export function loggerUri(file: string, logPath: string): string {
  return `binary:///bin/sh?${encodeURIComponent(file)}=${encodeURIComponent(logPath)}`;
}
