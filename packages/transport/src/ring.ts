/** A byte queue of fixed capacity on one reused slab, which is taken at the first push and never grows. */
export class ByteRing {
  readonly capacity: number;
  #slab: Uint8Array | null = null;
  #head = 0;
  #size = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  get free(): number {
    return this.capacity - this.#size;
  }

  get slab(): Uint8Array {
    this.#slab ??= new Uint8Array(this.capacity);
    return this.#slab;
  }

  /** Where the oldest byte lies in `slab`. */
  get head(): number {
    return this.#head;
  }

  /** How many bytes from `head` on lie in one piece. */
  get contiguous(): number {
    return Math.min(this.#size, this.capacity - this.#head);
  }

  /** Copies as much of `bytes[from, to)` as there is room for; returns how much that was. */
  push(bytes: Uint8Array, from = 0, to = bytes.length): number {
    const count = Math.min(to - from, this.free);
    if (count === 0) return 0;
    const slab = this.slab;
    const tail = (this.#head + this.#size) % this.capacity;
    const first = Math.min(count, this.capacity - tail);
    copy(bytes, from, first, slab, tail);
    if (first < count) copy(bytes, from + first, count - first, slab, 0);
    this.#size += count;
    return count;
  }

  /** Drops the oldest `count` bytes. An empty ring starts at 0 again, so that the next bytes lie in one piece. */
  consume(count: number): void {
    this.#size -= count;
    this.#head = this.#size === 0 ? 0 : (this.#head + count) % this.capacity;
  }

  /** Takes the oldest `count` bytes out as a copy of their own. */
  shift(count: number): Uint8Array {
    const out = new Uint8Array(count);
    const first = Math.min(count, this.contiguous);
    copy(this.slab, this.#head, first, out, 0);
    if (first < count) copy(this.slab, 0, count - first, out, first);
    this.consume(count);
    return out;
  }

  clear(): void {
    this.#head = 0;
    this.#size = 0;
  }
}

function copy(source: Uint8Array, from: number, count: number, target: Uint8Array, at: number): void {
  target.set(from === 0 && count === source.length ? source : source.subarray(from, from + count), at);
}
