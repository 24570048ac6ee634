// Decides which address of a node's range a sandbox gets, where no CNI plugin does. Never touches a network.

/** The lowest free host address of `10.244.1.0/24`, never the network, the gateway (.1) or the broadcast address. */
export function freeAddress(cidr: string, taken: ReadonlySet<string>): string | undefined {
  const [base, bits] = cidr.split('/') as [string, string];
  const first = toNumber(base);
  const size = 2 ** (32 - Number(bits));
  for (let host = 2; host < size - 1; host++) {
    const address = toText(first + host);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** The same range in 127.0.0.0/8, which every machine answers for without any set-up. */
export function loopbackCidr(cidr: string): string {
  return cidr.replace(/^\d+/, '127');
}

function toNumber(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
