import { createHash } from "node:crypto";
import { type Bytes, type Event, HEX_LIMIT, type Json } from "../protocol.ts";
import type { FileSegment } from "./vector-file.ts";

/** The bytes of one file of slices, by its name. */
export type Bins = (file: string) => Uint8Array;

/** r[iut.bytes.digest] */
export function toEventBytes(bytes: Uint8Array): Bytes {
  if (bytes.length <= HEX_LIMIT) return bytes.toHex();
  return { length: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

export function bytesEvent(bytes: Uint8Array): Event {
  const form = toEventBytes(bytes);
  return typeof form === "string" ? { event: "bytes", hex: form } : { event: "bytes", ...form };
}

/** The bytes of a segment; those of a fill are built, so a segment must fit in memory. */
export function segmentBytes(segment: Pick<FileSegment, "hex" | "fill" | "bin">, bins: Bins): Uint8Array {
  if (segment.hex !== undefined) return Uint8Array.fromHex(segment.hex);
  if (segment.fill) return new Uint8Array(segment.fill.count).fill(segment.fill.byte);
  const { file, offset, length } = segment.bin!;
  return bins(file).subarray(offset, offset + length);
}

function isBytes(value: object): value is Pick<FileSegment, "fill" | "bin"> {
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === "fill" || keys[0] === "bin");
}

/**
 * A message of a vector file as a link carries it: in an event every run of bytes is hex or a digest, in a request hex
 * or a fill.
 */
export function resolveValue(value: Json, bins: Bins, use: "event" | "request"): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolveValue(item, bins, use));
  if (isBytes(value)) {
    if (use === "request") return "fill" in value ? value : segmentBytes(value, bins).toHex();
    return toEventBytes(segmentBytes(value, bins)) as Json;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveValue(item, bins, use)]));
}
