// Decides what an image's short name means: `busybox` is `docker.io/library/busybox:latest`. Never asks a registry.
import { ShimError } from '../contract.ts';

const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${PART}(?:/${PART})*$`);
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::\d+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

export interface Reference {
  host: string;
  path: string;
  tag?: string;
  digest?: string;
}

/** Throws ShimError InvalidImageName. */
export function parseReference(text: string): Reference {
  const refuse = (why: string): never => {
    throw new ShimError('InvalidImageName', `couldn't parse image name "${text}": ${why}`);
  };
  const [named, digest, ...more] = text.split('@') as [string, string?, ...string[]];
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) refuse('invalid digest');
  const lastSlash = named.lastIndexOf('/');
  const colon = named.indexOf(':', lastSlash + 1);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  const whole = colon === -1 ? named : named.slice(0, colon);
  if (tag !== undefined && !TAG.test(tag)) refuse(`invalid tag "${tag}"`);
  const { host, path } = splitHost(whole);
  if (!HOST.test(host) || !PATH.test(path)) refuse('invalid reference format');
  return { host, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The first part is a host when it looks like one; else it is Docker Hub's, whose own images live in `library`. */
function splitHost(whole: string): { host: string; path: string } {
  const slash = whole.indexOf('/');
  const first = slash === -1 ? '' : whole.slice(0, slash);
  if (first.includes('.') || first.includes(':') || first === 'localhost')
    return { host: first, path: whole.slice(slash + 1) };
  return { host: 'docker.io', path: slash === -1 ? `library/${whole}` : whole };
}

/** The full name that containerd keeps an image under. */
export function normalizeReference(text: string): string {
  const { host, path, tag, digest } = parseReference(text);
  if (digest !== undefined) return `${host}/${path}${tag === undefined ? '' : `:${tag}`}@${digest}`;
  return `${host}/${path}:${tag ?? 'latest'}`;
}
