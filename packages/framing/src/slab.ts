import { WireError } from "./errors.ts";

const FIRST_CAPACITY = 4 * 1024;
/** Below this a byte loop beats the cost of a view object. */
const LOOP_COPY = 48;

/**
 * Two warm buffers in which payloads that span reads are gathered: while the caller still borrows the payload that was
 * finished last, the next one begins in the other. Large payloads all end up in the same one, so that it stays in cache.
 */
export class Slab {
  #buffers: [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)];
  #current: 0 | 1 = 0;
  /** Bytes gathered of the present payload. */
  length = 0;
  /** Bytes that were ever copied into a buffer or between two. */
  copied = 0;

  get buffer(): Uint8Array {
    return this.#buffers[this.#current];
  }

  /** Bytes of memory that the buffers take, used or not. */
  get held(): number {
    return this.#buffers[0].length + this.#buffers[1].length;
  }

  /** Appends `chunk[from, to)`. The capacity is at most twice what has arrived, and never passes `declared` on its own. */
  append(chunk: Uint8Array, from: number, to: number, declared: number): void {
    const length = this.length + to - from;
    if (length > this.buffer.length) this.#grow(length, declared);
    const buffer = this.buffer;
    if (to - from <= LOOP_COPY) {
      for (let i = from, j = this.length; i < to; i++, j++) buffer[j] = chunk[i]!;
    } else {
      buffer.set(chunk.subarray(from, to), this.length);
    }
    this.copied += to - from;
    this.length = length;
  }

  /** Hands the gathered payload out until the next call: what comes now goes into the other buffer. */
  finish(): Uint8Array {
    const buffer = this.buffer;
    this.#current = this.#current === 0 ? 1 : 0;
    this.length = 0;
    return buffer;
  }

  /**
   * To be called when nothing is borrowed any more: a payload that will not fit where it was begun goes on in the other
   * buffer, if that is larger.
   */
  settle(declared: number): void {
    const other = this.#current === 0 ? 1 : 0;
    if (declared <= this.buffer.length || this.#buffers[other].length <= this.buffer.length) return;
    this.#buffers[other].set(this.buffer.subarray(0, this.length));
    this.copied += this.length;
    this.#current = other;
  }

  /** Forgets `buffer`, which now belongs to the caller. */
  release(buffer: Uint8Array): void {
    for (const i of [0, 1] as const) if (this.#buffers[i] === buffer) this.#buffers[i] = new Uint8Array(0);
  }

  #grow(length: number, declared: number): void {
    // Twice what has arrived, not twice what was there: the second half of a payload never meets a buffer too short for it.
    const doubled = Math.max(length * 2, FIRST_CAPACITY);
    let grown: Uint8Array;
    try {
      grown = new Uint8Array(Math.min(doubled, Math.max(declared, FIRST_CAPACITY)));
    } catch (cause) {
      const message = `expected room for a payload of ${declared} bytes, the runtime gave none after ${this.length}`;
      throw new WireError({ code: "oversize.declared", message, fault: "caller", cause });
    }
    grown.set(this.buffer.subarray(0, this.length));
    this.copied += this.length;
    this.#buffers[this.#current] = grown;
  }
}
