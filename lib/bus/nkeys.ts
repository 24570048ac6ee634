// Does: makes the key pairs that identify actor instances to nats-server. Never stores one.
import { nkeys } from 'nats';

export interface Nkey {
  /** `SU…`: secret, read by the instance alone. */
  seed: string;
  /** `U…`: named in the server's configuration. */
  publicKey: string;
}

export function createNkey(): Nkey {
  return toNkey(nkeys.createUser());
}

/** The pair of a stored seed; throws on text that is no seed. */
export function nkeyFromSeed(seed: string): Nkey {
  return toNkey(nkeys.fromSeed(new TextEncoder().encode(seed.trim())));
}

function toNkey(pair: ReturnType<typeof nkeys.createUser>): Nkey {
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}
