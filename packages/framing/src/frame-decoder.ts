import { checkCount } from "./caller.ts";
import { type ErrorCode, type Fault, refusal, WireError } from "./errors.ts";
import { FrameBatch } from "./frame-batch.ts";
import { type FramingOptions, type FramingProfile, limitOf, PREFIX_LAYOUTS } from "./prefix.ts";
import { checkReadable, MAX_BUFFER_LENGTH, scanWholeFrames } from "./scan.ts";
import { Slab } from "./slab.ts";

/** What a decoder costs beside the chunks that it is given. */
export interface DecoderMemory {
  /** Bytes of the buffers in which it gathers, used or not. */
  readonly held: number;
  /** Bytes that it copied so far. */
  readonly copied: number;
}

/**
 * Cuts a byte stream into frames of one prefix profile (`spec/framing.md`). Bytes in, batches of offsets out: it knows no
 * socket and no clock, never writes to a chunk, and copies only payloads that span chunks.
 *
 * A peer's fault is never thrown: it stands in `batch.error` and `error`, is fatal, and stays.
 */
export class FrameDecoder {
  readonly profile: FramingProfile;
  /** The largest payload that is accepted, in bytes. */
  readonly maxFrameLength: number;

  readonly #prefixSize: number;
  readonly #tagged: boolean;
  readonly #flagged: boolean;
  /** The largest length that passes: the limit, unless that is above what one buffer holds. */
  readonly #largest: number;
  readonly #slab = new Slab();
  readonly #batch = new FrameBatch(this.#slab);
  /** A prefix that is not whole yet. */
  readonly #prefix = new Uint8Array(8);
  #prefixHave = 0;
  /** Length of the payload that is being gathered; -1 between frames. */
  #bodyLength = -1;
  #bodyLead = 0;
  #offset = 0;
  #error: WireError | null = null;
  #ended = false;

  constructor(profile: FramingProfile, options: FramingOptions = {}) {
    const layout = PREFIX_LAYOUTS[profile];
    this.profile = profile;
    this.maxFrameLength = limitOf(options);
    this.#prefixSize = layout.size;
    this.#tagged = layout.lead === "tag";
    this.#flagged = layout.lead === "flag";
    this.#largest = Math.min(this.maxFrameLength, MAX_BUFFER_LENGTH);
  }

  /** The fatal error, once there is one. r[len64.error.sticky] */
  get error(): WireError | null {
    return this.#error;
  }

  /** Bytes of the stream read so far; after a refused prefix or flag the bytes up to and with it, however they came. */
  get offset(): number {
    return this.#offset;
  }

  /** True inside a frame: EOF now would not be clean. */
  get midFrame(): boolean {
    return this.#prefixHave > 0 || this.#bodyLength >= 0;
  }

