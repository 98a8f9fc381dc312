import { checkCount } from "./caller.ts";
import { type ErrorCode, refusal, WireError } from "./errors.ts";
import { checkReadable, type FrameTable, MAX_BUFFER_LENGTH, scanWholeFrames } from "./scan.ts";

export interface Part {
  readonly bytes: Uint8Array;
  /** An unsigned 64-bit hash of the type's name; `multipart-typed` only. */
  readonly typehash?: bigint;
}

export interface MultipartMessage {
  readonly body: Part;
  readonly parts: readonly Part[];
}

export interface MultipartOptions {
  /** Whether a record may carry a type hash (`multipart-typed`). Default false. */
  readonly typed?: boolean;
  /** The most part records of one payload; the body does not count. Default 1,024. */
  readonly maxParts?: number;
}

export const DEFAULT_MAX_PARTS = 1024;
const LENGTH_SIZE = 8;
const HASH_SIZE = 8;
const TYPED_BIT = 0x80000000;
const MAX_HASH = 2n ** 64n - 1n;

/**
 * The records of one payload as offsets, in a table that is used again for the next payload: record 0 is the body, record
 * `1 + i` is part `i`. For those who read many small messages; `decodeMultipart` gives objects.
 */
export class MultipartRecords implements FrameTable {
  count = 0;
  /** `[start, end)` of record `i` in the buffer at `2 * i` and `2 * i + 1`. */
  offsets = new Int32Array(16);
  /** The type hash of each record of a typed payload, where it has one. */
  readonly hashes: (bigint | undefined)[] = [];
  /** @internal Records have no tags. */
  readonly tags = new Uint8Array(0);
  readonly #typed: boolean;
  readonly #maxParts: number;

  constructor({ typed = false, maxParts = DEFAULT_MAX_PARTS }: MultipartOptions = {}) {
    this.#typed = typed;
    this.#maxParts = checkCount("maxParts", maxParts);
  }

  /**
   * Reads the payload `buffer[start, end)`.
   *
   * @param at Stream offset of the end of the frame that held the payload: the offset of every error.
   * @throws WireError `eof.in-prefix`, `eof.in-header`, `eof.in-body`, `oversize.declared`; `state` for a range that is not
   * in the buffer or reaches above 2 GiB. Then there are no records.
   */
  read(buffer: Uint8Array, start: number, end: number, at: number): void {
    let count = 0;
    let i = start;
    this.count = 0;
    checkReadable(buffer, start, end);
    if (this.#typed) this.hashes.length = 0;
    do {
      if (2 * count === this.offsets.length) this.#grow();
      const most = Math.min(this.#maxParts + 1, this.offsets.length / 2);
      const before = count;
      count = scanWholeFrames(buffer, i, end, LENGTH_SIZE, false, MAX_BUFFER_LENGTH, this, count, most);
      if (count > before) i = this.offsets[2 * count - 1]!;
      else i = this.#readExact(buffer, i, end, count++, at);
    } while (i < end);
    this.count = count;
  }

  /** Enters the record at `i`, whatever it is, or throws; returns the index after it. */
  #readExact(buffer: Uint8Array, from: number, end: number, record: number, at: number): number {
    let i = from;
    // r[multipart.limit.parts]
    if (record > this.#maxParts)
      throw defect("oversize.declared", `at most ${this.#maxParts} parts`, end - i, record, at);
    // r[multipart.body.required] r[multipart.prefix.cut]
    if (end - i < LENGTH_SIZE) throw defect("eof.in-prefix", `${LENGTH_SIZE} bytes of length`, end - i, record, at);
    let high = readU32(buffer, i);
    const low = readU32(buffer, i + 4);
    i += LENGTH_SIZE;
    // r[multipart-typed.record.layout] r[multipart-typed.flag.untyped-profile]
    if (this.#typed && high >= TYPED_BIT) {
      high -= TYPED_BIT;
      // r[multipart-typed.hash.cut]
      if (end - i < HASH_SIZE) throw defect("eof.in-header", `${HASH_SIZE} bytes of type hash`, end - i, record, at);
      this.hashes[record] = (BigInt(readU32(buffer, i)) << 32n) | BigInt(readU32(buffer, i + 4));
      i += HASH_SIZE;
    }
    // r[multipart.length.exact]: the sum rounds only above 2^53, where it is larger than what is left anyway.
    // r[multipart.record.cut] r[multipart-typed.record.cut]
    const length = high * 2 ** 32 + low;
    if (length > end - i) throw defect("eof.in-body", `${length} bytes`, end - i, record, at);
    this.offsets[2 * record] = i;
    this.offsets[2 * record + 1] = i + length;
    return i + length;
  }

  #grow(): void {
    const offsets = new Int32Array(this.offsets.length * 2);
    offsets.set(this.offsets);
    this.offsets = offsets;
  }
}

/**
 * Takes one whole payload apart (`spec/framing.md`, multipart). All bytes are views of `payload`, borrowed with it. Refuses
 * as `MultipartRecords.read` does, at `offset`; then no record was handed out.
 */
export function decodeMultipart(
  payload: Uint8Array,
  { offset = payload.length, ...options }: MultipartOptions & { offset?: number } = {},
): MultipartMessage {
  const records = new MultipartRecords(options);
  records.read(payload, 0, payload.length, offset);
  const record = (i: number): Part => {
    const bytes = payload.subarray(records.offsets[2 * i], records.offsets[2 * i + 1]);
    const typehash = records.hashes[i];
    return typehash === undefined ? { bytes } : { bytes, typehash };
  };
  return { body: record(0), parts: Array.from({ length: records.count - 1 }, (_, i) => record(i + 1)) };
}

function readU32(bytes: Uint8Array, i: number): number {
  return ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) >>> 0;
}

