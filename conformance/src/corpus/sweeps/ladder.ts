import { CorpusDefect } from "../defect.ts";
import { Script } from "../script.ts";
import { fatalError, type Segment, Stream } from "../stream.ts";
import type { DecodeVector } from "../vector.ts";
import type { FieldType } from "../vector-file.ts";
import type { Plan } from "./plan.ts";

const WIDTHS: Partial<Record<FieldType, number>> = { u32be: 4, u56be: 7, u64be: 8 };
/** What announced bytes are. */
export const FILL = 0xab;
/** Lengths from here on have a bit that a signed, narrow or rounded number loses. */
export const WIDE = 1n << 31n;

/**
 * The first length of the stream replaced, with nothing after it: the limit and its neighbours, the edges of integer
 * types, and lengths whose low part is the limit. At or below the limit a decoder waits for the body; above it, it
 * refuses with the prefix alone.
 */
export function* ladder(v: DecodeVector): Iterable<Plan> {
  const { limit, width } = lengthOf(v);
  for (const length of rungs(limit, width)) {
    const refused = length > limit;
    yield {
      suffix: `length=${length}`,
      rules: v.rulesFor(refused ? (length >= WIDE ? "limit.wide" : "limit.refuse") : "limit.accept"),
      why: refused
        ? `A length of ${length} is above the limit of ${limit} and is refused with the prefix alone.`
        : `A length of ${length} is within the limit of ${limit} and waits for its body.`,
      play: () => new Script(announced(v, length, limit)).reads([]).eof(),
    };
  }
}

/** The first length field of a vector, and the limit that it is judged by. Throws `CorpusDefect`. */
export function lengthOf(v: DecodeVector): { segment: Segment; width: number; limit: bigint } {
  const { max_frame_length: limit } = v.limits;
  const segment = v.stream.segments.find((s) => s.field === "length");
  const width = WIDTHS[v.fields.length?.type ?? "bytes"];
  if (limit === undefined || !segment || !width) {
    throw new CorpusDefect(`${v.id}: "ladder" needs a max_frame_length and a length field`);
  }
  return { segment, width, limit: BigInt(limit) };
}

/** The stream up to its first length field, which says `length`, and the first `arrived` bytes of what it announces. */
export function announced(v: DecodeVector, length: bigint, limit: bigint, arrived = 0): Stream {
  const { segment } = lengthOf(v);
  const at = segment.end;
  const bytes = new Uint8Array(at + arrived).fill(FILL);
  bytes.set(v.stream.bytes.subarray(0, at));
  writeBigEndian(bytes.subarray(segment.start, at), length);
  const segments = v.stream.segments.filter((s) => s.end <= at);
  if (arrived > 0) segments.push({ field: "payload", start: at, end: at + arrived, eof: "eof.in-body", fill: FILL });
  if (length <= limit) return new Stream(bytes, segments, [], "eof.in-body");
  return new Stream(bytes, segments, [{ at, event: fatalError("oversize.declared", at) }], null);
}

/** A bound and its neighbours, the edges of integer types, numbers whose low part is the bound, and `more`, in order. */
export function rungs(limit: bigint, width: number, more: readonly bigint[] = []): bigint[] {
  const rows = new Set([limit - 1n, limit, limit + 1n, ...more]);
  for (const bits of [8n, 15n, 16n, 24n, 31n, 32n, 48n, 53n, 55n, 56n, 63n]) {
    const edge = 1n << bits;
    for (const value of [edge - 1n, edge, edge + 1n, edge + limit]) rows.add(value);
  }
  const largest = (1n << BigInt(8 * width)) - 1n;
  rows.add(largest);
  return [...rows].filter((value) => value > 0n && value <= largest).sort((a, b) => (a < b ? -1 : 1));
}

export function readBigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function writeBigEndian(target: Uint8Array, value: bigint): void {
  let rest = value;
  for (let i = target.length - 1; i >= 0; i--) {
    target[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
