import type { DecodeVector, EncodeVector, Vector } from "../corpus/vector.ts";
import type { Limits } from "../protocol.ts";
import { settled } from "./plan.ts";

/** Companions up to here make a row or a queue that is still short. */
const MAX_LENGTH = 100_000;

/** The next two of the profile's vectors, in the corpus' order, whose streams may follow this one on its connection. */
export function companionsOf(v: DecodeVector, vectors: readonly Vector[]): readonly DecodeVector[] {
  // What follows what in a session is the session's affair: r[iut.session.decode]
  const free = !v.profile.endsWith("-session");
  const all = next(v, vectors, (other): other is DecodeVector => {
    if (other.role !== "decode" || other.stream.atEof !== "end" || !settled(other)) return false;
    const { length, events } = other.stream;
    return (
      events.length > 0 && length <= MAX_LENGTH && (free || (v.sweeps.glue === true && other.sweeps.glue === true))
    );
  });
  return [...all.take(2)];
}

/** The next of the profile's vectors whose message may be sent while this one's waits, and is another. */
export function followerOf(v: EncodeVector, vectors: readonly Vector[]): EncodeVector | undefined {
  return next(v, vectors, (other): other is EncodeVector => {
    if (other.role !== "encode" || other.bytes === null || other.bytes.length > 1024) return false;
    return v.bytes !== null && Buffer.compare(other.bytes, v.bytes) !== 0;
  }).next().value;
}

/** What glues is short; a session does not glue, since what follows what is its own affair, and another session is none of it. */
export function standsBeside({ alternatives, profile, stream, sweeps }: DecodeVector): boolean {
  return alternatives.length === 0 && stream.length > 1 && (sweeps.glue === true || profile.endsWith("-session"));
}

/** The next of the profile's vectors that accepts, and whose stream may be on another connection at the same time. */
export function neighbourOf(v: DecodeVector, vectors: readonly Vector[]): DecodeVector | undefined {
  return next(v, vectors, (other): other is DecodeVector => accepts(other) && standsBeside(other)).next().value;
}

/** Whether `v` is the first that has a neighbour: what need not be said of each vector is said of this one. */
export function leads(v: DecodeVector, vectors: readonly Vector[]): boolean {
  return vectors.find((other) => other.level === v.level && accepts(other) && standsBeside(other)) === v;
}

function accepts(v: Vector): v is DecodeVector {
  return v.role === "decode" && v.stream.atEof === "end" && v.stream.events.length > 0;
}

/** Those that stand behind `v`, then those before it. */
function* next<V extends Vector>(
  v: Vector,
  vectors: readonly Vector[],
  fits: (other: Vector) => other is V,
): Generator<V, undefined> {
  const from = vectors.indexOf(v) + 1;
  for (let i = 0; i < vectors.length - 1; i++) {
    const other = vectors[(from + i) % vectors.length]!;
    if (other.level === v.level && fits(other) && within(other.limits, v.limits)) yield other;
  }
}

/** What the one limits accept, the other accept too. */
function within(limits: Limits, wider: Limits): boolean {
  return Object.entries(wider).every(([name, most]) => {
    const limit = limits[name];
    return limit !== undefined && BigInt(limit) <= BigInt(most);
  });
}
