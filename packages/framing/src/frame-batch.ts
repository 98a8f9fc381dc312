import type { WireError } from "./errors.ts";
import type { FrameTable } from "./scan.ts";
import type { Slab } from "./slab.ts";

const FIRST_CAPACITY = 64;

/**
 * The frames that one `push` completed, as offsets. A batch and all that it lends are valid until the next `push` of its
 * decoder; `copy` and `take` give bytes to keep. Frame `i` is `buffer(i)[start(i), end(i))`.
 */
export class FrameBatch implements FrameTable {
  count = 0;
  /**
   * How far the chunk was read: an index into it. Less than its length when `maxFrames` stopped the decoder, and then the
   * rest can be pushed from here; or when there is an `error`, and then nothing more is ever read. A loop looks at both.
   */
  consumed = 0;
  /** The decoder's fatal error, from the push that met it on. The frames of the batch come before it. */
  error: WireError | null = null;

  /** `[start, end)` of frame `i` at `2 * i` and `2 * i + 1`: the whole table, for a loop that wants no call per frame. */
  offsets = new Int32Array(2 * FIRST_CAPACITY);
  /** @internal The tag of each frame; zeros in profiles that have none. */
  tags = new Uint8Array(FIRST_CAPACITY);

  readonly #slab: Slab;
  /** The chunk of the push. Every frame lies in it, but for frame 0 when `gathered` is set. */
  chunk: Uint8Array = new Uint8Array(0);
  /** The buffer that holds frame 0, when it was gathered from several chunks. */
  gathered: Uint8Array | null = null;
  /** Stream offset of the chunk's index 0. */
  #base = 0;
  /** The index in the chunk at which a gathered frame ended. */
  #gatheredEnd = 0;

  /** @internal */
  constructor(slab: Slab) {
    this.#slab = slab;
  }

  /** @internal */
  begin(chunk: Uint8Array, base: number): void {
    this.count = 0;
    this.chunk = chunk;
    this.#base = base;
    this.gathered = null;
  }

  /** @internal The first frame, when it lies in the chunk but its prefix did not. */
  addWhole(start: number, end: number, lead: number): void {
    this.offsets[0] = start;
    this.offsets[1] = end;
    this.tags[0] = lead;
    this.count = 1;
  }

  /** @internal */
  addGathered(buffer: Uint8Array, length: number, lead: number, chunkEnd: number): void {
    this.addWhole(0, length, lead);
    this.gathered = buffer;
    this.#gatheredEnd = chunkEnd;
  }

  /** @internal Rows of the tables. */
  get capacity(): number {
    return this.tags.length;
  }

  /** @internal Doubles the tables; they are bounded by the chunk, since every frame has a prefix in it. */
  grow(): void {
    const offsets = new Int32Array(this.offsets.length * 2);
    offsets.set(this.offsets);
    this.offsets = offsets;
    const tags = new Uint8Array(this.tags.length * 2);
    tags.set(this.tags);
    this.tags = tags;
  }

  buffer(i: number): Uint8Array {
    return i === 0 && this.gathered !== null ? this.gathered : this.chunk;
  }

  start(i: number): number {
    return this.offsets[2 * i]!;
  }

  end(i: number): number {
    return this.offsets[2 * i + 1]!;
  }

  /** The tag of a `len56-tagged` frame; 0 in every other profile. */
  lead(i: number): number {
    return this.tags[i]!;
  }

  /** Bytes of the stream up to the end of frame `i`. */
  at(i: number): number {
    return this.#base + (i === 0 && this.gathered !== null ? this.#gatheredEnd : this.end(i));
  }

  /** Frame `i` as a view: borrowed, valid until the next `push`. */
  view(i: number): Uint8Array {
    return this.buffer(i).subarray(this.start(i), this.end(i));
  }

  /** Frame `i` as bytes of its own. */
  copy(i: number): Uint8Array {
    // Not by slice(): that of a Node Buffer is a view.
    return new Uint8Array(this.view(i));
  }

  /**
   * Frame `i` as bytes to keep, by the cheaper way: a frame that was gathered and fills most of its buffer takes that
   * buffer along, so that it is not copied a second time; any other is copied.
   */
  take(i: number): Uint8Array {
    const buffer = this.buffer(i);
    if (i !== 0 || buffer !== this.gathered || this.end(0) < buffer.length / 2) return this.copy(i);
    this.#slab.release(buffer);
    return buffer.subarray(0, this.end(0));
  }
}