  /** Grows with what has arrived, never with what was announced. r[len64.limit.allocation] */
  get memory(): DecoderMemory {
    return { held: this.#slab.held, copied: this.#slab.copied };
  }

  /**
   * Reads `chunk[from…]`, at most `maxFrames` frames of it, and returns the frames that are whole now. The batch is the
   * decoder's own and is used again by the next push. After an error a push reads nothing, so that a loop over one chunk goes
   * on while `consumed` is short of its end and `error` is null.
   *
   * @throws WireError `state` after `end()`, for a chunk above 2 GiB, and for a `from` or `maxFrames` that is none: the
   * caller's faults.
   */
  push(chunk: Uint8Array, from = 0, maxFrames = Number.POSITIVE_INFINITY): FrameBatch {
    if (this.#ended) throw refusal("state", "expected no bytes after end(), a push came");
    checkReadable(chunk, from, chunk.length);
    if (maxFrames !== Number.POSITIVE_INFINITY) checkCount("maxFrames", maxFrames);
    const batch = this.#batch;
    const base = this.#offset - from;
    batch.begin(chunk, base);
    let i = from;
    if (this.#error === null && maxFrames > 0) {
      if (this.midFrame) i = this.#resume(chunk, i, base);
      if (this.#error === null && !this.midFrame) i = this.#scan(chunk, i, maxFrames, base);
    }
    batch.consumed = i;
    batch.error = this.#error;
    this.#offset = base + i;
    return batch;
  }

  /**
   * Counts bytes of the stream that another decoder read between two frames (a fixed header, say), so that offsets stay
   * those of the stream.
   */
  skip(bytes: number): void {
    if (this.midFrame) throw refusal("state", "expected skip() between frames, it came inside one");
    this.#offset += checkCount("bytes", bytes);
  }

  /** The stream ended: null when that was on a frame boundary, else the error that names the place. */
  end(): WireError | null {
    this.#ended = true;
    if (this.#error !== null) return this.#error;
    // r[len64.eof.mid-prefix] r[len32.eof.mid-prefix] r[len56.eof.mid-prefix] r[grpc.eof.mid-prefix]
    if (this.#prefixHave > 0) {
      const message = `expected ${this.#prefixSize} bytes of ${this.profile} prefix, the stream ended after ${this.#prefixHave}`;
      return this.#fail("eof.in-prefix", message, this.#offset);
    }
    // r[len64.eof.mid-body] r[len32.eof.mid-body] r[len56.eof.mid-body] r[grpc.eof.mid-body]
    if (this.#bodyLength >= 0) {
      const message = `expected ${this.#bodyLength} bytes of payload, the stream ended after ${this.#slab.length}`;
      return this.#fail("eof.in-body", message, this.#offset);
    }
    return null;
  }

  /** Finishes the frame that an earlier chunk began; returns the index reached in the chunk. */
  #resume(chunk: Uint8Array, from: number, base: number): number {
    let i = from;
    if (this.#bodyLength >= 0) {
      this.#slab.settle(this.#bodyLength);
    } else {
      const prefix = this.#prefix;
      while (this.#prefixHave < this.#prefixSize && i < chunk.length) prefix[this.#prefixHave++] = chunk[i++]!;
      // Its flag was judged when it came. r[grpc.flag.before-length]
      if (this.#prefixHave < this.#prefixSize) return i;
      this.#prefixHave = 0;
      const length = this.#lengthAt(prefix, 0);
      if (!this.#lengthAllowed(length, prefix, 0, base + i)) return i;
      const lead = this.#tagged ? prefix[0]! : 0;
      if (length <= chunk.length - i) {
        // The payload lies in this chunk whole: only its prefix was split, so it is lent from here like any other.
        this.#batch.addWhole(i, i + length, lead);
        return i + length;
      }
      this.#bodyLength = length;
      this.#bodyLead = lead;
    }
    i = this.#gather(chunk, i);
    if (this.#slab.length === this.#bodyLength) {
      this.#batch.addGathered(this.#slab.finish(), this.#bodyLength, this.#bodyLead, i);
      this.#bodyLength = -1;
    }
    return i;
  }

  /** Whole frames of the chunk, then what is left of it; returns the index reached. */
  #scan(chunk: Uint8Array, from: number, maxFrames: number, base: number): number {
    const batch = this.#batch;
    let i = from;
    for (let full = true; full; ) {
      const before = batch.count;
      const most = Math.min(maxFrames, batch.capacity);
      batch.count = scanWholeFrames(
        chunk,
        i,
        chunk.length,
        this.#prefixSize,
        this.#tagged,
        this.#largest,
        batch,
        before,
        most,
      );
      if (batch.count > before) i = batch.end(batch.count - 1);
      full = batch.count === most && most < maxFrames;
      if (full) batch.grow();
    }
    return batch.count < maxFrames ? this.#rest(chunk, i, base) : i;
  }

  /** What follows the last whole frame: part of a frame, or a prefix that is refused. */
  #rest(chunk: Uint8Array, i: number, base: number): number {
    // r[grpc.flag.before-length]: a flag is judged even when nothing else of its prefix has arrived.
    if (i === chunk.length) return i;
    if (!this.#flagAllowed(chunk[i]!, base + i + 1)) return i + 1;
    if (chunk.length - i < this.#prefixSize) return this.#keepPrefix(chunk, i);
    const length = this.#lengthAt(chunk, i);
    const body = i + this.#prefixSize;
    if (!this.#lengthAllowed(length, chunk, i, base + body)) return body;
    this.#bodyLength = length;
    this.#bodyLead = this.#tagged ? chunk[i]! : 0;
    return this.#gather(chunk, body);
  }

  #gather(chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + this.#bodyLength - this.#slab.length);
    try {
      this.#slab.append(chunk, from, to, this.#bodyLength);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#error = error;
      return from;
    }
    return to;
  }

  #keepPrefix(chunk: Uint8Array, from: number): number {
    for (let i = from; i < chunk.length; i++) this.#prefix[this.#prefixHave++] = chunk[i]!;
    return chunk.length;
  }

  /** The length of the prefix that begins at `from`; see `limitOf` for why a number is exact enough to be judged. */
  #lengthAt(bytes: Uint8Array, from: number): number {
    const body = from + this.#prefixSize;
    let length = 0;
    for (let i = from + (this.#tagged || this.#flagged ? 1 : 0); i < body; i++) length = length * 256 + bytes[i]!;
    return length;
  }

  /** Judges the flag that ends at stream offset `at`. */
  #flagAllowed(flag: number, at: number): boolean {
    if (!this.#flagged || flag === 0) return true;
    // r[grpc.flag.compressed] r[grpc.flag.reserved]
    const [code, what] = flag === 1 ? (["codec.unsupported", "no codec"] as const) : (["flags.reserved", "0"] as const);
    this.#fail(code, `expected ${what} in the compression flag, ${flag} came`, at);
    return false;
  }

  /** Judges the length of the prefix that begins at `from` and ends at stream offset `at`. */
  #lengthAllowed(length: number, bytes: Uint8Array, from: number, at: number): boolean {
    if (length <= this.#largest) return true;
    let exact = 0n;
    const body = from + this.#prefixSize;
    for (let i = from + (this.#tagged || this.#flagged ? 1 : 0); i < body; i++)
      exact = exact * 256n + BigInt(bytes[i]!);
    // r[len64.limit.oversize] r[len64.limit.before-body], and their like in the other profiles. Within the limit it is the
    // caller who asked for more than the tables can say.
    const [most, fault] =
      length > this.maxFrameLength
        ? ([this.maxFrameLength, "peer"] as const)
        : ([MAX_BUFFER_LENGTH, "caller"] as const);
    const message = `expected a payload of at most ${most} bytes, a length of ${exact} came`;
    this.#fail("oversize.declared", message, at, fault);
    return false;
  }

  #fail(code: ErrorCode, message: string, offset: number, fault: Fault = "peer"): WireError {
    this.#error = new WireError({ code, message: `${message}, at byte ${offset} of the stream`, offset, fault });
    return this.#error;
  }
}