/** `record` is 0 for the body, else one more than the number of the part. */
function defect(code: ErrorCode, expected: string, left: number, record: number, offset: number): WireError {
  const where = record === 0 ? "the body record" : `part ${record - 1}`;
  const message = `expected ${expected} in ${where}, ${left} bytes were left of the payload that ended at byte ${offset} of the stream`;
  return new WireError({ code, message, offset });
}

/**
 * The buffers of one payload: record headers and the message's own bytes by reference. Put them into a frame with
 * `FrameEncoder.encode`, which holds them against the frame limit.
 *
 * @throws WireError `header.field` for a hash that the profile cannot carry, `oversize.declared` for too many parts, `state`
 * for a limit that is none.
 */
export function encodeMultipart(
  { body, parts }: MultipartMessage,
  { typed = false, maxParts = DEFAULT_MAX_PARTS }: MultipartOptions = {},
): Uint8Array[] {
  if (parts.length > checkCount("maxParts", maxParts)) {
    throw refusal("oversize.declared", `expected at most ${maxParts} parts, ${parts.length} came`);
  }
  const buffers: Uint8Array[] = [];
  [body, ...parts].forEach(({ bytes, typehash }, index) => {
    buffers.push(recordHeader(bytes.length, typehash, typed, index), bytes);
  });
  return buffers;
}

function recordHeader(length: number, typehash: bigint | undefined, typed: boolean, index: number): Uint8Array {
  const header = new Uint8Array(typehash === undefined ? LENGTH_SIZE : LENGTH_SIZE + HASH_SIZE);
  const view = new DataView(header.buffer);
  view.setUint32(0, Math.floor(length / 2 ** 32));
  view.setUint32(4, length % 2 ** 32);
  if (typehash === undefined) return header;
  // r[multipart.encode.refusal]
  const record = index === 0 ? "the body" : `part ${index - 1}`;
  if (!typed)
    throw refusal("header.field", `expected no type hash in ${record} of an untyped message, ${typehash} came`);
  if (typehash < 0n || typehash > MAX_HASH) {
    throw refusal("header.field", `expected a type hash of 64 unsigned bits in ${record}, ${typehash} came`);
  }
  // r[multipart-typed.encode.layout]
  view.setUint8(0, view.getUint8(0) | 0x80);
  view.setBigUint64(LENGTH_SIZE, typehash);
  return header;
}
