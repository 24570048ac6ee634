// Decides which numbers a user's name means inside an image, by the image's own passwd and group files. Never reads them.
import { ShimError, type UserSpec } from '../contract.ts';

export interface Accounts {
  passwd: string;
  group: string;
}

export interface ResolvedUser {
  uid: number;
  gid: number;
  groups: number[];
}

/** Names, primary and further groups stand in the image; root by number needs no look. */
export function needsAccounts(user: UserSpec): boolean {
  if (user.uid !== undefined) return user.uid !== 0;
  return user.image !== '' && user.image !== '0' && user.image !== '0:0' && user.image !== 'root';
}

/** Throws CreateContainerError when the image does not know the name. */
export function resolveUser(user: UserSpec, accounts: Accounts): ResolvedUser {
  const [imageUser = '', imageGroup] = user.image.split(':');
  const people = rowsOf(accounts.passwd);
  const groups = rowsOf(accounts.group);
  const who = user.uid === undefined ? imageUser : String(user.uid);
  const person = people.find((row) => row[0] === who) ?? people.find((row) => row[2] === who);
  const uid = numberOf(
    who === '' ? '0' : who,
    person?.[2],
    `unable to find user ${who}: no matching entries in passwd file`,
  );
  const own = person === undefined ? 0 : Number(person[3]);
  const gid = user.gid ?? (user.uid === undefined ? groupOf(imageGroup, groups, own) : own);
  const further = groups
    .filter((row) => person !== undefined && (row[3] ?? '').split(',').includes(person[0]!))
    .map((row) => Number(row[2]));
  return { uid, gid, groups: [...new Set([...further, ...user.groups])].filter((id) => id !== gid) };
}

function groupOf(name: string | undefined, groups: string[][], fallback: number): number {
  if (name === undefined || name === '') return fallback;
  const row = groups.find((group) => group[0] === name);
  return numberOf(name, row?.[2], `unable to find group ${name}: no matching entries in group file`);
}

function numberOf(text: string, found: string | undefined, otherwise: string): number {
  if (found !== undefined) return Number(found);
  if (/^\d+$/.test(text)) return Number(text);
  throw new ShimError('CreateContainerError', otherwise);
}

function rowsOf(file: string): string[][] {
  return file
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(':'));
}
