// Decides which address of a node's range a sandbox gets, where no CNI plugin does. Never touches a network.
import { addressText, blockOf, sizeOf } from '../../lib/base/ipv4.ts';

/** The lowest free host address of `10.244.1.0/24`, never the network, the gateway (.1) or the broadcast address. */
export function freeAddress(cidr: string, taken: ReadonlySet<string>): string | undefined {
  const block = blockOf(cidr)!;
  for (let host = 2; host < sizeOf(block) - 1; host++) {
    const address = addressText(block.first + host);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** The same range in 127.0.0.0/8, which every machine answers for without any set-up. */
export function loopbackCidr(cidr: string): string {
  return cidr.replace(/^\d+/, '127');
}
