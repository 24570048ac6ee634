// Decides the order of keys and finds the next ones after any key. Never knows what belongs to a key.
//
// Sorted blocks of at most BLOCK keys in a sorted list of blocks: an insertion moves at most BLOCK keys and, on a split,
// the list of blocks; 100,000 keys are about 600 blocks. Iteration is by key, so it goes on while keys come and go.

const BLOCK = 256;

export class OrderedKeys {
  private readonly blocks: string[][] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(key: string): void {
    if (this.blocks.length === 0) this.blocks.push([]);
    const at = this.blockOf(key);
    const block = this.blocks[at]!;
    const place = lowerBound(block, key);
    if (block[place] === key) return;
    block.splice(place, 0, key);
    this.count++;
    if (block.length > BLOCK) this.blocks.splice(at + 1, 0, block.splice(BLOCK / 2));
  }

  remove(key: string): void {
    const at = this.blockOf(key);
    const block = this.blocks[at];
    if (block === undefined) return;
    const place = lowerBound(block, key);
    if (block[place] !== key) return;
    block.splice(place, 1);
    this.count--;
    if (block.length === 0) this.blocks.splice(at, 1);
  }

  [Symbol.iterator](): Generator<string> {
    return this.from('', false);
  }

  /** Keys from `from` on (`exclusive`: without it), ascending. Made anew for each page: it must not outlive a change. */
  *from(from: string, exclusive: boolean): Generator<string> {
    for (let at = this.blockOf(from); at < this.blocks.length; at++) {
      const block = this.blocks[at]!;
      let place = lowerBound(block, from);
      if (exclusive && block[place] === from) place++;
      for (; place < block.length; place++) yield block[place]!;
    }
  }

  /** The last block whose first key is not after `key`, or the first block. */
  private blockOf(key: string): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle]![0]! <= key) low = middle;
      else high = middle - 1;
    }
    return Math.max(low, 0);
  }
}

/** First place whose key is not before `key`. */
function lowerBound(block: readonly string[], key: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (block[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
