import { FrameEncoder, type FramingProfile } from "@tensorwire/framing";
import { encode as encodeLengthPrefixed } from "length-prefixed-stream";

/** Encodes `count` frames of the same payload; returns the bytes that it made, which the caller checks. */
export type Encode = (payload: Uint8Array, count: number) => number;

const SLAB = 64 * 1024;
/** Payloads above this go by reference instead of into the slab. */
const BY_REFERENCE = 4096;

function buffers(profile: FramingProfile): Encode {
  const encoder = new FrameEncoder(profile);
  return (payload, count) => {
    let bytes = 0;
    for (let i = 0; i < count; i++) for (const buffer of encoder.encode(payload)) bytes += buffer.length;
    return bytes;
  };
}

/** What a transport does with small frames: prefix and payload into one slab, which is written when it is full. */
function slab(profile: FramingProfile): Encode {
  const encoder = new FrameEncoder(profile);
  const target = new Uint8Array(SLAB);
  return (payload, count) => {
    let bytes = 0;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const small = payload.length <= BY_REFERENCE;
      if (at + encoder.prefixSize + (small ? payload.length : 0) > SLAB) {
        bytes += at;
        at = 0;
      }
      at = encoder.writePrefix(target, at, payload.length);
      if (!small) bytes += payload.length;
      else if (payload.length <= 48) for (let j = 0; j < payload.length; j++) target[at++] = payload[j]!;
      else {
        target.set(payload, at);
        at += payload.length;
      }
    }
    return bytes + at;
  };
}

const concat: Encode = (payload, count) => {
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64BE(BigInt(payload.length));
    bytes += Buffer.concat([prefix, payload]).length;
  }
  return bytes;
};

/** The way of @grpc/grpc-js: one new buffer for flag, length and payload. */
const allocateAndCopy: Encode = (payload, count) => {
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const frame = Buffer.allocUnsafe(5 + payload.length);
    frame.writeUInt8(0, 0);
    frame.writeUInt32BE(payload.length, 1);
    frame.set(payload, 5);
    bytes += frame.length;
  }
  return bytes;
};

const lengthPrefixedStream: Encode = (payload, count) => {
  const encoder = encodeLengthPrefixed();
  let bytes = 0;
  encoder.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  for (let i = 0; i < count; i++) encoder.write(payload);
  return bytes;
};

/** In the order of the table; the bytes of prefix that each puts before a payload. */
export const ENCODERS: Readonly<
  Record<string, { readonly prefix: (length: number) => number; readonly encode: Encode }>
> = {
  "len32 buffers": { prefix: () => 4, encode: buffers("len32") },
  "len64 buffers": { prefix: () => 8, encode: buffers("len64") },
  "len56-tagged buffers": { prefix: () => 8, encode: buffers("len56-tagged") },
  "grpc-lpm buffers": { prefix: () => 5, encode: buffers("grpc-lpm") },
  "len64 into a slab": { prefix: () => 8, encode: slab("len64") },
  "concat(header, payload)": { prefix: () => 8, encode: concat },
  "allocate and copy (grpc-js)": { prefix: () => 5, encode: allocateAndCopy },
  "length-prefixed-stream": {
    prefix: (length) => Math.max(1, Math.ceil(Math.log2(length + 1) / 7)),
    encode: lengthPrefixedStream,
  },
};
