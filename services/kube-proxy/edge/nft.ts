// Does: gives a program to nft, and asks it for the table. Never decides what is in the program.
import { TroubleError } from '../../../lib/base/errors.ts';
import { describeFailure, type Exec, type ExecResult } from '../../../lib/exec/exec.ts';

/** Absolute on purpose: an npm package brings another program of this name. */
const NFT = '/usr/sbin/nft';
/** A table of 10,000 services takes under a second on a quiet machine. */
const TIMEOUT_MS = 60_000;

/** All of the program or nothing of it. */
export async function applyProgram(exec: Exec, program: string): Promise<void> {
  const result = await exec.run([NFT, '-f', '-'], { stdin: program, timeoutMs: TIMEOUT_MS });
  if (result.exitCode !== 0) throw new TroubleError(`the kernel did not take the rules: ${said(result)}`);
}

/** What `nft list table` prints, or undefined when there is no such table. */
export async function listTable(exec: Exec, table: string): Promise<string | undefined> {
  const result = await exec.run([NFT, 'list', 'table', ...table.split(' ')], { timeoutMs: TIMEOUT_MS });
  if (result.exitCode === 0) return result.stdout;
  if (result.stderr.includes('No such file or directory')) return undefined;
  throw new TroubleError(`cannot read the kernel's rules: ${said(result)}`);
}

/** nft says what is wrong first, and then paints the line (which may be long) with carets. */
function said(result: ExecResult): string {
  const first = result.stderr.split('\n')[0]?.slice(0, 300) ?? '';
  return first === '' ? describeFailure(result) : first;
}
