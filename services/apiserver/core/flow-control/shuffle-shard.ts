// Decides which few queues a flow may use: a hand of cards, dealt by the flow's hash, so that two flows seldom share all of
// theirs and a heavy one leaves every other a queue of its own. Never chooses among them.

/** 53 bits, what a number holds: hands of up to 7 out of 128 queues need 49. */
export function hashOf(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (low & 0x1fffff) * 2 ** 32 + (high >>> 0);
}

/** Different numbers below `deck`; every hand is about as likely as every other. */
export function deal(hash: number, deck: number, hand: number): number[] {
  const remainders: number[] = [];
  let rest = hash;
  for (let i = 0; i < Math.min(hand, deck); i++) {
    remainders.push(rest % (deck - i));
    rest = Math.floor(rest / (deck - i));
  }
  return remainders.map((remainder, i) => {
    let card = remainder;
    // The i-th card is chosen among those that are left: those taken before it move it up.
    for (let j = i - 1; j >= 0; j--) if (card >= remainders[j]!) card++;
    return card;
  });
}
