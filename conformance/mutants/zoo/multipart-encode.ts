import type { Mutant } from "../mutant.ts";

const MULTIPART = "packages/framing/src/multipart.ts";

/** Encoders of multipart payloads. */
export const MULTIPART_ENCODE: readonly Mutant[] = [
  {
    id: "multipart-encode/body-last",
    rules: ["multipart.encode.layout"],
    file: MULTIPART,
    find: "[body, ...parts].forEach(",
    replace: "[...parts, body].forEach(",
    why: "The body is written behind the parts.",
  },
  {
    id: "multipart-encode/little-endian",
    rules: ["multipart.encode.layout"],
    file: MULTIPART,
    find: "view.setUint32(4, length % 2 ** 32);",
    replace: "view.setUint32(4, length % 2 ** 32, true);",
    why: "The lengths of records are written in little-endian order.",
  },
  {
    id: "multipart-encode/empty-part-dropped",
    rules: ["multipart.encode.layout"],
    file: MULTIPART,
    find: "buffers.push(recordHeader(bytes.length, typehash, typed, index), bytes);",
    replace:
      "const header = recordHeader(bytes.length, typehash, typed, index);\n    if (index === 0 || bytes.length > 0) buffers.push(header, bytes);",
    why: "Parts of 0 bytes are not written.",
  },
  {
    id: "multipart-encode/hash-in-untyped",
    rules: ["multipart.encode.refusal"],
    file: MULTIPART,
    find: "if (!typed)\n",
    replace: "if (length < 0)\n",
    why: "A hash is written in the profile that has none.",
  },
  {
    id: "multipart-encode/hash-wraps",
    rules: ["multipart.encode.refusal"],
    file: MULTIPART,
    find: "if (typehash < 0n || typehash > MAX_HASH) {",
    replace: "if (length < 0) {",
    why: "A hash that 64 bits do not hold is written modulo 2^64.",
  },
  {
    id: "multipart-typed-encode/flag-missing",
    rules: ["multipart-typed.encode.layout"],
    file: MULTIPART,
    find: "view.setUint8(0, view.getUint8(0) | 0x80);",
    replace: "",
    why: "A hash is written without the bit that announces it.",
  },
  {
    id: "multipart-typed-encode/hash-little-endian",
    rules: ["multipart-typed.encode.layout"],
    file: MULTIPART,
    find: "view.setBigUint64(LENGTH_SIZE, typehash);",
    replace: "view.setBigUint64(LENGTH_SIZE, typehash, true);",
    why: "A hash is written in little-endian order.",
  },
  {
    id: "multipart-typed-encode/hash-through-double",
    rules: ["multipart-typed.encode.layout"],
    file: MULTIPART,
    find: "view.setBigUint64(LENGTH_SIZE, typehash);",
    replace: "view.setBigUint64(LENGTH_SIZE, BigInt(Number(typehash)));",
    why: "A hash above 2^53 is rounded before it is written.",
  },
];
