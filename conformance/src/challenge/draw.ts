import { seededBytes } from "../random.ts";

/** Bytes that are made at once. */
const POOL = 256;

/** A row of draws that follows from the seed of the run and a label. */
export class Draw {
  #pool: Uint8Array = new Uint8Array();
  #taken = 0;
  #turn = 0;

  constructor(
    private readonly seed: string,
    private readonly label: string,
  ) {}

  bytes(count: number): Uint8Array {
    if (count > POOL) return seededBytes(this.seed, `${this.label} ${this.#turn++}`, count);
    if (this.#taken + count > this.#pool.length) {
      this.#pool = seededBytes(this.seed, `${this.label} ${this.#turn++}`, POOL);
      this.#taken = 0;
    }
    const from = this.#taken;
    this.#taken += count;
    return this.#pool.slice(from, this.#taken);
  }

  /** From `low` to `high`, both included. */
  integer(low: number, high: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.bytes(4);
    return low + ((((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % (high - low + 1));
  }

  /** An unsigned integer of so many bytes. */
  word(width: number): bigint {
    return this.bytes(width).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!;
  }

  chance(percent: number): boolean {
    return this.integer(1, 100) <= percent;
  }

  /** Different places from 1 to `end` - 1, ascending. */
  places(most: number, end: number): number[] {
    const found = new Set<number>();
    for (let i = this.integer(0, most); i > 0 && end > 1; i--) found.add(this.integer(1, end - 1));
    return [...found].sort((a, b) => a - b);
  }
}
