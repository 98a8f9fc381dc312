import { createHash } from "node:crypto";
import { type Bytes, type Event, HEX_LIMIT, type Json } from "@tensorwire/conformance/protocol";
import { Declined } from "./declined.ts";

/** Runs of one byte above this are judged, and not built. */
const MOST_BUILT = 64 * 1024 * 1024;

const digest = (buffers: readonly Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const buffer of buffers) hash.update(buffer);
  return hash.digest("hex");
};

/** Bytes as events have them: a copy in text, taken at once. r[iut.bytes.digest] */
export function showBytes(bytes: Uint8Array): Bytes {
  return bytes.length <= HEX_LIMIT ? bytes.toHex() : { length: bytes.length, sha256: digest([bytes]) };
}

/** The event for what an encoder emitted. */
export function bytesEvent(buffers: readonly Uint8Array[]): Event {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  if (length <= HEX_LIMIT) return { event: "bytes", hex: buffers.map((buffer) => buffer.toHex()).join("") };
  return { event: "bytes", length, sha256: digest(buffers) };
}

/** BYTES of a request: their length is known before they are built, so that a limit can be judged first. r[iut.encode.fill] */
export interface BytesToBuild {
  readonly length: number;
  build(): Uint8Array;
}

export function readBytes(value: Json | undefined): BytesToBuild {
  if (typeof value === "string") {
    return { length: value.length / 2, build: () => Uint8Array.fromHex(value) };
  }
  const { byte, count } = (value as { fill: { byte: number; count: number } }).fill;
  return {
    length: count,
    build: () => {
      if (count > MOST_BUILT) throw new Declined("limit", `a run of ${count} bytes is accepted, but not built here`);
      return Buffer.alloc(count, byte);
    },
  };
}
