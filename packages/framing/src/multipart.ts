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
const TYPED_BIT = 0x80000000;
const MAX_HASH = 2n ** 64n - 1n;

/**
 * Takes one whole payload apart (`spec/framing.md`, multipart). All bytes are views of `payload`, borrowed with it.
 *
 * @param options.offset Stream offset of the end of the frame that held the payload: the offset of every error.
 * @throws WireError `eof.in-prefix`, `eof.in-header`, `eof.in-body`, `oversize.declared`; then no record was handed out.
 */
export function decodeMultipart(
  payload: Uint8Array,
  { typed = false, maxParts = DEFAULT_MAX_PARTS, offset = payload.length }: MultipartOptions & { offset?: number } = {},
): MultipartMessage {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const end = payload.length;
  const records: Part[] = [];
  let i = 0;
  do {
    const fail = (code: ErrorCode, expected: string, came: string) => {
      const record = records.length === 0 ? "the body record" : `part ${records.length - 1}`;
      const message = `expected ${expected} in ${record}, ${came}; payload of ${end} bytes ending at byte ${offset}`;
      return new WireError({ code, message, offset });
    };
    // r[multipart.limit.parts]
    if (records.length > maxParts) throw fail("oversize.declared", `at most ${maxParts} parts`, "another record came");
    // r[multipart.body.required] r[multipart.prefix.cut]
    if (end - i < LENGTH_SIZE) throw fail("eof.in-prefix", `${LENGTH_SIZE} bytes of length`, `${end - i} were left`);
    let high = view.getUint32(i);
    const low = view.getUint32(i + 4);
    i += LENGTH_SIZE;
    let typehash: bigint | undefined;
    // r[multipart-typed.record.layout] r[multipart-typed.flag.untyped-profile]
    if (typed && high >= TYPED_BIT) {
      high -= TYPED_BIT;
      // r[multipart-typed.hash.cut]
      if (end - i < HASH_SIZE) throw fail("eof.in-header", `${HASH_SIZE} bytes of type hash`, `${end - i} were left`);
      typehash = view.getBigUint64(i);
      i += HASH_SIZE;
    }
    // r[multipart.length.exact]: the sum rounds only above 2^53, where it is larger than what is left anyway.
    // r[multipart.record.cut]
    const length = high * 2 ** 32 + low;
    if (length > end - i) throw fail("eof.in-body", `${length} bytes`, `${end - i} were left`);
    const bytes = payload.subarray(i, i + length);
    records.push(typehash === undefined ? { bytes } : { bytes, typehash });
    i += length;
  } while (i < end);
  const [body, ...parts] = records as [Part, ...Part[]];
  return { body, parts };
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
