import { type ErrorCode, refusal, WireError } from "./errors.ts";

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
const MAX_HASH = 2n ** 64n - 1n;

/**
 * The records of one payload as offsets, in a table that is used again for the next payload: record 0 is the body, record
 * `1 + i` is part `i`. For those who read many small messages; `decodeMultipart` gives objects.
 */
export class MultipartRecords {
  count = 0;
  /** `[start, end)` of record `i` in the buffer at `2 * i` and `2 * i + 1`. */
  offsets = new Int32Array(16);
  /** The type hash of each record of a typed payload, where it has one. */
  readonly hashes: (bigint | undefined)[] = [];
  readonly #typed: boolean;
  readonly #maxParts: number;

  constructor({ typed = false, maxParts = DEFAULT_MAX_PARTS }: MultipartOptions = {}) {
    this.#typed = typed;
    this.#maxParts = maxParts;
  }

  /**
   * Reads the payload `buffer[start, end)`.
   *
   * @param at Stream offset of the end of the frame that held the payload: the offset of every error.
   * @throws WireError `eof.in-prefix`, `eof.in-header`, `eof.in-body`, `oversize.declared`; then there are no records.
   */
  read(buffer: Uint8Array, start: number, end: number, at: number): void {
    const typed = this.#typed;
    let count = 0;
    let i = start;
    this.count = 0;
    do {
      // r[multipart.limit.parts]
      if (count > this.#maxParts)
        throw defect("oversize.declared", `at most ${this.#maxParts} parts`, end - i, count, at);
      // r[multipart.body.required] r[multipart.prefix.cut]
      if (end - i < LENGTH_SIZE) throw defect("eof.in-prefix", `${LENGTH_SIZE} bytes of length`, end - i, count, at);
      const high = readI32(buffer, i);
      let length = readI32(buffer, i + 4);
      i += LENGTH_SIZE;
      if (typed) {
        this.hashes[count] = undefined;
        // r[multipart-typed.record.layout] r[multipart-typed.flag.untyped-profile]
        if (high < 0) {
          // r[multipart-typed.hash.cut]
          if (end - i < HASH_SIZE) throw defect("eof.in-header", `${HASH_SIZE} bytes of type hash`, end - i, count, at);
          this.hashes[count] = (BigInt(readI32(buffer, i) >>> 0) << 32n) | BigInt(readI32(buffer, i + 4) >>> 0);
          i += HASH_SIZE;
        }
      }
      // r[multipart.length.exact]: the sum rounds only above 2^53, where it is larger than what is left anyway.
      if (high !== 0 || length < 0) length = (typed ? high & 0x7fffffff : high >>> 0) * 2 ** 32 + (length >>> 0);
      // r[multipart.record.cut] r[multipart-typed.record.cut]
      if (length > end - i) throw defect("eof.in-body", `${length} bytes`, end - i, count, at);
      if (2 * count === this.offsets.length) this.#grow();
      this.offsets[2 * count] = i;
      i += length;
      this.offsets[2 * count + 1] = i;
      count++;
    } while (i < end);
    this.count = count;
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

/** Four bytes, big-endian, as a signed int32: the small lengths of nearly every record need no more. */
function readI32(bytes: Uint8Array, i: number): number {
  return (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!;
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
 * @throws WireError `header.field` for a hash that the profile cannot carry, `oversize.declared` for too many parts.
 */
export function encodeMultipart(
  { body, parts }: MultipartMessage,
  { typed = false, maxParts = DEFAULT_MAX_PARTS }: MultipartOptions = {},
): Uint8Array[] {
  if (parts.length > maxParts) {
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
