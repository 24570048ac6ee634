// Decides how a message becomes bytes: msgpack without shared structures (two processes would misread each other's).
// Never validates what was decoded: that is the receiver's part.
import { Packr } from 'msgpackr';

/** copyBuffers: a view would pin the whole chunk that the network gave us for as long as one value lives. */
const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  int64AsType: 'number',
  copyBuffers: true,
} as ConstructorParameters<typeof Packr>[0]);

/** A message that is bytes already: what goes to several is encoded once. */
export class Encoded {
  readonly bytes: Uint8Array;
  constructor(data: unknown) {
    this.bytes = packr.pack(data);
  }
}

export function encode(data: unknown): Uint8Array {
  return data instanceof Encoded ? data.bytes : packr.pack(data);
}

/** Throws on bytes that are not one msgpack value. */
export function decode(bytes: Uint8Array): unknown {
  return bytes.length === 0 ? undefined : packr.unpack(bytes);
}
